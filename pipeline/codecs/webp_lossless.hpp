#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// An upper bound of the memory that libwebp takes to decode a lossless bitstream (VP8L after its five bytes of header,
/// or a compressed ALPH after its one) of that many pixels, beside input and output.
///
/// The pixels themselves follow from the sizes. But a stream may ask for up to 65,536 groups of Huffman codes at 20 KB
/// each whatever its size, so a few hundred bytes can claim a gigabyte. How many it asks for is only known from an
/// entropy-coded image in it; this reads the stream up to there, and counts what libwebp would have allocated by then.
/// A stream that is damaged before that point is damaged for libwebp as well: it stops there too.
///
/// Any bytes are safe; takes 20 KB of stack; costs a step for each pixel of the stream's small images, which have one
/// for 4 x 4 pixels at most. RFC 9649, 3.5 to 3.7.
[[nodiscard]] std::uint64_t webp_lossless_bytes(Bytes stream, std::uint32_t width, std::uint32_t height);

}  // namespace pixmill::pipeline

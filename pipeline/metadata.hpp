#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// How the image that is written came from the one that was read.
struct MetadataUse {
  kernels::FrameShape written;
  int orientation_left = 1;  ///< What the file asks for and was not heeded; 1 where the image stands upright now.
  bool oriented = true;      ///< Whether it was heeded.
  bool sideways = false;     ///< What was across in the file is now upright.
};

/// Makes what a decoder found true of the image that is written, for an encoder to write as it is.
///
/// EXIF is brought in line with the image (edit_exif); where only EXIF states a resolution, that is taken for the
/// image's; a resolution goes with the picture when it is turned, and is left as it is when it is resized, as in
/// libvips and ImageMagick. A profile that does not fit the channels, and whatever is no sound ICC or EXIF, is left out
/// and said in `left_out`. An orientation that is left to the reader, and that the file says elsewhere than in EXIF, is
/// said in EXIF from now on. Takes no memory to speak of.
void adapt_metadata(Metadata& metadata, const MetadataUse& use);

/// Upper bound of what metadata adds to the memory that an image takes: the copy of it, and its part of the output
/// while that grows. A file can hold no more metadata than itself but by deflate, which makes at most 1032 bytes of
/// one.
[[nodiscard]] std::uint64_t metadata_bytes(std::uint64_t file_bytes);

}  // namespace pixmill::pipeline

#include "pipeline/codecs/png_zlib.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

namespace pixmill::pipeline {

namespace {

/// The part of `all` behind what is done, as far as zlib's counters go.
uInt part(std::size_t all, std::size_t done) {
  return static_cast<uInt>(std::min<std::size_t>(all - done, std::numeric_limits<uInt>::max()));
}

/// Ends the stream with it.
struct Stream {
  z_stream state{};
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { deflateEnd(&state); }
};

}  // namespace

std::size_t png_zlib_compress(PngRepeats repeats, std::span<const std::uint8_t> data, std::span<std::uint8_t> out) {
  constexpr int kLevel = 6;  // of no effect on either strategy
  constexpr int kWindowBits = 15;
  constexpr int kMemory = 8;
  Stream stream;
  z_stream& z = stream.state;
  const int strategy = repeats == PngRepeats::of_last_byte ? Z_RLE : Z_HUFFMAN_ONLY;
  if (deflateInit2(&z, kLevel, Z_DEFLATED, kWindowBits, kMemory, strategy) != Z_OK) throw std::bad_alloc();
  std::size_t read = 0;
  std::size_t written = 0;
  int result = Z_OK;
  while (result == Z_OK && written < out.size()) {
    const uInt in_part = part(data.size(), read);
    const uInt out_part = part(out.size(), written);
    // zlib does not write to its input.
    z.next_in = const_cast<Bytef*>(data.data() + read);
    z.avail_in = in_part;
    z.next_out = out.data() + written;
    z.avail_out = out_part;
    result = deflate(&z, read + in_part == data.size() ? Z_FINISH : Z_NO_FLUSH);
    read += in_part - z.avail_in;
    written += out_part - z.avail_out;
  }
  return result == Z_STREAM_END ? written : 0;
}

}  // namespace pixmill::pipeline

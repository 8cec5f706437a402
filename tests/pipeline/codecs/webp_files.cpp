#include "tests/pipeline/codecs/webp_files.hpp"

#include "tests/pipeline/codecs/png_files.hpp"
#include "tests/support/bit_writer.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <webp/decode.h>
#include <webp/encode.h>

#include <opencv2/core.hpp>

#include <cstring>
#include <stdexcept>

namespace pixmill::pipeline {

namespace {

using tests::BitWriter;

constexpr std::size_t kRiffBytes = 12;

void append_little(std::vector<std::byte>& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i) & 0xFF));
}

/// A code of one symbol, which then takes no bits.
void put_single(BitWriter& bits, std::uint32_t symbol) {
  bits.put(1, 1);
  bits.put(0, 1);
  bits.put(1, 1);
  bits.put(symbol, 8);
}

/// A code in which the 256 literals have eight bits each: its lengths are one symbol, 8, that takes no bits.
void put_flat(BitWriter& bits, std::uint32_t symbols) {
  bits.put(0, 1);
  bits.put(12 - 4, 4);  // 17, 18, 0, 1, … up to 8
  for (const std::uint32_t length : {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}) bits.put(length, 3);
  bits.put(symbols == 256 ? 0 : 1, 1);
  if (symbols != 256) {
    bits.put(3, 3);  // a number of 8 bits
    bits.put(256 - 2, 8);
  }
}

}  // namespace

std::vector<std::byte> make_webp(const cv::Mat& image, const WebpKind& kind) {
  WebPConfig config;
  WebPPicture picture;
  if (WebPConfigInit(&config) == 0 || WebPPictureInit(&picture) == 0) throw std::runtime_error("libwebp");
  config.quality = static_cast<float>(kind.quality);
  config.lossless = kind.lossless ? 1 : 0;
  config.alpha_compression = kind.compressed_alpha ? 1 : 0;
  config.exact = 1;
  picture.use_argb = config.lossless;
  picture.width = image.cols;
  picture.height = image.rows;
  WebPMemoryWriter writer;
  WebPMemoryWriterInit(&writer);
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &writer;
  const int stride = static_cast<int>(image.step[0]);
  const int imported = image.channels() == 4 ? WebPPictureImportBGRA(&picture, image.data, stride)
                                             : WebPPictureImportBGR(&picture, image.data, stride);
  const bool written = imported != 0 && WebPEncode(&config, &picture) != 0;
  const Bytes bytes = std::as_bytes(std::span(writer.mem, writer.size));
  std::vector<std::byte> file(bytes.begin(), bytes.end());
  WebPMemoryWriterClear(&writer);
  WebPPictureFree(&picture);
  if (!written) throw std::runtime_error("libwebp could not write it");
  return file;
}

cv::Mat read_with_libwebp(Bytes file, bool alpha) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(file.data());
  int width = 0;
  int height = 0;
  if (WebPGetInfo(data, file.size(), &width, &height) == 0) return {};
  cv::Mat image(height, width, alpha ? CV_8UC4 : CV_8UC3);
  const auto decode = alpha ? WebPDecodeBGRAInto : WebPDecodeBGRInto;
  const bool read = decode(data, file.size(), image.data, image.total() * image.elemSize(),
                           static_cast<int>(image.step[0])) != nullptr;
  return read ? image : cv::Mat();
}

std::vector<std::byte> webp_chunk(std::string_view type, Bytes data) {
  std::vector<std::byte> chunk;
  for (const char c : type) chunk.push_back(static_cast<std::byte>(c));
  append_little(chunk, static_cast<std::uint32_t>(data.size()), 4);
  append(chunk, data);
  if (data.size() % 2 != 0) chunk.push_back(std::byte{0});
  return chunk;
}

std::vector<std::byte> webp_container(Bytes chunks) {
  std::vector<std::byte> file = to_bytes({'R', 'I', 'F', 'F'});
  append_little(file, static_cast<std::uint32_t>(chunks.size() + 4), 4);
  append(file, to_bytes({'W', 'E', 'B', 'P'}));
  append(file, chunks);
  return file;
}

std::vector<std::byte> webp_extended(int flags, std::uint32_t width, std::uint32_t height) {
  std::vector<std::byte> data = to_bytes({flags, 0, 0, 0});
  append_little(data, width - 1, 3);
  append_little(data, height - 1, 3);
  return webp_chunk("VP8X", data);
}

std::vector<std::byte> webp_picture(Bytes file) {
  constexpr std::size_t kExtendedBytes = 18;
  const bool extended = byte_at(file, kRiffBytes + 3) == 'X';
  const Bytes rest = file.subspan(kRiffBytes + (extended ? kExtendedBytes : 0));
  return {rest.begin(), rest.end()};
}

std::vector<std::byte> webp_frame(std::uint32_t x, std::uint32_t y, std::uint32_t width, std::uint32_t height,
                                  Bytes picture) {
  std::vector<std::byte> data;
  for (const std::uint32_t value : {x / 2, y / 2, width - 1, height - 1, 100U}) append_little(data, value, 3);
  data.push_back(std::byte{0});
  append(data, picture);
  return webp_chunk("ANMF", data);
}

std::vector<std::byte> webp_of_many_groups(std::uint32_t width, std::uint32_t height, std::uint32_t groups) {
  constexpr std::uint32_t kBlockBits = 2;
  const std::uint32_t across = (width + 3) / 4;
  const std::uint32_t pixels = across * ((height + 3) / 4);
  BitWriter bits;
  bits.put(0x2F, 8);
  bits.put(width - 1, 14);
  bits.put(height - 1, 14);
  bits.put(0, 4);  // no alpha, version 0
  bits.put(0, 1);  // no transforms
  bits.put(1, 1);  // a colour cache, of the largest size: the largest tables
  bits.put(11, 4);
  bits.put(1, 1);  // groups of codes, named by an image:
  bits.put(kBlockBits - 2, 3);
  bits.put(0, 1);  // without a cache
  put_flat(bits, 280);
  put_flat(bits, 256);
  put_single(bits, 0);
  put_single(bits, 0);
  put_single(bits, 0);
  for (std::uint32_t i = 0; i < pixels; ++i) {
    const std::uint32_t group = groups <= 1000 ? groups - 1 : std::min(i, groups - 1);
    bits.put_code(group & 0xFF, 8);
    bits.put_code(group >> 8, 8);
  }
  return webp_container(webp_chunk("VP8L", bits.bytes()));
}

}  // namespace pixmill::pipeline

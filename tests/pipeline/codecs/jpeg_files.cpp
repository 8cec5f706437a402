#include "tests/pipeline/codecs/jpeg_files.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace pixmill::pipeline {

namespace {

J_COLOR_SPACE input_space(const cv::Mat& image) {
  if (image.channels() == 1) return JCS_GRAYSCALE;
  return image.channels() == 3 ? JCS_EXT_BGR : JCS_CMYK;
}

void choose_scans(jpeg_compress_struct& codec, const JpegKind& kind, std::vector<jpeg_scan_info>& scans) {
  if (kind.progressive) jpeg_simple_progression(&codec);
  if (kind.scan_each_component) {
    for (int i = 0; i < codec.num_components; ++i) scans.push_back({1, {i, 0, 0, 0}, 0, 63, 0, 0});
  } else if (kind.repeated_scans > 0) {
    jpeg_scan_info dc{codec.num_components, {0, 1, 2, 3}, 0, 0, 0, 0};
    scans.push_back(dc);
    for (int i = 0; i < 63; ++i) scans.push_back({1, {0, 0, 0, 0}, i + 1, i + 1, 0, 0});
  }
  if (!scans.empty()) {
    codec.scan_info = scans.data();
    codec.num_scans = static_cast<int>(scans.size());
  }
}

/// Appends copies of the last scan's bytes before the end marker.
void repeat_last_scan(std::vector<std::byte>& file, int times) {
  const std::array<std::byte, 2> start{std::byte{0xFF}, std::byte{0xDA}};
  const auto last = std::find_end(file.begin(), file.end(), start.begin(), start.end());
  const std::vector<std::byte> scan(last, file.end() - 2);
  const std::vector<std::byte> end(file.end() - 2, file.end());
  file.erase(file.end() - 2, file.end());
  for (int i = 0; i < times; ++i) file.insert(file.end(), scan.begin(), scan.end());
  file.insert(file.end(), end.begin(), end.end());
}

}  // namespace

std::vector<std::byte> make_jpeg(const cv::Mat& image, const JpegKind& kind) {
  jpeg_compress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&codec, &memory, &size);
  codec.image_width = static_cast<JDIMENSION>(image.cols);
  codec.image_height = static_cast<JDIMENSION>(image.rows);
  codec.input_components = image.channels();
  codec.in_color_space = input_space(image);
  jpeg_set_defaults(&codec);
  jpeg_set_colorspace(&codec, image.channels() == 1 ? JCS_GRAYSCALE : kind.stored);
  jpeg_set_quality(&codec, 90, TRUE);
  codec.arith_code = kind.arithmetic ? TRUE : FALSE;
  codec.restart_in_rows = kind.restart_rows;
  std::vector<jpeg_scan_info> scans;
  choose_scans(codec, kind, scans);
  jpeg_start_compress(&codec, TRUE);
  while (codec.next_scanline < codec.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(image.ptr<JSAMPLE>(static_cast<int>(codec.next_scanline)));
    jpeg_write_scanlines(&codec, &row, 1);
  }
  jpeg_finish_compress(&codec);
  jpeg_destroy_compress(&codec);
  std::vector<std::byte> file(size);
  std::memcpy(file.data(), memory, size);
  std::free(memory);
  if (kind.repeated_scans > 0) repeat_last_scan(file, kind.repeated_scans);
  return file;
}

cv::Mat read_with_libjpeg(Bytes file, J_COLOR_SPACE as) {
  jpeg_decompress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&codec);
  jpeg_mem_src(&codec, reinterpret_cast<const unsigned char*>(file.data()), file.size());
  jpeg_read_header(&codec, TRUE);
  codec.out_color_space = as;
  jpeg_start_decompress(&codec);
  const int channels = codec.output_components;
  cv::Mat image(static_cast<int>(codec.output_height), static_cast<int>(codec.output_width), CV_8UC(channels));
  while (codec.output_scanline < codec.output_height) {
    JSAMPROW row = image.ptr<JSAMPLE>(static_cast<int>(codec.output_scanline));
    jpeg_read_scanlines(&codec, &row, 1);
  }
  jpeg_finish_decompress(&codec);
  jpeg_destroy_decompress(&codec);
  return image;
}

std::vector<std::byte> exif_block(int orientation, bool little_endian) {
  using namespace std::string_view_literals;
  std::string text(little_endian ? "II*\0\x08\0\0\0"sv : "MM\0*\0\0\0\x08"sv);
  const auto put = [&](unsigned value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      const int shift = 8 * (little_endian ? i : bytes - 1 - i);
      text.push_back(static_cast<char>(value >> shift & 0xFF));
    }
  };
  put(2, 2);  // entries: Make, then Orientation
  put(0x010F, 2), put(2, 2), put(4, 4), text.append("pix\0"sv);
  put(0x0112, 2), put(3, 2), put(1, 4), put(static_cast<unsigned>(orientation), 2), put(0, 2);
  put(0, 4);
  const Bytes bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> with_orientation(Bytes jpeg, int orientation, bool little_endian) {
  using namespace std::string_view_literals;
  const std::vector<std::byte> tiff = exif_block(orientation, little_endian);
  const std::size_t length = 2 + 6 + tiff.size();
  std::string segment("\xFF\xE1"sv);
  segment.push_back(static_cast<char>(length >> 8));
  segment.push_back(static_cast<char>(length & 0xFF));
  segment.append("Exif\0\0"sv);
  std::vector<std::byte> bytes(segment.size());
  std::memcpy(bytes.data(), segment.data(), segment.size());
  bytes.insert(bytes.end(), tiff.begin(), tiff.end());
  return with_bytes_at(jpeg, 2, bytes);
}

std::vector<std::byte> with_bytes_at(Bytes file, std::size_t at, Bytes inserted) {
  std::vector<std::byte> out(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(at));
  out.insert(out.end(), inserted.begin(), inserted.end());
  out.insert(out.end(), file.begin() + static_cast<std::ptrdiff_t>(at), file.end());
  return out;
}

}  // namespace pixmill::pipeline

// What nobody can leave out of a job over JPEG files: reading them and decoding them to gray with libjpeg, and nothing
// else, on some threads. Prints nothing; backends_bench.py times it.
//
//   decode_floor THREADS FILE...

#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace {

void decode_all(std::span<char*> files, std::atomic<std::size_t>& next) {
  jpeg_decompress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&codec);
  std::vector<char> file;
  std::vector<JSAMPLE> pixels;
  for (std::size_t i = next++; i < files.size(); i = next++) {
    std::ifstream stream(files[i], std::ios::binary);
    file.assign(std::istreambuf_iterator<char>(stream), {});
    jpeg_mem_src(&codec, reinterpret_cast<const unsigned char*>(file.data()), file.size());
    jpeg_read_header(&codec, TRUE);
    codec.out_color_space = JCS_GRAYSCALE;
    jpeg_start_decompress(&codec);
    pixels.resize(std::size_t{codec.output_width} * codec.output_height);
    while (codec.output_scanline < codec.output_height) {
      JSAMPROW rows[16];
      for (unsigned k = 0; k < 16; ++k) {
        const unsigned y = std::min(codec.output_scanline + k, codec.output_height - 1);
        rows[k] = pixels.data() + std::size_t{y} * codec.output_width;
      }
      jpeg_read_scanlines(&codec, rows, 16);
    }
    jpeg_finish_decompress(&codec);
  }
  jpeg_destroy_decompress(&codec);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: decode_floor THREADS FILE...\n");
    return 2;
  }
  const std::span<char*> files(argv + 2, static_cast<std::size_t>(argc - 2));
  std::atomic<std::size_t> next{0};
  const int count = std::atoi(argv[1]);
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(std::max(count, 0)));
  for (int i = 0; i < count; ++i) threads.emplace_back([&] { decode_all(files, next); });
}

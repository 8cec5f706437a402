/// Codecs on synthetic pictures: decoding and encoding, one thread. Rates are of decoded bytes.

#include "pipeline/codecs/codec.hpp"

#include <benchmark/benchmark.h>
#include <opencv2/core.hpp>

#include <cmath>
#include <stdexcept>
#include <string>

namespace pixmill::pipeline {
namespace {

/// Waves and noise: compresses about like a photograph.
cv::Mat make_photo(int width, int height, int channels) {
  cv::Mat image(height, width, CV_8UC(channels));
  cv::RNG random(7);
  for (int y = 0; y < height; ++y) {
    std::uint8_t* row = image.ptr<std::uint8_t>(y);
    for (int i = 0; i < width * channels; ++i) {
      const int column = i / channels;
      const auto x = static_cast<double>(column);
      const double wave = 127.0 + 90.0 * std::sin(x / 37.0) * std::cos(y / 23.0) + random.gaussian(4.0);
      row[i] = cv::saturate_cast<std::uint8_t>(wave);
    }
  }
  return image;
}

std::vector<std::byte> write(std::string_view format, const EncodeSource& source, const EncodeOptions& options) {
  std::vector<std::byte> out;
  const CodecStatus status = find_codec(format)->make_encoder()->encode(source, options, out);
  if (!status.usable()) throw std::runtime_error(status.detail);
  return out;
}

void read_file(benchmark::State& state, std::string_view format, bool luma) {
  const cv::Mat image = make_photo(static_cast<int>(state.range(0)), static_cast<int>(state.range(0)) * 3 / 4, 3);
  const std::vector<std::byte> file = write(format, {&image}, {});
  const std::unique_ptr<Decoder> decoder = find_codec(format)->make_decoder();
  cv::Mat frame(image.size(), luma ? CV_8UC1 : CV_8UC3);
  while (state.KeepRunning()) {
    ImageHeader header;
    CodecStatus status = decoder->read_header(file, {}, header);
    if (status.usable()) status = decoder->decode({.luma = luma}, frame, {});
    if (!status.usable()) state.SkipWithError(status.detail.c_str());
    benchmark::DoNotOptimize(frame.data);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(frame.total() * frame.elemSize()));
}

void write_file(benchmark::State& state, std::string_view format, int channels, bool two_level) {
  const cv::Mat image =
      make_photo(static_cast<int>(state.range(0)), static_cast<int>(state.range(0)) * 3 / 4, channels);
  kernels::LevelTable table(kernels::Depth::eight);
  if (two_level) table.then([](int level) { return level > 127 ? 255 : 0; });
  const std::unique_ptr<Encoder> encoder = find_codec(format)->make_encoder();
  const EncodeOptions options{.compression = static_cast<int>(state.range(1))};
  std::vector<std::byte> out;
  while (state.KeepRunning()) {
    const CodecStatus status = encoder->encode({&image, &table, two_level}, options, out);
    if (!status.usable()) state.SkipWithError(status.detail.c_str());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(image.total() * image.elemSize()));
  state.counters["file_bytes"] = static_cast<double>(out.size());
}

void read_jpeg_luma(benchmark::State& state) { read_file(state, "jpg", true); }
void read_jpeg_colour(benchmark::State& state) { read_file(state, "jpg", false); }
void read_png_colour(benchmark::State& state) { read_file(state, "png", false); }
void read_bmp_colour(benchmark::State& state) { read_file(state, "bmp", false); }
void read_ppm_colour(benchmark::State& state) { read_file(state, "pgm", false); }
void write_png_two_level(benchmark::State& state) { write_file(state, "png", 1, true); }
void write_png_gray(benchmark::State& state) { write_file(state, "png", 1, false); }
void write_png_colour(benchmark::State& state) { write_file(state, "png", 3, false); }
void write_jpeg_colour(benchmark::State& state) { write_file(state, "jpg", 3, false); }
void write_bmp_two_level(benchmark::State& state) { write_file(state, "bmp", 1, true); }
void write_bmp_colour(benchmark::State& state) { write_file(state, "bmp", 3, false); }
void write_pgm_gray(benchmark::State& state) { write_file(state, "pgm", 1, false); }
void write_ppm_colour(benchmark::State& state) { write_file(state, "pgm", 3, false); }

BENCHMARK(read_jpeg_luma)->Arg(500)->Arg(3600);
BENCHMARK(read_jpeg_colour)->Arg(500)->Arg(3600);
BENCHMARK(read_png_colour)->Arg(500)->Arg(3600);
BENCHMARK(read_bmp_colour)->Arg(500)->Arg(4000);
BENCHMARK(read_ppm_colour)->Arg(500)->Arg(4000);
BENCHMARK(write_png_two_level)->ArgsProduct({{500, 3600}, {1, 6}});
BENCHMARK(write_png_gray)->ArgsProduct({{500, 3600}, {1, 6}});
BENCHMARK(write_png_colour)->ArgsProduct({{500, 3600}, {1, 6}});
BENCHMARK(write_jpeg_colour)->Args({500, 1})->Args({3600, 1});
BENCHMARK(write_bmp_two_level)->Args({500, 1})->Args({4000, 1});
BENCHMARK(write_bmp_colour)->Args({500, 1})->Args({4000, 1});
BENCHMARK(write_pgm_gray)->Args({500, 1})->Args({4000, 1});
BENCHMARK(write_ppm_colour)->Args({500, 1})->Args({4000, 1});

}  // namespace
}  // namespace pixmill::pipeline

BENCHMARK_MAIN();

// The main job (JPEG to luma, Otsu, 1-bit PNG) against what nobody can leave out: libjpeg decoding the same files to
// gray. Files are in memory, one thread. The two take turns over the whole set, and the median of the ratios of
// neighbours is shown; the stages are timed in runs of their own.
//
//   main_job_bench FOLDER [PAIRS]      the JPEG files of FOLDER; PAIRS of runs (default 21)

#include "pipeline/program.hpp"

#include <pixmill/plan.hpp>

#include <opencv2/core.hpp>

#include <sys/resource.h>

#include <jpeglib.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

using File = std::vector<std::byte>;

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

/// libjpeg as its manual says to use it, with one decompressor for all files.
class PlainDecoder {
 public:
  PlainDecoder() {
    codec_.err = jpeg_std_error(&errors_);
    jpeg_create_decompress(&codec_);
  }
  PlainDecoder(const PlainDecoder&) = delete;
  PlainDecoder& operator=(const PlainDecoder&) = delete;
  ~PlainDecoder() { jpeg_destroy_decompress(&codec_); }

  void decode(const File& file) {
    jpeg_mem_src(&codec_, reinterpret_cast<const unsigned char*>(file.data()), file.size());
    jpeg_read_header(&codec_, TRUE);
    codec_.out_color_space = JCS_GRAYSCALE;
    jpeg_start_decompress(&codec_);
    const std::size_t width = codec_.output_width;
    const std::size_t pixels = width * codec_.output_height;
    if (pixels_.size() < pixels) pixels_.resize(pixels);
    while (codec_.output_scanline < codec_.output_height) {
      std::array<JSAMPROW, 16> rows{};
      const std::size_t first = codec_.output_scanline;
      const std::size_t count = std::min<std::size_t>(rows.size(), codec_.output_height - first);
      for (std::size_t i = 0; i < count; ++i) rows.at(i) = pixels_.data() + (first + i) * width;
      jpeg_read_scanlines(&codec_, rows.data(), static_cast<JDIMENSION>(count));
    }
    jpeg_finish_decompress(&codec_);
  }

 private:
  jpeg_decompress_struct codec_{};
  jpeg_error_mgr errors_{};
  std::vector<JSAMPLE> pixels_;
};

struct Stages {
  double header = 0;
  double decode = 0;
  double count = 0;
  double compose = 0;
  double encode = 0;
  [[nodiscard]] double sum() const { return header + decode + count + compose + encode; }
};

/// The codecs and kernels as the program calls them, stage by stage.
class StagedJob {
 public:
  StagedJob() {
    operation_ = std::get<std::unique_ptr<const kernels::LevelOperation>>(
        kernels::find_kernel("threshold")
            ->bind({kernels::ChoiceIndex{0}, kernels::ChoiceIndex{0}, std::monostate{}, kernels::ChoiceIndex{0}}));
  }

  void run(const File& file, Stages& stages) {
    const double begin = now_ms();
    ImageHeader header;
    if (!decoder_->read_header(file, {}, header).usable()) throw std::runtime_error("a header is damaged");
    const double read = now_ms();
    const DecodeRequest request{.luma = true};
    const kernels::FrameShape shape = Decoder::decoded_shape(header, request);
    cv::Mat frame(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type(),
                  workspace_.slot(0, shape.bytes()).data());
    histogram_.reset(shape.depth, 1);
    double count = 0;
    const CodecStatus status = decoder_->decode(request, frame, [&](const cv::Mat& rows) {
      const double before = now_ms();
      histogram_.add(rows);
      count += now_ms() - before;
    });
    if (!status.usable()) throw std::runtime_error(status.detail);
    const double decoded = now_ms();
    kernels::LevelTable table(kernels::Depth::eight);
    operation_->compose(&histogram_, table);
    const double composed = now_ms();
    if (!encoder_->encode({&frame, &table, true}, {}, out_).usable()) throw std::runtime_error("cannot be written");
    const double end = now_ms();
    stages.header += read - begin;
    stages.decode += decoded - read - count;
    stages.count += count;
    stages.compose += composed - decoded;
    stages.encode += end - composed;
  }

 private:
  std::unique_ptr<Decoder> decoder_ = find_codec("jpg")->make_decoder();
  std::unique_ptr<Encoder> encoder_ = find_codec("png")->make_encoder();
  std::unique_ptr<const kernels::LevelOperation> operation_;
  kernels::Workspace workspace_;
  kernels::Histogram histogram_;
  std::vector<std::byte> out_;
};

class Bench {
 public:
  explicit Bench(const std::filesystem::path& folder) : program_(Plan::parse("gray,threshold=otsu"), options()) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::ifstream stream(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
      const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
      File file(data, data + bytes.size());
      // Files that cannot be read, or that libjpeg would only print warnings about, measure nothing.
      if (recognise(Bytes(file)) == find_codec("jpg") && program_.run(file, {}, memory_).verdict == Verdict::ok) {
        files_.push_back(std::move(file));
      }
    }
    if (files_.empty()) throw std::runtime_error("no JPEG files in " + folder.string());
  }

  void compare(int pairs) {
    std::vector<double> ratios;
    std::vector<double> plain_times;
    plain();
    whole();
    for (int i = 0; i < pairs; ++i) {
      const bool plain_first = i % 2 == 0;
      const double first = plain_first ? plain() : whole();
      const double second = plain_first ? whole() : plain();
      ratios.push_back(plain_first ? second / first : first / second);
      plain_times.push_back(plain_first ? first : second);
    }
    const long before = page_faults();
    whole();
    const long faults = page_faults() - before;
    std::printf("%zu files, %d pairs\nplain gray decode %.2f ms; main job / plain %.3f; page faults %.1f an image\n",
                files_.size(), pairs, median(plain_times), median(ratios),
                static_cast<double>(faults) / static_cast<double>(files_.size()));
  }

  void split(int runs) {
    std::vector<Stages> all(static_cast<std::size_t>(runs));
    StagedJob job;
    for (Stages& stages : all) {
      for (const File& file : files_) job.run(file, stages);
    }
    const auto nth = all.begin() + runs / 2;
    std::nth_element(all.begin(), nth, all.end(), [](const auto& a, const auto& b) { return a.sum() < b.sum(); });
    const auto show = [&](const char* name, double ms) {
      std::printf("  %-10s %9.2f ms %6.1f %%\n", name, ms, 100 * ms / nth->sum());
    };
    show("header", nth->header);
    show("decode", nth->decode);
    show("histogram", nth->count);
    show("compose", nth->compose);
    show("encode", nth->encode);
  }

 private:
  static Program::Options options() {
    Program::Options options;
    options.write = true;
    options.format = find_codec("png");
    return options;
  }

  double plain() {
    const double begin = now_ms();
    for (const File& file : files_) plain_.decode(file);
    return now_ms() - begin;
  }

  double whole() {
    const double begin = now_ms();
    for (const File& file : files_) {
      if (program_.run(file, {}, memory_).verdict != Verdict::ok) throw std::runtime_error("an image failed");
    }
    return now_ms() - begin;
  }

  Program program_;
  WorkerMemory memory_;
  PlainDecoder plain_;
  std::vector<File> files_;
};

}  // namespace
}  // namespace pixmill::pipeline

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: main_job_bench FOLDER [PAIRS]\n", stderr);
    return 2;
  }
  cv::setNumThreads(1);
  const int pairs = argc > 2 ? std::max(1, std::atoi(argv[2])) : 21;
  try {
    pixmill::pipeline::Bench bench(argv[1]);
    bench.compare(pairs);
    bench.split(pairs);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}

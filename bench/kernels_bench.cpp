// The kernels against OpenCV on 12 megapixels in memory, one thread. For each pair, runs of ours and of OpenCV take
// turns, and the median of the ratios of neighbours is shown: what the machine does meanwhile hits both alike.
//
//   kernels_bench [PAIRS] [NAME]      PAIRS of runs each (default 21); only rows whose name contains NAME

#include "bench/scene.hpp"
#include "kernels/kernel.hpp"
#include "kernels/simd.hpp"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace pixmill;
using namespace pixmill::kernels;

struct Pair {
  std::string name;
  std::function<void()> ours;
  std::function<void()> opencv;
};

double milliseconds(const std::function<void()>& run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void measure(const Pair& pair, int runs) {
  std::vector<double> ours;
  std::vector<double> opencv;
  std::vector<double> ratios;
  milliseconds(pair.ours);
  milliseconds(pair.opencv);
  for (int i = 0; i < runs; ++i) {
    // Whoever comes second finds the caches as the first left them, so they change places.
    const bool ours_first = i % 2 == 0;
    double first = milliseconds(ours_first ? pair.ours : pair.opencv);
    double second = milliseconds(ours_first ? pair.opencv : pair.ours);
    if (!ours_first) std::swap(first, second);
    ours.push_back(first);
    opencv.push_back(second);
    ratios.push_back(second / first);
  }
  std::printf("%-28s %8.2f ms %8.2f ms %8.2f\n", pair.name.c_str(), median(ours), median(opencv), median(ratios));
}

std::unique_ptr<const FrameOperation> frame_operation(std::string_view name, const Arguments& arguments) {
  return std::get<std::unique_ptr<const FrameOperation>>(find_kernel(name)->bind(arguments));
}

std::unique_ptr<const LevelOperation> level_operation(std::string_view name, const Arguments& arguments) {
  return std::get<std::unique_ptr<const LevelOperation>>(find_kernel(name)->bind(arguments));
}

class Bench {
 public:
  Bench() : colour_(bench::scene(3000, 4000)) {
    cv::cvtColor(colour_, gray_, cv::COLOR_BGR2GRAY);
    gray_.convertTo(deep_, CV_16U, 257);
    out_ = gray_.clone();
    opencv_out_ = gray_.clone();
  }

  std::vector<Pair> pairs() {
    std::vector<Pair> all;
    add_point_wise(all);
    for (const std::int64_t window : {11, 31, 101, 401}) add_adaptive(all, "adaptive mean ", 0, window);
    for (const std::int64_t window : {3, 11, 31}) add_adaptive(all, "adaptive gaussian ", 1, window);
    add_resize(all, "resize area 50%", 0, 50, cv::INTER_AREA);
    add_resize(all, "resize linear 70%", 2, 70, cv::INTER_LINEAR);
    add_filters(all);
    return all;
  }

 private:
  void add_point_wise(std::vector<Pair>& all) {
    all.push_back({"gray", [this] { gray_operation_->apply(colour_, out_, workspace_); },
                   [this] { cv::cvtColor(colour_, opencv_out_, cv::COLOR_BGR2GRAY); }});
    all.push_back({"gray,threshold=100", [this] { fused_threshold(); },
                   [this] {
                     cv::cvtColor(colour_, opencv_out_, cv::COLOR_BGR2GRAY);
                     cv::threshold(opencv_out_, opencv_out_, 100, 255, cv::THRESH_BINARY);
                   }});
    all.push_back({"histogram", [this] { count(); }, [this] { opencv_count(); }});
    all.push_back(
        {"threshold=otsu", [this] { otsu(); }, [this] { cv::threshold(gray_, opencv_out_, 0, 255, cv::THRESH_OTSU); }});
    all.push_back({"invert", [this] { invert(); }, [this] { cv::bitwise_not(gray_, opencv_out_); }});
  }

  void add_adaptive(std::vector<Pair>& all, const std::string& name, int method, std::int64_t window) {
    const auto operation =
        std::shared_ptr(frame_operation("adaptive", {ChoiceIndex{static_cast<std::size_t>(method)}, window, 2.0, 0.2,
                                                     128.0, ChoiceIndex{0}, std::monostate{}}));
    all.push_back({name + std::to_string(window), [this, operation] { operation->apply(gray_, out_, workspace_); },
                   [this, method, window] {
                     cv::adaptiveThreshold(gray_, opencv_out_, 255, method, cv::THRESH_BINARY, static_cast<int>(window),
                                           2);
                   }});
  }

  void add_resize(std::vector<Pair>& all, const std::string& name, std::size_t filter, int percent, int interpolation) {
    const auto operation =
        std::shared_ptr(frame_operation("resize", {SizeWish{0, 0, static_cast<double>(percent)}, ChoiceIndex{filter}}));
    const FrameShape shape = operation->output_shape(shape_of(colour_));
    const cv::Size size(static_cast<int>(shape.width), static_cast<int>(shape.height));
    all.push_back({name,
                   [this, operation, size] {
                     resized_.create(size, colour_.type());
                     operation->apply(colour_, resized_, workspace_);
                   },
                   [this, size, interpolation] { cv::resize(colour_, opencv_resized_, size, 0, 0, interpolation); }});
  }

  void add_filter(std::vector<Pair>& all, const std::string& name, std::string_view kernel, const Arguments& arguments,
                  const std::function<void(const cv::Mat&, cv::Mat&)>& opencv) {
    const auto operation = std::shared_ptr(frame_operation(kernel, arguments));
    for (const auto& [kind, image] : {std::pair{" gray", &gray_}, {" colour", &colour_}, {" 16-bit gray", &deep_}}) {
      if (operation->needs_eight_bits() && image == &deep_) continue;
      all.push_back({name + kind,
                     [this, operation, image = image] {
                       const FrameShape shape = operation->output_shape(shape_of(*image));
                       resized_.create(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type());
                       operation->apply(*image, resized_, workspace_);
                     },
                     [this, opencv, image = image] { opencv(*image, opencv_resized_); }});
    }
  }

  void add_filters(std::vector<Pair>& all) {
    for (const double sigma : {1.0, 5.0, 20.0}) {
      add_filter(all, "blur " + std::to_string(static_cast<int>(sigma)), "blur", {sigma},
                 [sigma](const cv::Mat& in, cv::Mat& out) { cv::GaussianBlur(in, out, cv::Size(), sigma); });
    }
    for (const std::int64_t window : {3, 15}) {
      add_filter(all, "median " + std::to_string(window), "median", {window},
                 [window](const cv::Mat& in, cv::Mat& out) { cv::medianBlur(in, out, static_cast<int>(window)); });
    }
    add_filter(all, "morph open 15", "morph", {ChoiceIndex{0}, std::int64_t{15}, ChoiceIndex{0}},
               [](const cv::Mat& in, cv::Mat& out) {
                 cv::morphologyEx(in, out, cv::MORPH_OPEN, cv::getStructuringElement(cv::MORPH_RECT, {15, 15}));
               });
    add_filter(all, "rotate 90", "rotate", {ChoiceIndex{0}},
               [](const cv::Mat& in, cv::Mat& out) { cv::rotate(in, out, cv::ROTATE_90_CLOCKWISE); });
    add_filter(all, "flip h", "flip", {ChoiceIndex{0}}, [](const cv::Mat& in, cv::Mat& out) { cv::flip(in, out, 1); });
    all.push_back({"equalize gray", [this] { equalize_->apply(gray_, out_, workspace_); },
                   [this] { cv::equalizeHist(gray_, opencv_out_); }});
    all.push_back({"equalize clip=2 gray", [this] { clahe_->apply(gray_, out_, workspace_); },
                   [this] {
                     cv::createCLAHE(2, {8, 8})->apply(gray_, opencv_out_);
                   }});
  }

  // A band is gray and thresholded while it is in cache.
  void fused_threshold() {
    LevelTable table(Depth::eight);
    threshold_->compose(nullptr, table);
    for (int y = 0; y < colour_.rows; y += kBand) {
      const cv::Range rows(y, std::min(y + kBand, colour_.rows));
      cv::Mat band = out_.rowRange(rows);
      gray_operation_->apply(colour_.rowRange(rows), band, workspace_);
      apply_table(table, band, band);
    }
  }

  void count() {
    histogram_.reset(Depth::eight, 1);
    histogram_.add(gray_);
  }

  void opencv_count() {
    const int channel = 0;
    const int levels = 256;
    const float range[] = {0, 256};
    const float* ranges[] = {range};
    cv::calcHist(&gray_, 1, &channel, cv::Mat(), counts_, 1, &levels, ranges);
  }

  void otsu() {
    count();
    LevelTable table(Depth::eight);
    otsu_->compose(&histogram_, table);
    apply_table(table, gray_, out_);
  }

  void invert() {
    LevelTable table(Depth::eight);
    invert_->compose(nullptr, table);
    apply_table(table, gray_, out_);
  }

  static constexpr int kBand = 16;
  cv::Mat colour_;
  cv::Mat gray_;
  cv::Mat deep_;  // 16 bits
  cv::Mat out_;
  cv::Mat opencv_out_;
  cv::Mat resized_;
  cv::Mat opencv_resized_;
  cv::Mat counts_;
  Histogram histogram_;
  Workspace workspace_;
  std::unique_ptr<const FrameOperation> gray_operation_ = frame_operation("gray", {ChoiceIndex{1}});
  std::unique_ptr<const LevelOperation> threshold_ =
      level_operation("threshold", {Level{100, false}, ChoiceIndex{0}, std::monostate{}, ChoiceIndex{0}});
  std::unique_ptr<const LevelOperation> otsu_ =
      level_operation("threshold", {ChoiceIndex{0}, ChoiceIndex{0}, std::monostate{}, ChoiceIndex{0}});
  std::unique_ptr<const FrameOperation> equalize_ = frame_operation("equalize", {0.0, std::monostate{}});
  std::unique_ptr<const FrameOperation> clahe_ = frame_operation("equalize", {2.0, std::monostate{}});
  std::unique_ptr<const LevelOperation> invert_ = level_operation("invert", {});
};

}  // namespace

int main(int argc, char** argv) {
  cv::setNumThreads(1);
  const int runs = argc > 1 ? std::max(1, std::atoi(argv[1])) : 21;
  const std::string_view wanted = argc > 2 ? argv[2] : "";
  std::printf("12 megapixels, 1 thread, %.*s, %d pairs\n", static_cast<int>(simd_target().size()), simd_target().data(),
              runs);
  std::printf("%-28s %11s %11s %8s\n", "", "pixmill", "OpenCV", "ratio");
  Bench bench;
  for (const Pair& pair : bench.pairs()) {
    if (pair.name.find(wanted) != std::string::npos) measure(pair, runs);
  }
  return 0;
}

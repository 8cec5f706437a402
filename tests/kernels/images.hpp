#pragma once

#include "kernels/kernel.hpp"

#include <gtest/gtest.h>
#include <hwy/highway.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <charconv>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

/// Images and bound kernels for the tests of this folder.
namespace pixmill::kernels::testing {

inline cv::Mat noise(int rows, int cols, int type, unsigned seed) {
  cv::Mat image(rows, cols, type);
  cv::RNG random(seed);
  random.fill(image, cv::RNG::UNIFORM, 0, image.depth() == CV_16U ? 65536 : 256);
  return image;
}

/// Something like a page: a gradient with blocks on it and a little noise.
inline cv::Mat page(int rows, int cols, int type, unsigned seed) {
  const int largest = CV_MAT_DEPTH(type) == CV_16U ? 65535 : 255;
  cv::Mat image(rows, cols, type);
  std::mt19937 random(seed);
  for (int y = 0; y < rows; ++y) {
    for (int i = 0; i < cols * image.channels(); ++i) {
      const int x = i / image.channels();
      const bool ink = (x / 7 + y / 5) % 4 == 0;
      const int share =
          60 + 150 * (x + y) / (rows + cols) - (ink ? 50 : 0) + static_cast<int>(random() % 9) + i % image.channels();
      const int level = share * largest / 255;
      if (largest == 255) {
        image.ptr<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(level);
      } else {
        image.ptr<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(level);
      }
    }
  }
  return image;
}

/// The same pixels, with rows that are longer in memory than they are wide.
inline cv::Mat padded(const cv::Mat& image) {
  cv::Mat large(image.rows + 2, image.cols + 13, image.type(), cv::Scalar::all(77));
  cv::Mat inside = large(cv::Rect(5, 1, image.cols, image.rows));
  image.copyTo(inside);
  return inside;
}

inline bool same(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.type() != b.type()) return false;
  for (int y = 0; y < a.rows; ++y) {
    if (!std::equal(a.ptr(y), a.ptr(y) + static_cast<std::size_t>(a.cols) * a.elemSize(), b.ptr(y))) return false;
  }
  return true;
}

/// Sizes that meet every tail of every vector.
inline std::vector<cv::Size> awkward_sizes() {
  return {{1, 1}, {2, 1}, {1, 2},   {7, 1},   {1, 9},    {300, 1}, {1, 40},
          {5, 3}, {8, 8}, {31, 17}, {64, 20}, {127, 33}, {200, 45}};
}

/// Calls `function(name)` with every instruction set that was compiled and that this machine has.
template <typename Function>
void for_each_simd_target(Function function) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(target));
    function();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

inline Value default_of(const ParamDescriptor& param) {
  const std::string text(param.default_text);
  if (text.empty()) return {};
  switch (param.type) {
    case ParamType::choice:
    case ParamType::level_or_choice:
      for (std::size_t i = 0; i < param.choices.size(); ++i) {
        if (param.choices[i].name == text) return ChoiceIndex{i};
      }
      break;
    case ParamType::integer:
      return std::int64_t{std::stoll(text)};
    case ParamType::number:
      return std::stod(text);
    case ParamType::level:
      return Level{std::stod(text), text.ends_with('%')};
    case ParamType::size:
    case ParamType::region:
    case ParamType::text:
      break;
  }
  ADD_FAILURE() << "no default like " << text;
  return {};
}

/// An argument by the name of its parameter; a string names a choice.
struct Argument {
  std::string_view name;
  std::variant<std::string_view, Value> value;
};

inline Operation bound(std::string_view name, const std::vector<Argument>& given) {
  const Kernel* kernel = find_kernel(name);
  EXPECT_NE(kernel, nullptr) << name;
  const auto params = kernel->descriptor->params;
  Arguments arguments;
  for (const ParamDescriptor& param : params) arguments.push_back(default_of(param));
  for (const Argument& argument : given) {
    const auto param =
        std::find_if(params.begin(), params.end(), [&](const auto& p) { return p.name == argument.name; });
    EXPECT_NE(param, params.end()) << argument.name;
    Value& value = arguments[static_cast<std::size_t>(param - params.begin())];
    if (const auto* text = std::get_if<std::string_view>(&argument.value)) {
      const auto choice =
          std::find_if(param->choices.begin(), param->choices.end(), [&](const Choice& c) { return c.name == *text; });
      EXPECT_NE(choice, param->choices.end()) << *text;
      value = ChoiceIndex{static_cast<std::size_t>(choice - param->choices.begin())};
    } else {
      value = std::get<Value>(argument.value);
    }
  }
  return kernel->bind(arguments);
}

inline std::unique_ptr<const FrameOperation> frame_operation(std::string_view name,
                                                             const std::vector<Argument>& given) {
  return std::get<std::unique_ptr<const FrameOperation>>(bound(name, given));
}

inline std::unique_ptr<const LevelOperation> level_operation(std::string_view name,
                                                             const std::vector<Argument>& given) {
  return std::get<std::unique_ptr<const LevelOperation>>(bound(name, given));
}

/// What the operation makes of the image, in a frame whose rows are padded and were filled with something else before.
inline cv::Mat applied(const FrameOperation& operation, const cv::Mat& in) {
  const FrameShape shape = operation.output_shape(shape_of(in));
  cv::Mat out =
      padded(cv::Mat(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type(), cv::Scalar::all(99)));
  Workspace workspace;
  operation.apply(in, out, workspace);
  return out;
}

/// What the operation makes of the image, by way of a table.
inline cv::Mat applied(const LevelOperation& operation, const cv::Mat& in) {
  Histogram histogram;
  histogram.reset(depth_of(in), in.channels());
  if (operation.needs_histogram()) histogram.add(in);
  LevelTable table(depth_of(in));
  operation.compose(operation.needs_histogram() ? &histogram : nullptr, table);
  cv::Mat out;
  apply_table(table, in, out);
  return out;
}

}  // namespace pixmill::kernels::testing

#pragma once

#include <pixmill/kernel.hpp>

#include <opencv2/core.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

/// Own kernels that several tests register. Names last as long as the process, so each test has its own.
namespace pixmill::tests {

/// `name` must last until it is registered.
inline KernelDefinition named(std::string_view name) {
  KernelDefinition definition;
  definition.descriptor.name = name;
  definition.descriptor.summary = "Of a test";
  return definition;
}

/// The largest level minus v, of colours and alpha alike, row by row.
inline void invert_all(const cv::Mat& in, cv::Mat& out) { cv::bitwise_not(in, out); }

/// Pixel (x, y) becomes pixel (y, x).
class Transpose : public KernelOperation {
 public:
  [[nodiscard]] ImageShape output_shape(const ImageShape& in) const override {
    return {in.height, in.width, in.channels, in.bits};
  }
  [[nodiscard]] std::uint64_t scratch_bytes(const ImageShape& /*in*/) const override { return 0; }
  void apply(const cv::Mat& in, cv::Mat& out) const override { cv::transpose(in, out); }
};

/// Gives the same frame, having done what it is told.
class Does : public KernelOperation {
 public:
  explicit Does(std::function<void(const cv::Mat& in)> what) : what_(std::move(what)) {}
  [[nodiscard]] std::uint64_t scratch_bytes(const ImageShape& /*in*/) const override { return 0; }
  void apply(const cv::Mat& in, cv::Mat& out) const override {
    what_(in);
    in.copyTo(out);
  }

 private:
  std::function<void(const cv::Mat& in)> what_;
};

inline KernelDefinition that_does(std::string_view name, const std::function<void(const cv::Mat& in)>& what) {
  KernelDefinition definition = named(name);
  definition.bind = [what](const KernelArguments&) { return std::make_unique<Does>(what); };
  return definition;
}

}  // namespace pixmill::tests

#include "kernels/orient_operation.hpp"

#include "kernels/orient.hpp"

namespace pixmill::kernels {

namespace {

class OrientOperation final : public FrameOperation {
 public:
  explicit OrientOperation(int orientation) : orientation_(orientation) {}

  [[nodiscard]] FrameShape output_shape(const FrameShape& in) const override {
    return oriented_shape(in, orientation_);
  }
  // No turn is left out, not even of a single pixel: a quarter exchanges the resolutions too.
  [[nodiscard]] bool leaves_unchanged(const FrameShape& in) const override {
    return (orientation_ == kMirrored && in.width == 1) || (orientation_ == kUpsideDown && in.height == 1);
  }
  [[nodiscard]] bool output_is_two_level(bool input_is_two_level) const override { return input_is_two_level; }
  [[nodiscard]] bool turns_sideways() const override { return orientation_ >= 5; }
  [[nodiscard]] std::uint64_t scratch_bytes(const FrameShape& /*in*/) const override { return 0; }
  void apply(const cv::Mat& in, cv::Mat& out, Workspace& /*workspace*/) const override {
    orient(in, orientation_, out);
  }

 private:
  static constexpr int kMirrored = 2;
  static constexpr int kUpsideDown = 4;

  int orientation_;
};

}  // namespace

Operation orient_operation(int orientation) { return std::make_unique<const OrientOperation>(orientation); }

}  // namespace pixmill::kernels

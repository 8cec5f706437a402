#pragma once

#include "kernels/reduction.hpp"

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace pixmill::kernels {

/// The state of pixel reductions over a band of rows of all images of a batch, which have one size.
///
/// Gray until a colour image comes; from then on three channels, in which gray images count as B = G = R. Alpha is not
/// counted. The order of images does not change a bit. Not thread-safe; several bands may be used at the same time.
class PixelAccumulator {
 public:
  /// For a band of width x height pixels and 1 or 3 channels. Throws std::bad_alloc.
  PixelAccumulator(std::vector<const PixelReduction*> reductions, std::int64_t width, std::int64_t height,
                   int channels);

  /// Takes in the band's rows of one image: CV_8U or CV_16U, 1 to 4 channels. Throws std::bad_alloc when the first
  /// colour image comes after gray ones; then nothing was added.
  void add(const cv::Mat& rows);
  /// The result of the n-th reduction, of `images` > 0 images, into `out`: the band's rows, CV_16U with `channels`
  /// (1, or 3 where no colour came: gray as B = G = R; not less than channels()).
  void finish(std::size_t reduction, std::uint64_t images, cv::Mat& out) const;
  [[nodiscard]] int channels() const { return channels_; }

  /// What the records of such an image take, all bands together.
  [[nodiscard]] static std::uint64_t bytes(const std::vector<const PixelReduction*>& reductions,
                                           const FrameShape& shape);

 private:
  void begin(int channels);
  void become_colour();

  std::vector<const PixelReduction*> reductions_;
  std::size_t pixels_ = 0;
  std::size_t width_ = 0;
  int channels_ = 1;
  struct Free {
    void operator()(std::byte* memory) const noexcept;
  };
  std::vector<std::unique_ptr<std::byte, Free>> records_;  // one array a reduction
  std::vector<std::uint16_t> row_;
};

}  // namespace pixmill::kernels

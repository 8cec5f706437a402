#pragma once

#include "kernels/frame.hpp"

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// The Gaussian of blur, in whole numbers.
namespace pixmill::kernels {

/// A Gaussian window of whole weights, which add up to 2^8 (8 bits) or 2^16 (16 bits).
struct FixedGaussian {
  int reach = 0;                      ///< Pixels to each side.
  std::vector<int> offsets;           ///< From -reach to reach, without those of no weight. An even number of them.
  std::vector<std::int16_t> weights;  ///< As many.
};

/// The least sigma whose weights fit in 15 bits at both depths.
inline constexpr double kLeastFixedSigma = 0.8;

/// The window of cv::GaussianBlur for that sigma, at least kLeastFixedSigma: 3 sigma to each side at 8 bits, 4 at 16;
/// what each weight loses by rounding is carried on to the next, from the ends inwards, and the middle takes the rest.
[[nodiscard]] FixedGaussian fixed_gaussian(double sigma, Depth depth);

/// Bytes that fixed_blur() wants; some 600 KiB, more only for a sigma beyond 100 or very high frames.
[[nodiscard]] std::size_t fixed_blur_scratch_bytes(const FixedGaussian& gaussian, const FrameShape& shape);

/// Blurs every channel, pixels mirrored at the edges without the last (BORDER_REFLECT_101), bit for bit as
/// cv::GaussianBlur: rows, then columns, exactly, then rounded half up.
///
/// `in`: of the window's depth, at least 2 x 2 pixels. `out`: allocated, of the same shape, not overlapping. `memory`:
/// aligned to 64. Whole numbers all the way: the same on every processor. Time grows with the weights that are not 0.
void fixed_blur(const cv::Mat& in, const FixedGaussian& gaussian, std::span<std::byte> memory, cv::Mat& out);

}  // namespace pixmill::kernels

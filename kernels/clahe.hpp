#pragma once

#include "kernels/frame.hpp"

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <span>

/// Histogram equalisation within tiles, with limited contrast. K. Zuiderveld, Contrast limited adaptive histogram
/// equalization, Graphics Gems IV (1994); bit for bit cv::CLAHE, whose rounding it follows.
namespace pixmill::kernels {

/// Bytes that equalize_by_tiles() wants for a frame of that shape.
[[nodiscard]] std::uint64_t clahe_scratch_bytes(const FrameShape& shape, int tiles);

/// Equalises each colour channel of `in` by itself, over `tiles` x `tiles` tiles; alpha is copied.
///
/// A level is counted at most clip x (pixels of a tile) / (levels) times, at least once; what is cut off is spread over
/// all levels. A pixel takes what the four tiles around it give, weighted by how near their middles are. A picture that
/// `tiles` does not divide is thought larger, mirrored at its edges; one smaller than the tiles is mirrored often.
///
/// `out`: allocated, of the same shape, not overlapping `in`. `memory`: at least clahe_scratch_bytes(), aligned to 64.
/// Single precision in a fixed order, no contraction: the same bits on every machine. Allocates nothing. Two passes.
void equalize_by_tiles(const cv::Mat& in, double clip, int tiles, std::span<std::byte> memory, cv::Mat& out);

}  // namespace pixmill::kernels

#include "kernels/orient.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

namespace pixmill::kernels {

namespace {

/// Where the pixels of the output lie in the input: the first, and how far it is to the next in a row and a column.
struct Walk {
  const std::byte* first = nullptr;
  std::ptrdiff_t along_row = 0;
  std::ptrdiff_t along_column = 0;
};

Walk walk_through(const cv::Mat& in, int orientation) {
  const auto pixel = static_cast<std::ptrdiff_t>(in.elemSize());
  const auto row = static_cast<std::ptrdiff_t>(in.step[0]);
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const auto* first = reinterpret_cast<const std::byte*>(in.data);
  if (from_right) first += (in.cols - 1) * pixel;
  if (from_bottom) first += (in.rows - 1) * row;
  const std::ptrdiff_t across = from_right ? -pixel : pixel;
  const std::ptrdiff_t down = from_bottom ? -row : row;
  return orientation >= 5 ? Walk{first, down, across} : Walk{first, across, down};
}

template <std::size_t Size>
using Pixel = std::array<std::byte, Size>;

template <std::size_t Size>
void copy_run(const std::byte* from, std::ptrdiff_t step, int count, std::byte* to) {
  for (int i = 0; i < count; ++i, from += step, to += Size) {
    Pixel<Size> pixel;
    std::memcpy(pixel.data(), from, Size);
    std::memcpy(to, pixel.data(), Size);
  }
}

// In tiles, as one of the two frames is walked across its rows: of every line of memory in a tile all is used while it
// is in the nearest cache.
template <std::size_t Size>
void copy_pixels(const Walk& walk, cv::Mat& out) {
  constexpr int kTileColumns = 16;
  constexpr int kTileRows = std::max(8, static_cast<int>(64 / Size));
  for (int top = 0; top < out.rows; top += kTileRows) {
    const int bottom = std::min(top + kTileRows, out.rows);
    for (int left = 0; left < out.cols; left += kTileColumns) {
      const int count = std::min(kTileColumns, out.cols - left);
      const std::byte* from = walk.first + top * walk.along_column + left * walk.along_row;
      for (int y = top; y < bottom; ++y, from += walk.along_column) {
        auto* to = reinterpret_cast<std::byte*>(out.ptr(y)) + static_cast<std::ptrdiff_t>(left) * Size;
        copy_run<Size>(from, walk.along_row, count, to);
      }
    }
  }
}

void copy_rows(const Walk& walk, cv::Mat& out) {
  const std::size_t bytes = static_cast<std::size_t>(out.cols) * out.elemSize();
  for (int y = 0; y < out.rows; ++y) std::memcpy(out.ptr(y), walk.first + y * walk.along_column, bytes);
}

}  // namespace

FrameShape oriented_shape(const FrameShape& shape, int orientation) {
  FrameShape turned = shape;
  if (orientation >= 5) std::swap(turned.width, turned.height);
  return turned;
}

void orient(const cv::Mat& in, int orientation, cv::Mat& out) {
  const Walk walk = walk_through(in, orientation);
  if (walk.along_row == static_cast<std::ptrdiff_t>(in.elemSize())) return copy_rows(walk, out);
  switch (in.elemSize()) {
    case 1:
      return copy_pixels<1>(walk, out);
    case 2:
      return copy_pixels<2>(walk, out);
    case 3:
      return copy_pixels<3>(walk, out);
    case 4:
      return copy_pixels<4>(walk, out);
    case 6:
      return copy_pixels<6>(walk, out);
    default:
      return copy_pixels<8>(walk, out);
  }
}

}  // namespace pixmill::kernels

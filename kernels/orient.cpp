#include "kernels/orient.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

namespace pixmill::kernels {

namespace {

/// Where the pixels of a transposed output lie in the input: the first, and how far it is to the next in a row and a
/// column.
struct Walk {
  const std::byte* first = nullptr;
  std::ptrdiff_t along_row = 0;
  std::ptrdiff_t along_column = 0;
  int row_of_last_column = 0;  ///< The output's row that comes from the input's last column.
};

Walk walk_through(const cv::Mat& in, int orientation) {
  const auto pixel = static_cast<std::ptrdiff_t>(in.elemSize());
  const auto row = static_cast<std::ptrdiff_t>(in.step[0]);
  const bool from_right = orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 6 || orientation == 7;
  Walk walk{reinterpret_cast<const std::byte*>(in.data), row, pixel, in.cols - 1};
  if (from_right) {
    walk.first += (in.cols - 1) * pixel;
    walk.along_column = -pixel;
    walk.row_of_last_column = 0;
  }
  if (from_bottom) {
    walk.first += (in.rows - 1) * row;
    walk.along_row = -row;
  }
  return walk;
}

template <std::size_t Size>
void copy_bytes(const std::byte* from, std::byte* to) {
  std::array<std::byte, Size> bytes;
  std::memcpy(bytes.data(), from, Size);
  std::memcpy(to, bytes.data(), Size);
}

template <std::size_t Size>
void copy_pixel(const std::byte* from, std::byte* to) {
  // The largest power of two, and the rest, each one load and one store.
  constexpr std::size_t kPart = Size == 3 ? 2 : Size == 6 ? 4 : Size;
  copy_bytes<kPart>(from, to);
  if constexpr (kPart < Size) copy_bytes<Size - kPart>(from + kPart, to + kPart);
}

// `may_overreach`: each pixel of the run is followed by another in memory.
template <std::size_t Size>
void copy_run(const std::byte* from, std::ptrdiff_t step, int count, bool may_overreach, std::byte* to) {
  int i = 0;
  if constexpr (Size == 3 || Size == 6) {
    // One load and one store of a power of two; the next pixel mends what was written too far.
    for (; may_overreach && i + 1 < count; ++i, from += step, to += Size) copy_bytes<Size == 3 ? 4 : 8>(from, to);
  }
  for (; i < count; ++i, from += step, to += Size) copy_pixel<Size>(from, to);
}

// In tiles, as one of the two frames is walked across its rows: of every line of memory in a tile all is used while it
// is in the nearest cache.
template <std::size_t Size>
void transpose(const Walk& walk, cv::Mat& out) {
  constexpr int kTileColumns = 16;
  constexpr int kTileRows = std::max(16, static_cast<int>(64 / Size));
  for (int top = 0; top < out.rows; top += kTileRows) {
    const int bottom = std::min(top + kTileRows, out.rows);
    for (int left = 0; left < out.cols; left += kTileColumns) {
      const int count = std::min(kTileColumns, out.cols - left);
      const std::byte* from = walk.first + top * walk.along_column + left * walk.along_row;
      for (int y = top; y < bottom; ++y, from += walk.along_column) {
        auto* to = reinterpret_cast<std::byte*>(out.ptr(y)) + static_cast<std::ptrdiff_t>(left) * Size;
        copy_run<Size>(from, walk.along_row, count, y != walk.row_of_last_column, to);
      }
    }
  }
}

void transpose(const Walk& walk, cv::Mat& out) {
  switch (out.elemSize()) {
    case 1:
      return transpose<1>(walk, out);
    case 2:
      return transpose<2>(walk, out);
    case 3:
      return transpose<3>(walk, out);
    case 4:
      return transpose<4>(walk, out);
    case 6:
      return transpose<6>(walk, out);
    default:
      return transpose<8>(walk, out);
  }
}

}  // namespace

FrameShape oriented_shape(const FrameShape& shape, int orientation) {
  FrameShape turned = shape;
  if (orientation >= 5) std::swap(turned.width, turned.height);
  return turned;
}

void orient(const cv::Mat& in, int orientation, cv::Mat& out) {
  constexpr int kMirrorRows = 0;
  constexpr int kMirrorColumns = 1;
  constexpr int kMirrorBoth = -1;
  switch (orientation) {
    case 2:
      cv::flip(in, out, kMirrorColumns);
      return;
    case 3:
      cv::flip(in, out, kMirrorBoth);
      return;
    case 4:
      cv::flip(in, out, kMirrorRows);
      return;
    case 5:
    case 6:
    case 7:
    case 8:
      transpose(walk_through(in, orientation), out);
      return;
    default:
      in.copyTo(out);
      return;
  }
}

}  // namespace pixmill::kernels

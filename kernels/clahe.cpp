#include "kernels/clahe.hpp"

#include "kernels/scratch.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>

namespace pixmill::kernels {

namespace {

/// One axis of the picture, cut into tiles.
struct Axis {
  int pixels = 0;
  int tiles = 0;
  int tile = 0;  ///< Pixels of a tile.

  [[nodiscard]] int tiled_pixels() const { return tile * tiles; }
};

struct Tiling {
  Axis x;
  Axis y;
};

Tiling tiling_of(std::int64_t width, std::int64_t height, int tiles) {
  // OpenCV adds to both axes if one of them asks for it: a whole tile's worth of rows where only the width does not
  // fit.
  const bool fits = width % tiles == 0 && height % tiles == 0;
  const auto axis = [&](std::int64_t pixels) {
    const std::int64_t extended = fits ? pixels : pixels + tiles - pixels % tiles;
    return Axis{static_cast<int>(pixels), tiles, static_cast<int>(extended / tiles)};
  };
  return {axis(width), axis(height)};
}

/// The two tiles whose middles a pixel lies between, and how much of each it takes.
struct Between {
  int first = 0;
  int second = 0;
  float of_first = 0;
  float of_second = 0;
};

Between between(const Axis& axis, int position) {
  const float inverse = 1.0F / static_cast<float>(axis.tile);
  const float at = static_cast<float>(position) * inverse - 0.5F;
  const int first = cvFloor(at);
  Between result;
  result.of_second = at - static_cast<float>(first);
  result.of_first = 1.0F - result.of_second;
  result.first = std::max(first, 0);
  result.second = std::min(first + 1, axis.tiles - 1);
  return result;
}

template <typename T>
class Clahe {
 public:
  static constexpr int kLevels = 1 << (8 * sizeof(T));

  static std::uint64_t bytes(const FrameShape& shape, int tiles) {
    const auto grid = static_cast<std::size_t>(tiles) * static_cast<std::size_t>(tiles);
    const Tiling tiling = tiling_of(shape.width, shape.height, tiles);
    return Scratch::bytes_of<T>(grid * kLevels) + Scratch::bytes_of<std::uint32_t>(kLevels) +
           Scratch::bytes_of<int>(static_cast<std::size_t>(tiling.x.tiled_pixels())) +
           Scratch::bytes_of<Between>(static_cast<std::size_t>(shape.width));
  }

  Clahe(const cv::Mat& in, double clip, int tiles, std::span<std::byte> memory, cv::Mat& out)
      : in_(in), out_(out), tiling_(tiling_of(in.cols, in.rows, tiles)), channels_(in.channels()) {
    Scratch scratch(memory);
    const auto grid = static_cast<std::size_t>(tiles) * static_cast<std::size_t>(tiles);
    tables_ = scratch.take<T>(grid * kLevels);
    counts_ = scratch.take<std::uint32_t>(kLevels);
    columns_ = scratch.take<int>(static_cast<std::size_t>(tiling_.x.tiled_pixels()));
    across_ = scratch.take<Between>(static_cast<std::size_t>(in.cols));
    for (int x = 0; x < tiling_.x.tiled_pixels(); ++x) {
      columns_[x] = cv::borderInterpolate(x, in.cols, cv::BORDER_REFLECT_101) * channels_;
    }
    for (int x = 0; x < in.cols; ++x) {
      across_[x] = between(tiling_.x, x);
      across_[x].first *= kLevels;
      across_[x].second *= kLevels;
    }
    const double tile_pixels = static_cast<double>(tiling_.x.tile) * tiling_.y.tile;
    // No count exceeds the pixels of a tile, so a limit beyond them is none.
    limit_ = static_cast<std::uint32_t>(std::clamp(std::floor(clip * tile_pixels / kLevels), 1.0, tile_pixels));
    scale_ = static_cast<float>(kLevels - 1) / static_cast<float>(tiling_.x.tile * tiling_.y.tile);
  }

  void operator()() {
    for (int channel = 0; channel < colour_channels(channels_); ++channel) {
      T* table = tables_;
      for (int ty = 0; ty < tiling_.y.tiles; ++ty) {
        for (int tx = 0; tx < tiling_.x.tiles; ++tx, table += kLevels) make_table(tx, ty, channel, table);
      }
      for (int y = 0; y < in_.rows; ++y) map_row(y, channel);
    }
    if (has_alpha(channels_)) copy_alpha();
  }

 private:
  void make_table(int tx, int ty, int channel, T* table) {
    std::fill_n(counts_, kLevels, 0U);
    const int* columns = columns_ + static_cast<std::ptrdiff_t>(tx) * tiling_.x.tile;
    const int width = tiling_.x.tile;
    for (int row = 0; row < tiling_.y.tile; ++row) {
      const int y = cv::borderInterpolate(ty * tiling_.y.tile + row, in_.rows, cv::BORDER_REFLECT_101);
      const T* levels = in_.ptr<T>(y) + channel;
      for (int x = 0; x < width; ++x) ++counts_[levels[columns[x]]];
    }
    clip_counts();
    std::uint32_t sum = 0;
    for (int level = 0; level < kLevels; ++level) {
      sum += counts_[level];
      table[level] = cv::saturate_cast<T>(static_cast<float>(static_cast<int>(sum)) * scale_);
    }
  }

  void clip_counts() {
    std::uint32_t clipped = 0;
    for (int level = 0; level < kLevels; ++level) {
      if (counts_[level] <= limit_) continue;
      clipped += counts_[level] - limit_;
      counts_[level] = limit_;
    }
    const std::uint32_t each = clipped / kLevels;
    for (int level = 0; level < kLevels; ++level) counts_[level] += each;
    const int rest = static_cast<int>(clipped % kLevels);
    if (rest == 0) return;
    const int step = std::max(kLevels / rest, 1);
    for (int level = 0, left = rest; level < kLevels && left > 0; level += step, --left) ++counts_[level];
  }

  void map_row(int y, int channel) {
    const Between down = between(tiling_.y, y);
    const std::ptrdiff_t row_tables = static_cast<std::ptrdiff_t>(tiling_.x.tiles) * kLevels;
    const T* upper = tables_ + down.first * row_tables;
    const T* lower = tables_ + down.second * row_tables;
    const T* from = in_.ptr<T>(y) + channel;
    T* to = out_.ptr<T>(y) + channel;
    // By value: bytes that are stored might otherwise be any of these.
    const std::ptrdiff_t channels = channels_;
    const Between* const end = across_ + in_.cols;
    for (const Between* next = across_; next != end; ++next, from += channels, to += channels) {
      const Between across = *next;
      const std::ptrdiff_t left = across.first + *from;
      const std::ptrdiff_t right = across.second + *from;
      const float above = upper[left] * across.of_first + upper[right] * across.of_second;
      const float below = lower[left] * across.of_first + lower[right] * across.of_second;
      *to = cv::saturate_cast<T>(above * down.of_first + below * down.of_second);
    }
  }

  void copy_alpha() {
    for (int y = 0; y < in_.rows; ++y) {
      const T* from = in_.ptr<T>(y);
      T* to = out_.ptr<T>(y);
      for (int i = channels_ - 1; i < in_.cols * channels_; i += channels_) to[i] = from[i];
    }
  }

  const cv::Mat& in_;
  cv::Mat& out_;
  Tiling tiling_;
  int channels_;
  T* tables_ = nullptr;              // a table of levels for each tile, row by row
  std::uint32_t* counts_ = nullptr;  // of the tile at hand
  int* columns_ = nullptr;           // for each column of the tiles, where its first channel stands in a row
  Between* across_ = nullptr;        // for each column of the picture; tables instead of tiles
  std::uint32_t limit_ = 1;
  float scale_ = 1;
};

}  // namespace

std::uint64_t clahe_scratch_bytes(const FrameShape& shape, int tiles) {
  return shape.depth == Depth::eight ? Clahe<std::uint8_t>::bytes(shape, tiles)
                                     : Clahe<std::uint16_t>::bytes(shape, tiles);
}

void equalize_by_tiles(const cv::Mat& in, double clip, int tiles, std::span<std::byte> memory, cv::Mat& out) {
  if (depth_of(in) == Depth::eight) {
    Clahe<std::uint8_t>(in, clip, tiles, memory, out)();
  } else {
    Clahe<std::uint16_t>(in, clip, tiles, memory, out)();
  }
}

}  // namespace pixmill::kernels

#include "kernels/histogram.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace pixmill::kernels {

namespace {

// Neighbours are mostly equal, and counting the same level again has to wait for the last count to be stored. So
// neighbours count in tables of their own.
constexpr int kTables = 8;

template <int Channels>
void count_bytes(const std::uint8_t* row, int width, std::uint32_t (*tables)[256]) {
  constexpr int kColours = colour_channels(Channels);
  constexpr int kPixels = kTables / kColours;
  int x = 0;
  for (; x + kPixels <= width; x += kPixels, row += kPixels * Channels) {
    for (int pixel = 0; pixel < kPixels; ++pixel) {
      for (int channel = 0; channel < kColours; ++channel) {
        ++tables[pixel * kColours + channel][row[pixel * Channels + channel]];
      }
    }
  }
  for (; x < width; ++x, row += Channels) {
    for (int channel = 0; channel < kColours; ++channel) ++tables[channel][row[channel]];
  }
}

void count_bytes(const cv::Mat& rows, std::uint32_t* counts) {
  alignas(64) std::uint32_t tables[kTables][256] = {};
  for (int y = 0; y < rows.rows; ++y) {
    const std::uint8_t* row = rows.ptr<std::uint8_t>(y);
    switch (rows.channels()) {
      case 1:
        count_bytes<1>(row, rows.cols, tables);
        break;
      case 2:
        count_bytes<2>(row, rows.cols, tables);
        break;
      case 3:
        count_bytes<3>(row, rows.cols, tables);
        break;
      default:
        count_bytes<4>(row, rows.cols, tables);
        break;
    }
  }
  const int colours = colour_channels(rows.channels());
  for (int table = 0; table < kTables / colours * colours; ++table) {
    std::uint32_t* sums = counts + static_cast<std::size_t>(table % colours) * 256;
    for (std::size_t level = 0; level < 256; ++level) sums[level] += tables[table][level];
  }
}

// A second table of 65536 counts would cost more in cache than it saves in waiting.
void count_words(const cv::Mat& rows, std::uint32_t* counts) {
  const int channels = rows.channels();
  const int colours = colour_channels(channels);
  for (int y = 0; y < rows.rows; ++y) {
    const auto* pixel = rows.ptr<std::uint16_t>(y);
    for (int x = 0; x < rows.cols; ++x, pixel += channels) {
      for (int channel = 0; channel < colours; ++channel) {
        ++counts[static_cast<std::size_t>(channel) * 65536 + pixel[channel]];
      }
    }
  }
}

}  // namespace

void Histogram::reset(Depth depth, int channels) {
  depth_ = depth;
  channels_ = colour_channels(channels);
  pixels_ = 0;
  counts_.assign(static_cast<std::size_t>(channels_) * static_cast<std::size_t>(level_count(depth)), 0);
}

void Histogram::add(const cv::Mat& rows) {
  if (depth_ == Depth::eight) {
    count_bytes(rows, counts_.data());
  } else {
    count_words(rows, counts_.data());
  }
  pixels_ += rows.total();
}

void Histogram::map_through(const LevelTable& table, Histogram& out) const {
  out.reset(depth_, channels_);
  out.pixels_ = pixels_;
  const auto levels = static_cast<std::size_t>(level_count(depth_));
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const std::size_t level = i % levels;
    out.counts_[i - level + table[level]] += counts_[i];
  }
}

std::span<const std::uint32_t> Histogram::counts(int channel) const {
  const auto levels = static_cast<std::size_t>(level_count(depth_));
  return std::span(counts_).subspan(static_cast<std::size_t>(channel) * levels, levels);
}

}  // namespace pixmill::kernels

#include "kernels/pixel_accumulator.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace pixmill::kernels {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr std::uint16_t kLift = 257;  // an 8-bit level v is the 16-bit level 257 v

// The colour channels of one row as 16-bit levels, gray as often as `channels` says.
template <typename Level>
void lift_row(const Level* row, std::size_t width, int from_channels, int channels, std::uint16_t* out) {
  constexpr std::uint16_t kFactor = sizeof(Level) == 1 ? kLift : 1;
  const auto step = static_cast<std::size_t>(from_channels);
  if (from_channels == channels) {
    for (std::size_t i = 0; i < width * step; ++i) out[i] = static_cast<std::uint16_t>(row[i] * kFactor);
    return;
  }
  const auto wanted = static_cast<std::size_t>(channels);
  const bool spread = colour_channels(from_channels) < channels;
  for (std::size_t x = 0; x < width; ++x) {
    for (std::size_t c = 0; c < wanted; ++c) {
      out[x * wanted + c] = static_cast<std::uint16_t>(row[x * step + (spread ? 0 : c)] * kFactor);
    }
  }
}

std::byte* new_records(std::size_t bytes) { return static_cast<std::byte*>(::operator new(bytes, kAlignment)); }

}  // namespace

void PixelAccumulator::Free::operator()(std::byte* memory) const noexcept { ::operator delete(memory, kAlignment); }

PixelAccumulator::PixelAccumulator(std::vector<const PixelReduction*> reductions, std::int64_t width,
                                   std::int64_t height, int channels)
    : reductions_(std::move(reductions)),
      pixels_(static_cast<std::size_t>(width * height)),
      width_(static_cast<std::size_t>(width)) {
  begin(channels);
}

std::uint64_t PixelAccumulator::bytes(const std::vector<const PixelReduction*>& reductions, const FrameShape& shape) {
  std::uint64_t record = 0;
  for (const PixelReduction* reduction : reductions) record += reduction->record_bytes;
  return shape.pixels() * static_cast<std::uint64_t>(colour_channels(shape.channels)) * record;
}

void PixelAccumulator::begin(int channels) {
  channels_ = channels;
  const std::size_t samples = pixels_ * static_cast<std::size_t>(channels);
  row_.resize(width_ * static_cast<std::size_t>(channels));
  for (const PixelReduction* reduction : reductions_) {
    const std::size_t bytes = samples * reduction->record_bytes;
    records_.emplace_back(new_records(bytes));
    reduction->begin({records_.back().get(), bytes});
  }
}

void PixelAccumulator::become_colour() {
  constexpr std::size_t kColours = 3;
  std::vector<std::unique_ptr<std::byte, Free>> wide;
  row_.resize(width_ * kColours);
  for (const PixelReduction* reduction : reductions_)
    wide.emplace_back(new_records(pixels_ * kColours * reduction->record_bytes));
  for (std::size_t r = 0; r < reductions_.size(); ++r) {
    const std::size_t bytes = reductions_[r]->record_bytes;
    for (std::size_t i = 0; i < pixels_ * kColours; ++i) {
      std::memcpy(wide[r].get() + i * bytes, records_[r].get() + i / kColours * bytes, bytes);
    }
  }
  records_ = std::move(wide);
  channels_ = kColours;
}

void PixelAccumulator::add(const cv::Mat& rows) {
  if (colour_channels(rows.channels()) > channels_) become_colour();
  const std::size_t samples = width_ * static_cast<std::size_t>(channels_);
  for (int y = 0; y < rows.rows; ++y) {
    if (rows.depth() == CV_16U) {
      lift_row(rows.ptr<std::uint16_t>(y), width_, rows.channels(), channels_, row_.data());
    } else {
      lift_row(rows.ptr<std::uint8_t>(y), width_, rows.channels(), channels_, row_.data());
    }
    for (std::size_t r = 0; r < reductions_.size(); ++r) {
      reductions_[r]->add({row_.data(), samples},
                          records_[r].get() + static_cast<std::size_t>(y) * samples * reductions_[r]->record_bytes);
    }
  }
}

void PixelAccumulator::finish(std::size_t reduction, std::uint64_t images, cv::Mat& out) const {
  const PixelReduction& row = *reductions_[reduction];
  const std::size_t samples = width_ * static_cast<std::size_t>(channels_);
  std::vector<std::uint16_t> levels(samples);
  for (int y = 0; y < out.rows; ++y) {
    row.finish(records_[reduction].get() + static_cast<std::size_t>(y) * samples * row.record_bytes, images, levels);
    lift_row(levels.data(), width_, channels_, out.channels(), out.ptr<std::uint16_t>(y));
  }
}

}  // namespace pixmill::kernels

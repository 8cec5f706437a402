#include "pipeline/pixel_fold.hpp"

#include <fmt/format.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace pixmill::pipeline {
namespace {

constexpr int kMostBands = 32;
constexpr double kMebibyte = 1048576.0;

void to_eight_bits(cv::Mat& levels) {
  cv::Mat narrow(levels.rows, levels.cols, CV_MAKETYPE(CV_8U, levels.channels()));
  for (int y = 0; y < levels.rows; ++y) {
    const auto* from = levels.ptr<std::uint16_t>(y);
    auto* to = narrow.ptr<std::uint8_t>(y);
    for (int i = 0; i < levels.cols * levels.channels(); ++i) to[i] = static_cast<std::uint8_t>(from[i] / 257);
  }
  levels = std::move(narrow);
}

}  // namespace

PixelFold::PixelFold(std::vector<ReductionImage> images, std::uint64_t available_bytes)
    : images_(std::move(images)), available_bytes_(available_bytes) {
  for (const ReductionImage& image : images_) {
    reductions_.push_back(&std::get<kernels::PixelReduction>(image.reduction->operation));
  }
}

std::uint64_t PixelFold::bytes(const kernels::FrameShape& shape) const {
  kernels::FrameShape result = shape;
  result.channels = kernels::colour_channels(shape.channels);
  result.depth = kernels::Depth::sixteen;
  std::uint64_t encoding = 0;
  for (const ReductionImage& image : images_) {
    const Encoder::Need need = image.codec->make_encoder()->need(result, false);
    encoding = std::max(encoding, need.output_bytes + need.scratch_bytes);
  }
  return kernels::PixelAccumulator::bytes(reductions_, shape) + result.bytes() + encoding;
}

std::string PixelFold::refusal(const kernels::FrameShape& shape) const {
  const std::uint64_t needed = bytes(shape);
  if (available_bytes_ == 0 || needed <= available_bytes_) return {};
  std::string names;
  for (const ReductionImage& image : images_)
    names += (names.empty() ? "" : ", ") + std::string(image.reduction->descriptor->name);
  return fmt::format("{} of {}x{} pixels takes {:.0f} MiB, and {:.0f} MiB can be had; put resize or gray into --ops",
                     names, shape.width, shape.height, static_cast<double>(needed) / kMebibyte,
                     static_cast<double>(available_bytes_) / kMebibyte);
}

// The smallest index, and the smallest among those of another size: whatever the order in which they come.
void PixelFold::note_size(const Sized& image) {
  if (image.index < first_.index) {
    if (first_.index != UINT64_MAX && !first_.same_size(image)) other_ = first_;
    first_ = image;
  } else if (!image.same_size(first_) && image.index < other_.index) {
    other_ = image;
  }
}

// Room for the first image, and again for the first one in colour after gray ones.
bool PixelFold::make_room(const kernels::FrameShape& shape) {
  const int channels = kernels::colour_channels(shape.channels);
  if (channels <= channels_) return true;
  no_memory_ = refusal(shape);
  if (!no_memory_.empty()) return false;
  const bool first = channels_ == 0;
  channels_ = channels;
  if (!first) return true;  // each band becomes colour when it meets it
  const int height = static_cast<int>(shape.height);
  const int bands = std::min(height, kMostBands);
  for (int i = 0; i < bands; ++i) {
    auto band = std::make_unique<Band>();
    band->begin = static_cast<int>(std::int64_t{height} * i / bands);
    band->end = static_cast<int>(std::int64_t{height} * (i + 1) / bands);
    band->state =
        std::make_unique<kernels::PixelAccumulator>(reductions_, shape.width, band->end - band->begin, channels);
    bands_.push_back(std::move(band));
  }
  return true;
}

PixelFold::Added PixelFold::add(std::uint64_t index, const cv::Mat& frame) {
  try {
    {
      const std::lock_guard lock(mutex_);
      note_size({index, frame.cols, frame.rows});
      if (other_.index != UINT64_MAX) failed_ = true;
      if (!failed_ && !make_room(kernels::shape_of(frame))) failed_ = true;
      if (failed_) return no_memory_.empty() ? Added::other_size : Added::no_memory;
      eight_bits_ = eight_bits_ && frame.depth() == CV_8U;
      ++images_added_;
    }
    // Each image begins at another band, so that workers do not queue up behind each other.
    for (std::size_t i = 0; i < bands_.size() && !failed_; ++i) {
      Band& band = *bands_[(index + i) % bands_.size()];
      const std::lock_guard lock(band.mutex);
      band.state->add(frame.rowRange(band.begin, band.end));
    }
    return Added::yes;
  } catch (const std::bad_alloc&) {
    const std::lock_guard lock(mutex_);
    failed_ = true;
    no_memory_ = fmt::format("there is no memory for a sum of {}x{} pixels", frame.cols, frame.rows);
    return Added::no_memory;
  }
}

std::string PixelFold::trouble(const InputList& inputs) const {
  const std::lock_guard lock(mutex_);
  if (!no_memory_.empty()) return no_memory_;
  if (other_.index == UINT64_MAX) return {};
  std::string names;
  for (const ReductionImage& image : images_)
    names += (names.empty() ? "" : ", ") + std::string(image.reduction->descriptor->name);
  return fmt::format(
      "{} needs images of one size, but {} is {}x{} and {} is {}x{} after --ops; put resize or crop there", names,
      inputs.path(first_.index), first_.width, first_.height, inputs.path(other_.index), other_.width, other_.height);
}

CodecStatus PixelFold::finish(std::size_t n, std::vector<std::byte>& encoded) const {
  int channels = 1;
  for (const auto& band : bands_) channels = std::max(channels, band->state->channels());
  cv::Mat levels(first_.height, first_.width, CV_MAKETYPE(CV_16U, channels));
  for (const auto& band : bands_) {
    cv::Mat rows = levels.rowRange(band->begin, band->end);
    band->state->finish(n, images_added_, rows);
  }
  if (reductions_[n]->keeps_levels && eight_bits_) to_eight_bits(levels);
  EncodeSource source;
  source.frame = &levels;
  return images_[n].codec->make_encoder()->encode(source, {}, encoded);
}

}  // namespace pixmill::pipeline

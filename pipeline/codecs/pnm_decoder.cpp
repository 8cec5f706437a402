#include "pipeline/codecs/pnm_decoder.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/codecs/pnm_header.hpp"
#include "pipeline/codecs/pnm_text.hpp"
#include "pipeline/codecs/size_limits.hpp"

#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>

namespace pixmill::pipeline {

namespace {

/// Rows handed to the observer at once.
constexpr int kBandRows = 32;

class PnmDecoder final : public Decoder {
 public:
  CodecStatus read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) override;
  CodecStatus decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) override;
  void trim(std::size_t keep_bytes) override;

 private:
  void scale_levels();
  CodecStatus read_row(int y, cv::Mat& frame);
  CodecStatus read_text_row(int y);
  void unpack_row(Bytes row);
  CodecStatus clip_row(int y);
  CodecStatus beyond(std::uint64_t value, std::size_t column, int y);
  template <typename Level>
  void store_row(Level* row, int width, int channels) const;
  void expand_bits(Bytes row, int width, std::uint8_t* out) const;
  [[nodiscard]] bool is_plain_bytes() const { return !header_.is_text() && header_.max_value == 255; }

  Bytes file_;
  PnmHeader header_;
  PnmText text_{{}, 0};
  bool clipped_ = false;                // the status of the row is about values that were clipped, and it is whole
  bool any_pixel_ = false;              // one was decoded
  std::vector<std::uint16_t> samples_;  // of a row, as the file has them
  std::vector<std::uint16_t> levels_;   // by sample: v · full scale / largest, rounded to the nearest
};

CodecStatus PnmDecoder::read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) {
  file_ = file;
  CodecStatus status = read_pnm_header(file, header_);
  if (header_.width == 0) return status;
  header = {};
  header.shape = {header_.width, header_.height, header_.channels,
                  header_.is_wide() ? kernels::Depth::sixteen : kernels::Depth::eight};
  header.two_level = header_.channels == 1 && header_.max_value == 1;
  header.decoder_bytes = 2 * (static_cast<std::uint64_t>(header_.width) * static_cast<std::uint64_t>(header_.channels) +
                              header_.max_value + 1);
  CodecStatus allowed = check_limits(header.shape, header.decoder_bytes, limits);
  return allowed.usable() ? status : allowed;
}

CodecStatus PnmDecoder::decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) {
  const std::uint64_t there = file_.size() - header_.raster_begin;
  if (!request.lenient && there < header_.least_raster_bytes()) {
    return {Verdict::truncated, fmt::format("cut short: {} bytes of pixels, where {} x {} pixels have at least {}",
                                            there, frame.cols, frame.rows, header_.least_raster_bytes())};
  }
  scale_levels();
  samples_.resize(static_cast<std::size_t>(header_.width) * static_cast<std::size_t>(header_.channels));
  text_ = PnmText(file_, header_.raster_begin);
  any_pixel_ = false;
  CodecStatus first_damage;
  bool ended = false;
  for (int first = 0; first < frame.rows; first += kBandRows) {
    const int last = std::min(first + kBandRows, frame.rows);
    for (int y = first; y < last; ++y) {
      if (ended) {
        frame.row(y).setTo(cv::Scalar::all(0));
        continue;
      }
      CodecStatus status = read_row(y, frame);
      any_pixel_ = any_pixel_ || status.usable() || clipped_;
      if (status.usable()) continue;
      if (!request.lenient || !any_pixel_) return status;
      ended = !clipped_;
      if (first_damage.usable()) first_damage = std::move(status);
    }
    if (observer) observer(frame.rowRange(first, last));
  }
  if (!first_damage.usable()) first_damage.verdict = Verdict::repaired;
  return first_damage;
}

/// White is the largest value, whatever it is: the pages of Netpbm define samples as shares of it.
void PnmDecoder::scale_levels() {
  const std::uint32_t full = header_.is_wide() ? 65535 : 255;
  const std::uint32_t most = header_.max_value;
  levels_.resize(std::size_t{most} + 1);
  for (std::uint32_t v = 0; v <= most; ++v) levels_[v] = static_cast<std::uint16_t>((v * full + most / 2) / most);
}

CodecStatus PnmDecoder::read_row(int y, cv::Mat& frame) {
  clipped_ = false;
  CodecStatus status;
  if (header_.is_text()) {
    status = read_text_row(y);
  } else {
    const std::uint64_t begin = header_.raster_begin + static_cast<std::uint64_t>(y) * header_.row_bytes();
    if (begin + header_.row_bytes() > file_.size()) {
      frame.row(y).setTo(cv::Scalar::all(0));
      return {Verdict::truncated, fmt::format("cut short: rows {} to {} are missing", y, frame.rows - 1)};
    }
    const Bytes row = file_.subspan(begin, header_.row_bytes());
    if (header_.is_packed()) {
      expand_bits(row, frame.cols, frame.ptr(y));
      return {};
    }
    if (is_plain_bytes() && frame.channels() == header_.channels && frame.channels() % 2 == 1) {
      auto* bytes = const_cast<std::byte*>(row.data());
      const cv::Mat in(1, frame.cols, frame.type(), bytes);
      cv::Mat out = frame.row(y);
      if (frame.channels() == 1) {
        in.copyTo(out);
      } else {
        cv::cvtColor(in, out, cv::COLOR_RGB2BGR);
      }
      return {};
    }
    unpack_row(row);
    status = clip_row(y);
  }
  if (frame.depth() == CV_16U) {
    store_row(frame.ptr<std::uint16_t>(y), frame.cols, frame.channels());
  } else {
    store_row(frame.ptr<std::uint8_t>(y), frame.cols, frame.channels());
  }
  return status;
}

/// Reads on behind a value that is too large, so that lenient rows stay in step.
CodecStatus PnmDecoder::read_text_row(int y) {
  std::fill(samples_.begin(), samples_.end(), std::uint16_t{0});
  const auto channels = static_cast<std::size_t>(header_.channels);
  CodecStatus status;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    std::uint64_t value = 0;
    const PnmText::Found found = header_.kind == 1 ? text_.next_bit(value) : text_.next_number(value);
    any_pixel_ = any_pixel_ || i >= channels;
    if (found == PnmText::Found::end) {
      return {Verdict::truncated, fmt::format("cut short at column {} of row {}", i / channels, y)};
    }
    if (found == PnmText::Found::other) {
      return {Verdict::corrupt, fmt::format("byte {}, at column {} of row {}, is no {}", text_.at(), i / channels, y,
                                            header_.kind == 1 ? "0 or 1" : "number")};
    }
    if (header_.kind == 1) value = 1 - value;  // in a bitmap 1 is black
    if (value > header_.max_value && status.usable()) status = beyond(value, i / channels, y);
    samples_[i] = static_cast<std::uint16_t>(std::min<std::uint64_t>(value, header_.max_value));
  }
  return status;
}

CodecStatus PnmDecoder::beyond(std::uint64_t value, std::size_t column, int y) {
  clipped_ = true;
  return {Verdict::corrupt,
          fmt::format("{} at column {} of row {}, where {} is the largest value", value, column, y, header_.max_value)};
}

void PnmDecoder::unpack_row(Bytes row) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(row.data());
  if (!header_.is_wide()) {
    std::copy_n(bytes, samples_.size(), samples_.begin());
    return;
  }
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    samples_[i] = static_cast<std::uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  }
}

/// Samples beyond the largest value become it, and the first one is told.
CodecStatus PnmDecoder::clip_row(int y) {
  const auto most = static_cast<std::uint16_t>(header_.max_value);
  if (most == 65535 || *std::max_element(samples_.begin(), samples_.end()) <= most) return {};
  const auto found = std::find_if(samples_.begin(), samples_.end(), [most](std::uint16_t v) { return v > most; });
  const auto column = static_cast<std::size_t>(found - samples_.begin()) / static_cast<std::size_t>(header_.channels);
  CodecStatus status = beyond(*found, column, y);
  for (std::uint16_t& sample : samples_) sample = std::min(sample, most);
  return status;
}

template <typename Level>
void PnmDecoder::store_row(Level* row, int width, int channels) const {
  const std::uint16_t* sample = samples_.data();
  const int stored = header_.channels;
  const auto level = [this](std::uint16_t v) { return static_cast<Level>(levels_[v]); };
  for (int x = 0; x < width; ++x, sample += stored, row += channels) {
    if (stored <= 2) {
      row[0] = level(sample[0]);
      if (channels == 2) row[1] = level(sample[1]);
      continue;
    }
    row[0] = level(sample[2]);
    row[1] = level(sample[1]);
    row[2] = level(sample[0]);
    if (channels == 4) row[3] = level(sample[3]);
  }
}

void PnmDecoder::expand_bits(Bytes row, int width, std::uint8_t* out) const {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(row.data());
  for (int x = 0; x < width; ++x) out[x] = (bytes[x >> 3] >> (7 - (x & 7)) & 1) != 0 ? 0 : 255;
}

void PnmDecoder::trim(std::size_t keep_bytes) {
  for (std::vector<std::uint16_t>* buffer : {&samples_, &levels_}) {
    if (buffer->capacity() * sizeof(std::uint16_t) > keep_bytes) std::vector<std::uint16_t>().swap(*buffer);
  }
}

}  // namespace

std::unique_ptr<Decoder> make_pnm_decoder() { return std::make_unique<PnmDecoder>(); }

}  // namespace pixmill::pipeline

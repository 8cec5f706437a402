#include "pipeline/backends/answer.hpp"

#include "kernels/frame.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

namespace pixmill::pipeline {
namespace {

constexpr std::size_t kFrameAlignment = 64;
// A sentence or a few; a longer one is cut.
constexpr std::size_t kMostDetailBytes = std::size_t{64} << 10;

struct AnswerHeader {
  std::int64_t width;
  std::int64_t height;
  double ms;
  std::uint64_t pixels;  // of the partial
  std::uint64_t detail_bytes;
  std::uint64_t encoded_bytes;
  std::uint32_t verdict;
  std::uint32_t channels;  // of the partial; 0: there is none
  std::uint32_t depth;
  std::uint32_t histogram_levels;  // a channel; 0: none
  std::int32_t frame_rows;         // 0: no frame
  std::int32_t frame_columns;
  std::int32_t frame_type;
  std::uint32_t spans;
  std::uint64_t own_bytes;  // of the partial
};
static_assert(std::is_trivially_copyable_v<AnswerHeader> && sizeof(AnswerHeader) == 88);

struct ChannelRecord {
  std::uint64_t sum;
  std::uint64_t sum_of_squares;
  std::uint32_t min;
  std::uint32_t max;
};
static_assert(std::is_trivially_copyable_v<ChannelRecord> && sizeof(ChannelRecord) == 24);

template <typename Record>
void append(std::vector<std::byte>& bytes, const Record& record) {
  const Bytes raw = std::as_bytes(std::span(&record, 1));
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

/// Takes pieces off the front of what is left to read.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : whole_(bytes.size()), left_(bytes) {}

  template <typename Record>
  bool take(Record& record) {
    Bytes raw;
    if (!take(sizeof record, raw)) return false;
    std::memcpy(&record, raw.data(), sizeof record);
    return true;
  }
  bool take(std::uint64_t size, Bytes& piece) {
    if (size > left_.size()) return false;
    piece = left_.first(size);
    left_ = left_.subspan(size);
    return true;
  }
  bool skip_to_multiple(std::size_t unit) {
    Bytes skipped;
    return take((unit - (whole_ - left_.size()) % unit) % unit, skipped) &&
           std::all_of(skipped.begin(), skipped.end(), [](std::byte byte) { return byte == std::byte{0}; });
  }
  [[nodiscard]] std::size_t left() const { return left_.size(); }
  [[nodiscard]] bool empty() const { return left_.empty(); }

 private:
  std::size_t whole_;
  Bytes left_;
};

// What a program says of an image; the rest is for the coordinator to say.
bool is_of_program(std::uint32_t number) {
  if (number >= kVerdictCount) return false;
  switch (static_cast<Verdict>(number)) {
    case Verdict::ok:
    case Verdict::repaired:
    case Verdict::unsupported:
    case Verdict::corrupt:
    case Verdict::truncated:
    case Verdict::too_large:
    case Verdict::out_of_memory:
    case Verdict::kernel_failed:
    case Verdict::write_failed:
      return true;
    default:
      return false;
  }
}

// The counts must give what the rest of the record says, as they do in kernels::make_partial().
bool read_histogram(Cursor& cursor, std::uint32_t levels, std::uint64_t pixels, kernels::ChannelPartial& channel) {
  Bytes raw;
  if (!cursor.take(std::uint64_t{levels} * sizeof(std::uint32_t), raw)) return false;
  channel.histogram.resize(levels);
  std::memcpy(channel.histogram.data(), raw.data(), raw.size());
  std::uint64_t total = 0;
  std::uint64_t sum = 0;
  std::uint64_t sum_of_squares = 0;
  for (std::uint64_t level = 0; level < levels; ++level) {
    const std::uint64_t count = channel.histogram[level];
    total += count;
    sum += level * count;
    sum_of_squares += level * level * count;
    if (count != 0 && (level < channel.min || level > channel.max)) return false;
  }
  return total == pixels && sum == channel.sum && sum_of_squares == channel.sum_of_squares &&
         channel.histogram[channel.min] != 0 && channel.histogram[channel.max] != 0;
}

// Whether there are levels between min and max that have these sums. No deviation is imaginary then.
bool can_be(const kernels::ChannelPartial& channel, std::uint64_t pixels) {
  const auto times = [](kernels::Uint128 a, std::uint64_t b) { return a * b; };
  return channel.min <= channel.max && channel.sum >= channel.min * pixels && channel.sum <= channel.max * pixels &&
         channel.sum_of_squares <= times(channel.sum, channel.max) &&
         times(channel.sum_of_squares, pixels) >= times(channel.sum, channel.sum);
}

bool read_partial(Cursor& cursor, const AnswerHeader& header, std::optional<kernels::Partial>& partial) {
  if (header.channels == 0) {
    return header.histogram_levels == 0 && header.pixels == 0 && header.depth == 0 && header.own_bytes == 0;
  }
  if ((header.channels != 1 && header.channels != 3) || (header.depth != 8 && header.depth != 16)) return false;
  kernels::Partial& read = partial.emplace();
  read.depth = header.depth == 16 ? kernels::Depth::sixteen : kernels::Depth::eight;
  read.pixels = header.pixels;
  const auto levels = static_cast<std::uint32_t>(kernels::level_count(read.depth));
  if (read.pixels == 0 || read.pixels > UINT32_MAX) return false;
  if (header.histogram_levels != 0 && header.histogram_levels != levels) return false;
  read.channels.resize(header.channels);
  for (kernels::ChannelPartial& channel : read.channels) {
    ChannelRecord record{};
    if (!cursor.take(record)) return false;
    if (record.max >= levels) return false;
    channel.min = record.min;
    channel.max = record.max;
    channel.sum = record.sum;
    channel.sum_of_squares = record.sum_of_squares;
    if (!can_be(channel, read.pixels)) return false;
  }
  const bool sound = header.histogram_levels == 0 ||
                     std::all_of(read.channels.begin(), read.channels.end(), [&](kernels::ChannelPartial& channel) {
                       return read_histogram(cursor, levels, read.pixels, channel);
                     });
  Bytes own;
  if (!sound || !cursor.take(header.own_bytes, own)) return false;
  read.own.assign(own.begin(), own.end());
  return true;
}

// The depth and the channels of an OpenCV type that a frame can have.
std::optional<kernels::FrameShape> shape_of_type(std::int32_t type) {
  kernels::FrameShape shape;
  for (const kernels::Depth depth : {kernels::Depth::eight, kernels::Depth::sixteen}) {
    for (const int channels : {1, 2, 3, 4}) {
      shape.depth = depth;
      shape.channels = channels;
      if (shape.type() == type) return shape;
    }
  }
  return std::nullopt;
}

// Stages of that program, no more than it has, one after the other.
bool read_spans(Cursor& cursor, std::uint32_t count, std::uint32_t stages, std::vector<StageSpan>& spans) {
  if (count > stages) return false;
  std::uint64_t last_ns = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    StageSpan span;
    if (!cursor.take(span)) return false;
    const bool its_own = span.stage < stages && span.stage != static_cast<std::uint32_t>(Stage::lost);
    if (!its_own || span.unused != 0 || span.begin_ns < last_ns || span.end_ns < span.begin_ns) return false;
    last_ns = span.end_ns;
    spans.push_back(span);
  }
  return true;
}

bool read_frame(Cursor& cursor, const AnswerHeader& header, cv::Mat& frame) {
  if (header.frame_rows == 0) return header.frame_columns == 0 && header.frame_type == 0;
  std::optional<kernels::FrameShape> shape = shape_of_type(header.frame_type);
  if (header.frame_rows < 0 || header.frame_columns <= 0 || !shape) return false;
  shape->width = header.frame_columns;
  shape->height = header.frame_rows;
  // Up to 2^62 pixels: their bytes need not fit a number.
  if (!cursor.skip_to_multiple(kFrameAlignment) || shape->pixels() > cursor.left()) return false;
  Bytes pixels;
  if (!cursor.take(shape->bytes(), pixels)) return false;
  // OpenCV has no frame of constant pixels; nobody writes to this one.
  frame = cv::Mat(header.frame_rows, header.frame_columns, header.frame_type, const_cast<std::byte*>(pixels.data()));
  return true;
}

// Whether the answer holds what such a verdict comes with, and nothing else.
bool holds(const ReadAnswer& answer, const AnswerWish& wish) {
  const bool well = is_well(answer.result.verdict);
  const auto& partial = answer.result.partial;
  return answer.encoded.empty() != (well && wish.want.encoded) && partial.has_value() == (well && wish.want.partial) &&
         answer.result.frame.empty() != (well && wish.want.frame) &&
         (!partial || partial->channels.front().histogram.empty() != wish.histogram) &&
         (!partial || (wish.own != nullptr ? wish.own->fits(partial->own) : partial->own.empty()));
}

}  // namespace

const std::vector<Bytes>& AnswerWriter::write(const ProgramResult& result, Bytes encoded) {
  AnswerHeader header{};
  header.width = result.width;
  header.height = result.height;
  header.ms = result.ms;
  header.verdict = static_cast<std::uint32_t>(result.verdict);
  const Bytes detail = std::as_bytes(std::span(result.detail)).first(std::min(result.detail.size(), kMostDetailBytes));
  header.detail_bytes = detail.size();
  header.encoded_bytes = encoded.size();
  header.spans = static_cast<std::uint32_t>(result.spans.size());
  fixed_.clear();
  if (result.partial) {
    header.pixels = result.partial->pixels;
    header.channels = static_cast<std::uint32_t>(result.partial->channels.size());
    header.depth = static_cast<std::uint32_t>(result.partial->depth);
    header.histogram_levels = static_cast<std::uint32_t>(result.partial->channels.front().histogram.size());
    header.own_bytes = result.partial->own.size();
  }
  if (!result.frame.empty()) {
    header.frame_rows = result.frame.rows;
    header.frame_columns = result.frame.cols;
    header.frame_type = result.frame.type();
  }
  append(fixed_, header);
  for (const StageSpan& span : result.spans) append(fixed_, span);
  if (result.partial) {
    for (const auto& channel : result.partial->channels) {
      append(fixed_, ChannelRecord{channel.sum, channel.sum_of_squares, channel.min, channel.max});
    }
  }
  pieces_.assign({Bytes(fixed_)});
  std::size_t size = fixed_.size();
  const auto add = [&](Bytes piece) {
    pieces_.push_back(piece);
    size += piece.size();
  };
  if (result.partial) {
    for (const auto& channel : result.partial->channels) add(std::as_bytes(std::span(channel.histogram)));
    add(result.partial->own);
  }
  add(detail);
  add(encoded);
  if (!result.frame.empty()) {
    padding_.assign((kFrameAlignment - size % kFrameAlignment) % kFrameAlignment, std::byte{0});
    add(padding_);
    const std::size_t row_bytes = static_cast<std::size_t>(result.frame.cols) * result.frame.elemSize();
    if (result.frame.isContinuous()) {
      add({reinterpret_cast<const std::byte*>(result.frame.data),
           row_bytes * static_cast<std::size_t>(result.frame.rows)});
    } else {
      for (int y = 0; y < result.frame.rows; ++y) add({result.frame.ptr<std::byte>(y), row_bytes});
    }
  }
  return pieces_;
}

std::optional<ReadAnswer> read_answer(Bytes bytes, const AnswerWish& wish) {
  Cursor cursor(bytes);
  AnswerHeader header{};
  ReadAnswer answer;
  ProgramResult& result = answer.result;
  Bytes detail;
  if (!cursor.take(header) || !is_of_program(header.verdict)) return std::nullopt;
  if (header.width < 0 || header.height < 0 || !std::isfinite(header.ms) || header.ms < 0) return std::nullopt;
  if (!read_spans(cursor, header.spans, wish.stages, result.spans)) return std::nullopt;
  if (!read_partial(cursor, header, result.partial)) return std::nullopt;
  if (header.detail_bytes > kMostDetailBytes || !cursor.take(header.detail_bytes, detail)) return std::nullopt;
  if (!cursor.take(header.encoded_bytes, answer.encoded)) return std::nullopt;
  if (!read_frame(cursor, header, result.frame) || !cursor.empty()) return std::nullopt;
  result.detail.assign(reinterpret_cast<const char*>(detail.data()), detail.size());
  result.verdict = static_cast<Verdict>(header.verdict);
  result.width = header.width;
  result.height = header.height;
  result.ms = header.ms;
  if (!holds(answer, wish)) return std::nullopt;
  return answer;
}

}  // namespace pixmill::pipeline

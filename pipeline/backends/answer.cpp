#include "pipeline/backends/answer.hpp"

#include "kernels/frame.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace pixmill::pipeline {
namespace {

constexpr std::size_t kFrameAlignment = 64;

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
  std::uint32_t unused;
};
static_assert(std::is_trivially_copyable_v<AnswerHeader> && sizeof(AnswerHeader) == 80);

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
    return take((unit - (whole_ - left_.size()) % unit) % unit, skipped);
  }
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

// Well-formed, and shortest, as RFC 3629 has it.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >> 5U == 6 ? 2 : lead >> 4U == 14 ? 3 : lead >> 3U == 30 ? 4 : 0;
    if (length == 0 || length > text.size() - i) return false;
    std::uint32_t code = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if (next >> 6U != 2) return false;
      code = code << 6U | (next & 0x3FU);
    }
    constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLeast[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    i += length;
  }
  return true;
}

bool read_histogram(Cursor& cursor, std::uint32_t levels, std::uint64_t pixels, std::vector<std::uint32_t>& histogram) {
  Bytes raw;
  if (!cursor.take(std::uint64_t{levels} * sizeof(std::uint32_t), raw)) return false;
  histogram.resize(levels);
  std::memcpy(histogram.data(), raw.data(), raw.size());
  std::uint64_t total = 0;
  for (const std::uint32_t count : histogram) total += count;
  return total == pixels;
}

bool read_partial(Cursor& cursor, const AnswerHeader& header, std::optional<kernels::Partial>& partial) {
  if (header.channels == 0) return header.histogram_levels == 0 && header.pixels == 0;
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
    if (record.min > record.max || record.max >= levels) return false;
    if (record.sum < record.min * read.pixels || record.sum > record.max * read.pixels) return false;
    channel.min = record.min;
    channel.max = record.max;
    channel.sum = record.sum;
    channel.sum_of_squares = record.sum_of_squares;
  }
  if (header.histogram_levels == 0) return true;
  return std::all_of(read.channels.begin(), read.channels.end(), [&](kernels::ChannelPartial& channel) {
    return read_histogram(cursor, levels, read.pixels, channel.histogram);
  });
}

bool read_frame(Cursor& cursor, const AnswerHeader& header, cv::Mat& frame) {
  if (header.frame_rows == 0) return header.frame_columns == 0 && header.frame_type == 0;
  if (header.frame_rows < 0 || header.frame_columns <= 0) return false;
  kernels::FrameShape shape;
  shape.width = header.frame_columns;
  shape.height = header.frame_rows;
  bool known = false;
  for (const kernels::Depth depth : {kernels::Depth::eight, kernels::Depth::sixteen}) {
    for (const int channels : {1, 2, 3, 4}) {
      shape.depth = depth;
      shape.channels = channels;
      if (shape.type() != header.frame_type) continue;
      known = true;
      Bytes pixels;
      if (!cursor.skip_to_multiple(kFrameAlignment) || !cursor.take(shape.bytes(), pixels)) return false;
      // OpenCV has no frame of constant pixels; nobody writes to this one.
      frame =
          cv::Mat(header.frame_rows, header.frame_columns, header.frame_type, const_cast<std::byte*>(pixels.data()));
    }
  }
  return known;
}

}  // namespace

const std::vector<Bytes>& AnswerWriter::write(const ProgramResult& result, Bytes encoded) {
  AnswerHeader header{};
  header.width = result.width;
  header.height = result.height;
  header.ms = result.ms;
  header.verdict = static_cast<std::uint32_t>(result.verdict);
  header.detail_bytes = result.detail.size();
  header.encoded_bytes = encoded.size();
  fixed_.clear();
  if (result.partial) {
    header.pixels = result.partial->pixels;
    header.channels = static_cast<std::uint32_t>(result.partial->channels.size());
    header.depth = static_cast<std::uint32_t>(result.partial->depth);
    header.histogram_levels = static_cast<std::uint32_t>(result.partial->channels.front().histogram.size());
  }
  if (!result.frame.empty()) {
    header.frame_rows = result.frame.rows;
    header.frame_columns = result.frame.cols;
    header.frame_type = result.frame.type();
  }
  append(fixed_, header);
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
  }
  add(std::as_bytes(std::span(result.detail)));
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

std::optional<ReadAnswer> read_answer(Bytes bytes) {
  Cursor cursor(bytes);
  AnswerHeader header{};
  ReadAnswer answer;
  ProgramResult& result = answer.result;
  Bytes detail;
  if (!cursor.take(header) || !is_of_program(header.verdict)) return std::nullopt;
  if (header.width < 0 || header.height < 0 || !std::isfinite(header.ms) || header.ms < 0) return std::nullopt;
  if (!read_partial(cursor, header, result.partial)) return std::nullopt;
  if (!cursor.take(header.detail_bytes, detail) || !cursor.take(header.encoded_bytes, answer.encoded))
    return std::nullopt;
  if (!read_frame(cursor, header, result.frame) || !cursor.empty()) return std::nullopt;
  result.detail.assign(reinterpret_cast<const char*>(detail.data()), detail.size());
  if (!is_utf8(result.detail)) return std::nullopt;
  result.verdict = static_cast<Verdict>(header.verdict);
  result.width = header.width;
  result.height = header.height;
  result.ms = header.ms;
  return answer;
}

}  // namespace pixmill::pipeline

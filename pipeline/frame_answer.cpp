#include "pipeline/frame_answer.hpp"

#include <opencv2/core/mat.hpp>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace pixmill::pipeline {
namespace {

struct Head {
  std::uint32_t verdict;
  std::int32_t rows;
  std::int32_t columns;
  std::int32_t type;
  std::uint32_t detail_bytes;
  std::uint32_t unused;
};
static_assert(std::is_trivially_copyable_v<Head> && sizeof(Head) == 24);

bool is_of_frame(std::uint32_t number) {
  switch (static_cast<Verdict>(number)) {
    case Verdict::ok:
    case Verdict::unsupported:
    case Verdict::kernel_failed:
    case Verdict::out_of_memory:
      return number < kVerdictCount;
    default:
      return false;
  }
}

std::optional<kernels::FrameShape> shape_of(const Head& head) {
  if (head.rows <= 0 || head.columns <= 0) return std::nullopt;
  kernels::FrameShape shape;
  shape.width = head.columns;
  shape.height = head.rows;
  for (const kernels::Depth depth : {kernels::Depth::eight, kernels::Depth::sixteen}) {
    for (const int channels : {1, 2, 3, 4}) {
      shape.depth = depth;
      shape.channels = channels;
      if (shape.type() == head.type) return shape;
    }
  }
  return std::nullopt;
}

bool pixels_make_sense(const Head& head, std::uint64_t bytes) {
  if (static_cast<Verdict>(head.verdict) != Verdict::ok) {
    return head.rows == 0 && head.columns == 0 && head.type == 0 && bytes == 0;
  }
  const std::optional<kernels::FrameShape> shape = shape_of(head);
  // Up to 2^62 pixels: their bytes need not fit a number.
  return shape && shape->pixels() <= bytes && shape->bytes() == bytes;
}

}  // namespace

void write_answer_head(const ProgramResult& result, std::span<std::byte, kAnswerHeadBytes> head) {
  Head words{};
  words.verdict = static_cast<std::uint32_t>(result.verdict);
  words.rows = result.frame.rows;
  words.columns = result.frame.cols;
  words.type = result.frame.empty() ? 0 : result.frame.type();
  const std::span<std::byte> rest = head.subspan(sizeof words);
  words.detail_bytes = static_cast<std::uint32_t>(std::min(result.detail.size(), rest.size()));
  std::memcpy(head.data(), &words, sizeof words);
  std::memcpy(rest.data(), result.detail.data(), words.detail_bytes);
  std::fill(rest.begin() + words.detail_bytes, rest.end(), std::byte{0});
}

std::optional<FrameAnswer> read_answer_head(Bytes head, std::uint64_t size_bytes) {
  Head words{};
  if (head.size() != kAnswerHeadBytes || size_bytes < head.size()) return std::nullopt;
  std::memcpy(&words, head.data(), sizeof words);
  const Bytes rest = head.subspan(sizeof words);
  if (words.unused != 0 || words.detail_bytes > rest.size() || !is_of_frame(words.verdict)) return std::nullopt;
  if (!pixels_make_sense(words, size_bytes - head.size())) return std::nullopt;
  return FrameAnswer{static_cast<Verdict>(words.verdict),
                     std::string(reinterpret_cast<const char*>(rest.data()), words.detail_bytes), words.rows,
                     words.columns, words.type};
}

}  // namespace pixmill::pipeline

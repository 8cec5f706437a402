#include "pipeline/backends/answer.hpp"
#include "pipeline/frame_answer.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

using namespace pixmill::pipeline;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

// As the head of a frame's answer, with so many bytes behind it.
void expect_head(const std::vector<std::byte>& bytes, std::uint64_t behind) {
  std::array<std::byte, kAnswerHeadBytes> head{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), head.size()), head.begin());
  const std::optional<FrameAnswer> answer = read_answer_head(head, head.size() + behind);
  if (!answer) return;
  ProgramResult result;
  result.verdict = answer->verdict;
  result.detail = answer->detail;
  if (answer->rows > 0) {
    result.frame = cv::Mat(answer->rows, answer->columns, answer->type);
    expect(result.frame.total() * result.frame.elemSize() == behind);
  }
  std::array<std::byte, kAnswerHeadBytes> again{};
  write_answer_head(result, again);
  constexpr std::size_t kWords = 24;
  expect(std::equal(again.begin(), again.begin() + kWords + static_cast<std::ptrdiff_t>(result.detail.size()),
                    head.begin()));
}

}  // namespace

/// Any bytes as a worker's answer: nothing, or what writes itself as these very bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const AnswerWish wish{{(data[0] & 1U) != 0, (data[0] & 2U) != 0, (data[0] & 4U) != 0},
                        (data[0] & 8U) != 0,
                        std::uint32_t{data[0]} >> 4U};
  // In memory of its own, which is aligned and ends where the answer ends.
  const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(data + 1),
                                     reinterpret_cast<const std::byte*>(data + size));
  expect_head(bytes, 0);
  expect_head(bytes, bytes.size());
  const std::optional<ReadAnswer> answer = read_answer(bytes, wish);
  if (!answer) return 0;
  AnswerWriter writer;
  std::vector<std::byte> again;
  for (const Bytes& piece : writer.write(answer->result, answer->encoded)) {
    again.insert(again.end(), piece.begin(), piece.end());
  }
  expect(again == bytes);
  return 0;
}

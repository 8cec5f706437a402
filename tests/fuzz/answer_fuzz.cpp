#include "pipeline/backends/answer.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

using namespace pixmill::pipeline;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
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

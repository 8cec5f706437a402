#pragma once

#include "ipc/worker.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace pixmill::ipc {

/// Messages of the soak: random bytes in, random bytes out, both known from a number alone, so that every bit can be
/// checked by who has only that.
inline std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

/// From nothing to some megabytes, mostly little.
inline std::size_t random_size(std::uint64_t random) {
  const std::uint64_t kind = random % 100;
  const std::uint64_t rest = mixed(random);
  if (kind < 3) return 0;
  if (kind < 92) return rest % 4096;
  if (kind < 99) return rest % (64U << 10U);
  return rest % (2U << 20U);
}

inline void fill(std::span<std::byte> bytes, std::uint64_t seed) {
  for (std::size_t i = 0; i < bytes.size(); i += 8) {
    const std::uint64_t word = (seed += 0x9e3779b97f4a7c15U) * 0xbf58476d1ce4e5b9U;
    std::memcpy(bytes.data() + i, &word, bytes.size() - i < 8 ? bytes.size() - i : 8);
  }
}

inline std::uint64_t checksum(std::span<const std::byte> bytes) {
  std::uint64_t sum = bytes.size();
  for (std::size_t i = 0; i < bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, bytes.size() - i < 8 ? bytes.size() - i : 8);
    sum = (sum ^ word) * 0x9e3779b97f4a7c15U;
    sum ^= sum >> 29U;
  }
  return sum;
}

/// The answer to an input: as many bytes as the message's number says, all of which depend on all of the input.
inline void make_answer(std::uint64_t number, std::span<const std::byte> input, std::vector<std::byte>& answer) {
  answer.resize(random_size(mixed(number + 77)));
  fill(answer, checksum(input) ^ number);
}

class SoakWorker final : public Worker {
 public:
  const Answer& run(std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user) override {
    make_answer(user[0], input, bytes_);
    answer_.parts = {bytes_};
    return answer_;
  }

 private:
  std::vector<std::byte> bytes_;
  Answer answer_;
};

}  // namespace pixmill::ipc

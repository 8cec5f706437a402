#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pixmill::tests {

/// Bits into bytes, least significant first, as deflate and lossless WebP have them.
class BitWriter {
 public:
  void put(std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) {
      if (filled_ % 8 == 0) bytes_.push_back(std::byte{0});
      if ((value >> i & 1) != 0) bytes_.back() |= static_cast<std::byte>(1U << (filled_ % 8));
      ++filled_;
    }
  }
  /// A prefix code, most significant bit first.
  void put_code(std::uint32_t code, int count) {
    for (int i = count - 1; i >= 0; --i) put(code >> i & 1, 1);
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
  std::size_t filled_ = 0;
};

}  // namespace pixmill::tests

#pragma once

#include <cstddef>
#include <cstring>
#include <span>

namespace pixmill::kernels {

/// Divides a workspace's slot into arrays, each aligned to 64 bytes and zeroed. The slot itself must be aligned to 64.
class Scratch {
 public:
  explicit Scratch(std::span<std::byte> memory) : rest_(memory) {}

  /// The bytes that an array of that many elements takes.
  template <typename T>
  [[nodiscard]] static constexpr std::size_t bytes_of(std::size_t count) {
    return (count * sizeof(T) + 63) / 64 * 64;
  }
  template <typename T>
  T* take(std::size_t count) {
    const std::span<std::byte> part = rest_.first(bytes_of<T>(count));
    rest_ = rest_.subspan(part.size());
    std::memset(part.data(), 0, part.size());
    return reinterpret_cast<T*>(part.data());
  }

 private:
  std::span<std::byte> rest_;
};

}  // namespace pixmill::kernels

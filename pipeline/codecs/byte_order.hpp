#pragma once

#include "pipeline/codecs/codec.hpp"

#include <cstdint>

/// Integers in files. The caller has checked that the bytes are there.
namespace pixmill::pipeline {

[[nodiscard]] inline std::uint32_t byte_at(Bytes bytes, std::size_t offset) {
  return std::to_integer<std::uint32_t>(bytes[offset]);
}
[[nodiscard]] inline std::uint32_t read_big16(Bytes bytes, std::size_t offset) {
  return byte_at(bytes, offset) << 8 | byte_at(bytes, offset + 1);
}
[[nodiscard]] inline std::uint32_t read_big32(Bytes bytes, std::size_t offset) {
  return read_big16(bytes, offset) << 16 | read_big16(bytes, offset + 2);
}
[[nodiscard]] inline std::uint32_t read_little16(Bytes bytes, std::size_t offset) {
  return byte_at(bytes, offset) | byte_at(bytes, offset + 1) << 8;
}
[[nodiscard]] inline std::uint32_t read_little32(Bytes bytes, std::size_t offset) {
  return read_little16(bytes, offset) | read_little16(bytes, offset + 2) << 16;
}
inline void write_big32(std::byte* at, std::uint32_t value) {
  at[0] = static_cast<std::byte>(value >> 24);
  at[1] = static_cast<std::byte>(value >> 16 & 0xFF);
  at[2] = static_cast<std::byte>(value >> 8 & 0xFF);
  at[3] = static_cast<std::byte>(value & 0xFF);
}

}  // namespace pixmill::pipeline

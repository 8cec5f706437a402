#pragma once

#include "kernels/reduction.hpp"

#include <cstring>
#include <new>
#include <type_traits>

/// The loops over records that PixelReduction asks for, around a record with add(level) and finish(images).
namespace pixmill::kernels {

template <typename Record>
void begin_records(std::span<std::byte> records) {
  static_assert(std::is_trivially_copyable_v<Record> && alignof(Record) <= 16);
  for (std::size_t at = 0; at + sizeof(Record) <= records.size(); at += sizeof(Record)) ::new (&records[at]) Record();
}

template <typename Record>
void add_levels(std::span<const std::uint16_t> levels, std::byte* records) {
  auto* record = std::launder(reinterpret_cast<Record*>(records));
  for (const std::uint16_t level : levels) (record++)->add(level);
}

template <typename Record>
void finish_records(const std::byte* records, std::uint64_t images, std::span<std::uint16_t> levels) {
  const auto* record = std::launder(reinterpret_cast<const Record*>(records));
  for (std::uint16_t& level : levels) level = (record++)->finish(images);
}

}  // namespace pixmill::kernels

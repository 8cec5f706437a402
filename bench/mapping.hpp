#pragma once

#include <cstddef>

namespace pixmill::bench {

/// A file of memory, mapped. Processes that are forked from this one do not have the mapping.
class Mapping {
 public:
  /// `protection` and `flags` as for mmap, MAP_SHARED being there. Throws Error (machine).
  Mapping(int fd, std::size_t bytes, int protection, int flags);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  [[nodiscard]] std::byte* data() const { return at_; }

 private:
  std::byte* at_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace pixmill::bench

#pragma once

#include "ipc/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace boost::interprocess {
class mapped_region;
}

namespace pixmill::ipc {

/// The machine's page size: what memory is committed and punched by.
[[nodiscard]] std::uint64_t page_bytes();

/// Shared memory of a fixed size that one process lends to another: one sparse, sealed memfd, mapped once.
///
/// The memfd is sealed against growing, shrinking and unsealing, so that no holder can make another die of SIGBUS by
/// cutting it short. Its pages take no memory until they are committed. Nothing has a name in /dev/shm. Movable; the
/// mapping is shared with children of fork(). Commit and punch are for the process that lends; not thread-safe.
class Region {
 public:
  /// `size_bytes` is rounded up to whole pages. Throws pixmill::Error (machine) with the call that failed.
  explicit Region(std::uint64_t size_bytes);
  /// For who was lent one: maps what `fd` (taken over, and closed) names. Throws likewise. It lends nothing itself.
  [[nodiscard]] static Region attach(UniqueFd fd, std::uint64_t size_bytes);
  ~Region();
  Region(Region&&) noexcept;
  Region& operator=(Region&&) noexcept;

  /// Children that this process forks from now on will not have the mapping.
  void keep_from_children() const;

  [[nodiscard]] std::span<std::byte> memory() const;
  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Takes memory for a range now, so that using it later cannot fail: exhaustion is `false` here and not SIGBUS there.
  /// Throws pixmill::Error (machine) for any other failure.
  [[nodiscard]] bool commit(std::uint64_t offset, std::uint64_t size_bytes);
  /// Gives the whole pages of a range back to the machine; they read as zero until they are committed again.
  void punch(std::uint64_t offset, std::uint64_t size_bytes);
  /// Memory that the region takes at this moment, in bytes.
  [[nodiscard]] std::uint64_t committed_bytes() const;

 private:
  Region() = default;
  void map(std::uint64_t size_bytes);

  UniqueFd fd_;
  std::unique_ptr<boost::interprocess::mapped_region> mapping_;
};

}  // namespace pixmill::ipc

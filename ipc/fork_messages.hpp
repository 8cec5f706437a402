#pragma once

#include "ipc/unique_fd.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

/// What a coordinator and its fork server say to each other over a socket of packets.
namespace pixmill::ipc {

/// "Make a worker." Comes with two descriptors: its region and its bell.
struct SpawnRequest {
  std::uint64_t ticket = 0;  ///< Not 0; the reply repeats it.
  std::uint64_t region_bytes = 0;
  std::uint32_t epoch = 0;
  std::uint32_t ring_capacity = 0;
};

/// With the pidfd of the worker, unless it failed. The first reply, of ticket 0, says that the server is ready.
struct SpawnReply {
  std::uint64_t ticket = 0;
  std::int32_t pid = 0;    ///< 0: it failed.
  std::int32_t error = 0;  ///< errno of the call that failed.
  /// With ticket 0: why the server cannot be, and is about to go. Empty: it can. Ends with a 0 unless it is full.
  std::array<char, 240> why{};

  void set_trouble(std::string_view text);
  [[nodiscard]] std::string trouble() const;
};
static_assert(sizeof(SpawnReply) == 256 && std::is_trivially_copyable_v<SpawnReply>);

inline constexpr std::size_t kMostDescriptors = 2;

enum class PacketResult : std::uint8_t {
  done,
  nothing,
  closed,
  cut,  ///< A descriptor came along for which this process has no number left.
};

/// Sends one packet. `nothing`: the socket takes no more at this moment; `closed`: nobody is there. Never blocks where
/// the socket does not.
[[nodiscard]] PacketResult send_packet(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors);

/// Receives one packet of exactly `bytes.size()`; descriptors that come along are close-on-exec. A packet of another
/// size counts as `closed`.
[[nodiscard]] PacketResult receive_packet(int socket, std::span<std::byte> bytes,
                                          std::array<UniqueFd, kMostDescriptors>& descriptors);

}  // namespace pixmill::ipc

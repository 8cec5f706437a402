#include "ipc/fork_messages.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace pixmill::ipc {
namespace {

union Control {
  char bytes[CMSG_SPACE(kMostDescriptors * sizeof(int))];
  cmsghdr header;
};

}  // namespace

void SpawnReply::set_trouble(std::string_view text) {
  std::copy_n(text.begin(), std::min(text.size(), why.size()), why.begin());
}

std::string SpawnReply::trouble() const { return {why.begin(), std::find(why.begin(), why.end(), '\0')}; }

PacketResult send_packet(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors) {
  iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  Control control{};
  if (!descriptors.empty()) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) return PacketResult::nothing;
    if (errno != EINTR) return PacketResult::closed;
  }
  return PacketResult::done;
}

PacketResult receive_packet(int socket, std::span<std::byte> bytes,
                            std::array<UniqueFd, kMostDescriptors>& descriptors) {
  iovec piece{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  Control control{};
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t got = 0;
  while ((got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0) {
    if (errno == EAGAIN) return PacketResult::nothing;
    // A peer that went with packets of ours unread: said once, before what it sent itself can be read.
    if (errno != EINTR && errno != ECONNRESET) return PacketResult::closed;
  }
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count && i < descriptors.size(); ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      descriptors[i].reset(fd);
    }
  }
  const bool whole = static_cast<std::size_t>(got) == bytes.size() && (message.msg_flags & MSG_TRUNC) == 0;
  if (!whole) return PacketResult::closed;
  return (message.msg_flags & MSG_CTRUNC) != 0 ? PacketResult::cut : PacketResult::done;
}

}  // namespace pixmill::ipc

#pragma once

#include "ipc/channel.hpp"
#include "ipc/fork_messages.hpp"
#include "ipc/worker.hpp"
#include "tests/fuzz/hostile_machine.hpp"
#include "tests/fuzz/hostile_witness.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

namespace pixmill::fuzz {

/// The process of one life, as far as it is one: it has the region, and does as an honest worker or as it is told.
class Puppet {
 public:
  Puppet() = default;
  Puppet(const Puppet&) = delete;
  Puppet& operator=(const Puppet&) = delete;
  ~Puppet() { unmap(); }

  void begin(const ipc::SpawnRequest& request, int region, int bell) {
    unmap();
    request_ = request;
    map_.emplace(request.ring_capacity);
    memory_ = map_for_worker(region, request.region_bytes);
    bell_ = bell;
    tail_ = head_ = 0;
    taken_ = 0;
    greeted_ = false;
    current_.reset();
    alive_ = true;
  }
  void die(bool by_signal, int number) {
    if (!alive_) return;
    alive_ = false;
    end_process(static_cast<pid_t>(request_.ticket), by_signal, number);
  }
  [[nodiscard]] bool alive() const { return alive_; }
  [[nodiscard]] std::uint64_t ticket() const { return request_.ticket; }
  [[nodiscard]] std::size_t size_bytes() const { return request_.region_bytes; }

  [[nodiscard]] ipc::Descriptor blank(std::uint32_t code) const {
    ipc::Descriptor message;
    message.epoch = request_.epoch;
    message.code = code;
    if (code == ipc::to_coordinator::kReady) message.user[0] = request_.ticket;
    return message;
  }
  void post(const ipc::Descriptor& message) {
    const std::uint64_t slot = tail_ & (map_->capacity - 1);
    write(map_->to_coordinator_offset + sizeof(ipc::RingLayout) + slot * sizeof message, &message, sizeof message);
    set_index(Index::own_tail, ++tail_);
  }

  enum class Index : std::uint8_t { own_tail, own_head, peer_tail, peer_head };
  [[nodiscard]] std::uint64_t index_at(Index index) const {
    const bool out = index == Index::own_tail || index == Index::peer_head;
    const bool tail = index == Index::own_tail || index == Index::peer_tail;
    return (out ? map_->to_coordinator_offset : map_->to_worker_offset) +
           (tail ? offsetof(ipc::RingLayout, tail) : offsetof(ipc::RingLayout, head));
  }
  void set_index(Index index, std::uint64_t value) { write(index_at(index), &value, sizeof value); }
  [[nodiscard]] std::uint64_t own(Index index) const { return index == Index::own_tail ? tail_ : head_; }
  void write(std::uint64_t offset, const void* bytes, std::size_t size) { std::memcpy(memory_ + offset, bytes, size); }
  void fill(std::uint64_t offset, std::uint8_t byte, std::size_t size) { std::memset(memory_ + offset, byte, size); }
  [[nodiscard]] const std::byte* at(std::uint64_t offset) const { return memory_ + offset; }
  void ring_bell() const {
    constexpr std::uint64_t kOne = 1;
    static_cast<void>(!::write(bell_, &kOne, sizeof kOne));
  }

  /// One step of an honest worker. False: there is nothing to do.
  bool work(const std::vector<ipc::Descriptor>& inbox, const std::map<std::uint64_t, Task>& tasks) {
    if (!alive_) return false;
    if (!greeted_) {
      greeted_ = true;
      post(blank(ipc::to_coordinator::kReady));
      return true;
    }
    if (taken_ == inbox.size()) return false;
    if (!current_) {
      const ipc::Descriptor message = take(inbox);
      if (message.code != ipc::to_worker::kRun) return true;
      run(message, tasks);
      return true;
    }
    // It waits for room; what was sent before stands in front of it.
    const auto room =
        std::find_if(inbox.begin() + static_cast<std::ptrdiff_t>(taken_), inbox.end(),
                     [&](const auto& m) { return m.code == ipc::to_worker::kRoom && m.task == current_->task; });
    if (room == inbox.end()) return false;
    copy_out(inbox);
    deliver(*room, tasks.at(current_->user[0]).answer_bytes);
    return true;
  }

 private:
  ipc::Descriptor take(const std::vector<ipc::Descriptor>& inbox) {
    copy_out(inbox);
    return inbox[taken_++];
  }
  // All that is there, at once.
  void copy_out(const std::vector<ipc::Descriptor>& inbox) {
    head_ = inbox.size();
    set_index(Index::own_head, head_);
  }
  void run(const ipc::Descriptor& message, const std::map<std::uint64_t, Task>& tasks) {
    current_ = message;
    const std::uint64_t size = tasks.at(message.user[0]).answer_bytes;
    if (size <= message.output_size_bytes) {
      deliver(message, size);
      return;
    }
    ipc::Descriptor need = blank(ipc::to_coordinator::kMoreRoom);
    need.task = message.task;
    need.output_size_bytes = size;
    post(need);
  }
  void deliver(const ipc::Descriptor& room, std::uint64_t size) {
    const bool fits = size <= room.output_size_bytes;
    ipc::Descriptor reply = blank(fits ? ipc::to_coordinator::kDone : ipc::to_coordinator::kDropped);
    reply.task = current_->task;
    reply.output_offset = room.output_offset;
    reply.output_size_bytes = fits ? size : 0;
    if (fits) fill(room.output_offset, static_cast<std::uint8_t>(honest_byte(current_->user[0])), size);
    current_.reset();
    post(reply);
  }
  void unmap() {
    if (memory_ != nullptr) ::munmap(memory_, request_.region_bytes);
    memory_ = nullptr;
  }

  ipc::SpawnRequest request_;
  std::optional<ipc::ChannelMap> map_;
  std::byte* memory_ = nullptr;
  int bell_ = -1;
  bool alive_ = false;
  bool greeted_ = false;
  std::uint64_t tail_ = 0;
  std::uint64_t head_ = 0;
  std::size_t taken_ = 0;  // of the inbox
  std::optional<ipc::Descriptor> current_;
};

}  // namespace pixmill::fuzz

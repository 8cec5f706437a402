#pragma once

#include "ipc/channel.hpp"
#include "ipc/pool.hpp"
#include "ipc/worker.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

/// What a coordinator must do about what it read, reckoned apart from it: from each word that it loads out of shared
/// memory, and from what it was told. Ends the process with a message where it does something else.
namespace pixmill::fuzz {

[[noreturn]] void fail(const std::string& what);
inline void require(bool holds, const char* what) {
  if (!holds) fail(what);
}

struct Range {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
};

/// A message of the pool's user.
struct Task {
  std::vector<std::byte> input;
  std::uint64_t answer_bytes = 0;  ///< That an honest worker answers with.
  std::uint64_t known_bytes = 0;   ///< What a worker has asked for it.
  int attempts = 0;
  bool was_dropped = false;
  int place = -1;  ///< Of the worker that has it.
  bool over = false;
};

/// What a worker was sent and has not answered.
struct Given {
  std::uint64_t id = 0;
  std::uint64_t tag = 0;
  Range input;
  Range output;
  bool asked = false;
  bool untold = false;  ///< Of the room that it asked for.
  bool dropped = false;
};

/// One life of one worker, as the coordinator may know it.
struct Life {
  explicit Life(std::uint32_t capacity) : map(capacity), words_read(capacity) {}

  ipc::ChannelMap map;
  std::uint64_t ticket = 0;
  std::uint32_t epoch = 0;
  std::byte* memory = nullptr;  ///< The coordinator's mapping.
  std::uint64_t size_bytes = 0;
  bool honest = false;
  bool lied = false;  ///< It did something that an honest one does not.
  std::int64_t asked_at_ns = 0;

  bool told = false;
  bool ready = false;
  std::uint64_t said_pid = 0;
  bool let_in = false;     ///< It was ready, and who it said it is, before it was killed.
  bool condemned = false;  ///< For nonsense: it must be killed for it.
  bool killed = false;
  bool late = false;          ///< Killed for time.
  std::uint64_t suspect = 0;  ///< Then: what it was late with.
  bool over = false;          ///< Reaped, or its region retired.
  bool settled = false;       ///< And what it had is dealt out.

  // The ring towards the coordinator, and what was copied out of it and not judged.
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  std::vector<std::uint8_t> words_read;
  std::deque<ipc::Descriptor> heard;
  // The ring towards the worker.
  std::uint64_t sent = 0;
  std::uint64_t slots_written = 0;
  std::uint64_t taken = 0;  ///< As the worker last said, where that made sense.
  std::uint64_t room = 0;
  bool blocked = false;  ///< What was to be sent had no room.
  bool sending = false;  ///< Since it last looked for answers.

  std::deque<Given> unanswered;
  std::int64_t oldest_since_ns = 0;
  bool answering = false;  ///< Between room_for() and answered().
  bool refused = false;    ///< The user had no memory.

  [[nodiscard]] bool running() const { return told && ready && !killed; }
};

class Witness {
 public:
  Witness(std::uint32_t capacity, int places, int retries, std::int64_t timeout_ns, std::uint64_t region_bytes);

  std::map<std::uint64_t, Task> tasks;
  std::vector<Life> lives;                            ///< By place.
  std::vector<std::vector<ipc::Descriptor>> inboxes;  ///< What was truly sent to each.
  std::uint64_t descriptors = 0;                      ///< Copied out of rings.
  /// From the first to the last region.
  [[nodiscard]] std::pair<const std::byte*, const std::byte*> bounds() const;
  bool quiet = true;  ///< Nobody wrote where he should not since wait() began.

  void born(int place, Life life);
  void told(std::uint64_t ticket);
  void killed(std::uint64_t ticket);
  void reaped(std::uint64_t ticket);
  /// Where in which region; -1: in none.
  [[nodiscard]] int place_of(const std::byte* at) const;
  void reads(int place, std::uint64_t offset, std::size_t size_bytes);
  void writes(int place, std::uint64_t offset, std::size_t size_bytes);

  // What the pool told its user.
  void wants_room(std::uint64_t tag, std::uint64_t size_bytes, bool granted);
  void answered(std::uint64_t tag, std::span<const std::byte> answer, int attempts, bool rejected);
  void failed(std::uint64_t tag, ipc::Failure failure, int attempts);
  /// After each wait().
  void check();
  /// Where the answer is that it may read now.
  [[nodiscard]] Range lease(std::uint64_t tag) const;

 private:
  /// What a message must lead to that the user hears of.
  enum class Due { nothing, answer, no_memory, dropped };

  [[nodiscard]] Life& life_of(std::uint64_t ticket);
  [[nodiscard]] Due advance(Life& life);
  [[nodiscard]] Due judge(Life& life, const ipc::Descriptor& message);
  [[nodiscard]] bool judge_hello(Life& life, const ipc::Descriptor& message) const;
  void condemn(Life& life);
  void settle(Life& life, bool over);
  void read_index(Life& life, std::uint64_t value);
  void read_word(Life& life, std::uint64_t slot, std::uint64_t word);
  void released(Life& life);
  void committed(int place);
  void sent(int place, const ipc::Descriptor& message);
  void lent(const Life& life, Range range) const;
  void deal_out(Life& life);
  [[nodiscard]] bool to_be_charged(const Life& life) const;

  std::uint32_t capacity_;
  int retries_;
  std::int64_t timeout_ns_;
  std::uint64_t region_bytes_;
  std::set<std::uint64_t> ids_;  // of all that was ever sent
};

/// Each byte of an honest answer.
[[nodiscard]] inline std::byte honest_byte(std::uint64_t tag) { return static_cast<std::byte>((tag * 37 + 5) & 0xFFU); }

}  // namespace pixmill::fuzz

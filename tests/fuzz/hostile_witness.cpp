#include "tests/fuzz/hostile_witness.hpp"

#include "ipc/region.hpp"
#include "tests/fuzz/hostile_machine.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace pixmill::fuzz {
namespace {

namespace back = ipc::to_coordinator;
namespace forth = ipc::to_worker;

constexpr std::uint64_t kTailAt = offsetof(ipc::RingLayout, tail);
constexpr std::uint64_t kHeadAt = offsetof(ipc::RingLayout, head);
constexpr std::uint64_t kSlotsAt = sizeof(ipc::RingLayout);
constexpr std::uint8_t kAllWords = 0xFF;
constexpr std::int64_t kStartLimitNs = 2'000'000'000;

std::uint64_t load(const std::byte* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint64_t pages(std::uint64_t bytes) {
  const std::uint64_t page = ipc::page_bytes();
  return std::max<std::uint64_t>(1, (bytes + page - 1) / page) * page;
}

}  // namespace

void fail(const std::string& what) {
  std::fprintf(stderr, "hostile worker: %s\n", what.c_str());
  std::abort();
}

Witness::Witness(std::uint32_t capacity, int places, int retries, std::int64_t timeout_ns, std::uint64_t region_bytes)
    : lives(static_cast<std::size_t>(places), Life(capacity)),
      inboxes(static_cast<std::size_t>(places)),
      capacity_(capacity),
      retries_(retries),
      timeout_ns_(timeout_ns),
      region_bytes_(region_bytes) {
  for (Life& life : lives) life.over = life.settled = true;
}

Life& Witness::life_of(std::uint64_t ticket) {
  const auto at = std::find_if(lives.begin(), lives.end(), [&](const Life& life) { return life.ticket == ticket; });
  require(at != lives.end(), "a process of no life");
  return *at;
}

// --- Lives -----------------------------------------------------------------------------------------------------------

void Witness::born(int place, Life life) {
  Life& old = lives[static_cast<std::size_t>(place)];
  require(old.over, "a new life before the old one is over");
  deal_out(old);
  require(life.epoch > old.epoch, "an epoch comes twice");
  old = std::move(life);
  inboxes[static_cast<std::size_t>(place)].clear();
}

void Witness::told(std::uint64_t ticket) {
  Life& life = life_of(ticket);
  life.told = true;
  require(advance(life) == Due::nothing, "an answer before any message");
  if (!life.ready) return;
  life.let_in = life.said_pid == ticket && !life.killed && !life.condemned;
  if (life.said_pid != ticket) condemn(life);
}

void Witness::killed(std::uint64_t ticket) {
  Life& life = life_of(ticket);
  require(advance(life) == Due::nothing, "it killed a worker, and did not take its answer");
  require(!life.killed && !life.over, "it killed a worker twice");
  life.killed = true;
  require(!life.honest, "it killed an honest worker");
  if (life.blocked && life.sending) condemn(life);
  if (life.condemned) {
    require(life.lied, "it took a worker for a liar that was none");
    return;
  }
  life.late = true;
  if (!life.ready) {
    require(now_ns() - life.asked_at_ns >= kStartLimitNs, "it killed a worker before the time of its start was over");
    return;
  }
  require(timeout_ns_ > 0 && !life.unanswered.empty() && now_ns() - life.oldest_since_ns >= timeout_ns_,
          "it killed a worker that had done nothing");
  life.suspect = life.unanswered.front().id;
}

void Witness::reaped(std::uint64_t ticket) {
  const auto known = [&](const Life& life) { return life.ticket == ticket; };
  if (std::none_of(lives.begin(), lives.end(), known)) return;  // it took too long to die
  Life& life = life_of(ticket);
  require(advance(life) == Due::nothing, "an answer was passed over");
  life.over = true;
}

void Witness::condemn(Life& life) {
  life.condemned = true;
  life.heard.clear();
}

// Whether the death costs the oldest message an attempt.
bool Witness::to_be_charged(const Life& life) const {
  if (life.unanswered.empty()) return false;
  return life.condemned || !life.late || life.unanswered.front().id == life.suspect;
}

void Witness::deal_out(Life& life) {
  if (!life.settled && to_be_charged(life)) {
    Task& task = tasks.at(life.unanswered.front().tag);
    require(++task.attempts <= retries_, "a message is tried more often than it may be");
  }
  life.settled = true;
  for (const Given& given : life.unanswered) tasks.at(given.tag).place = -1;
  life.unanswered.clear();
  life.memory = nullptr;
}

void Witness::check() {
  for (Life& life : lives) {
    require(!life.condemned || life.lied, "it took a worker for a liar that was none");
    require(!life.answering, "an answer was asked room for, and then forgotten");
    require(advance(life) == Due::nothing, "an answer was passed over");
    if (life.over) {
      deal_out(life);
    } else {
      require(!life.condemned || !life.told || life.killed, "it let a worker live that sent nonsense");
    }
  }
}

// --- Reading ---------------------------------------------------------------------------------------------------------

std::pair<const std::byte*, const std::byte*> Witness::bounds() const {
  std::pair<const std::byte*, const std::byte*> all{nullptr, nullptr};
  for (const Life& life : lives) {
    if (life.memory == nullptr) continue;
    all.first = all.first == nullptr ? life.memory : std::min<const std::byte*>(all.first, life.memory);
    all.second = std::max<const std::byte*>(all.second, life.memory + life.size_bytes);
  }
  return all;
}

int Witness::place_of(const std::byte* at) const {
  for (std::size_t place = 0; place < lives.size(); ++place) {
    const Life& life = lives[place];
    if (life.memory != nullptr && at >= life.memory && at < life.memory + life.size_bytes)
      return static_cast<int>(place);
  }
  return -1;
}

void Witness::reads(int place, std::uint64_t offset, std::size_t size_bytes) {
  Life& life = lives[static_cast<std::size_t>(place)];
  require(size_bytes == 8 && offset % 8 == 0, "it reads something else than whole words");
  const std::uint64_t value = load(life.memory + offset);
  if (offset == life.map.to_worker_offset + kHeadAt) {
    const bool sane = value - life.taken <= life.sent - life.taken;
    if (sane) life.taken = value;
    life.room = sane ? capacity_ - (life.sent - value) : 0;
    life.blocked = life.room == 0;
    life.sending = true;
    return;
  }
  life.sending = false;
  if (offset == life.map.to_coordinator_offset + kTailAt) {
    read_index(life, value);
    return;
  }
  const std::uint64_t slots = life.map.to_coordinator_offset + kSlotsAt;
  require(offset >= slots && offset < slots + capacity_ * sizeof(ipc::RingSlot), "it reads what it must not believe");
  read_word(life, (offset - slots) / sizeof(ipc::RingSlot), (offset - slots) % sizeof(ipc::RingSlot) / 8);
}

void Witness::read_index(Life& life, std::uint64_t value) {
  require(advance(life) == Due::nothing, "an answer was passed over");
  require(life.head == life.tail, "it looks for more before it has taken what there is");
  if (value - life.head > capacity_) {
    condemn(life);
  } else {
    life.tail = value;
  }
}

void Witness::read_word(Life& life, std::uint64_t slot, std::uint64_t word) {
  require(!life.condemned, "it listens to one that it has condemned");
  const std::uint64_t ahead = (slot - life.head) & (capacity_ - 1);
  require(ahead < life.tail - life.head, "it reads a slot that was not committed");
  std::uint8_t& words = life.words_read[slot];
  const auto bit = static_cast<std::uint8_t>(1U << word);
  require((words & bit) == 0, "it reads a word twice");
  if (words == 0) life.heard.emplace_back();
  words = static_cast<std::uint8_t>(words | bit);
  const std::uint64_t value = load(life.memory + life.map.to_coordinator_offset + kSlotsAt + slot * 64 + word * 8);
  std::memcpy(reinterpret_cast<std::byte*>(&life.heard.back()) + word * 8, &value, sizeof value);
}

// It gives slots back.
void Witness::released(Life& life) {
  std::uint64_t count = 0;
  for (std::uint64_t at = life.head; at != life.tail; ++at) {
    std::uint8_t& words = life.words_read[at & (capacity_ - 1)];
    if (words == 0) break;
    require(words == kAllWords, "it gives a slot back before it has read it");
    words = 0;
    ++count;
  }
  require(count > 0, "it gives back a slot that it did not read");
  life.head += count;
  descriptors += count;
}

// --- Judging ---------------------------------------------------------------------------------------------------------

// Goes through what was heard, up to what the user hears of.
Witness::Due Witness::advance(Life& life) {
  while (!life.heard.empty() && !life.condemned) {
    const Due due = judge(life, life.heard.front());
    if (due == Due::answer || due == Due::no_memory) return due;
    if (due == Due::dropped) {
      Task& task = tasks.at(life.unanswered.front().tag);
      if (task.was_dropped) return Due::no_memory;
      task.was_dropped = true;
      settle(life, false);
    }
    if (!life.heard.empty()) life.heard.pop_front();
  }
  return Due::nothing;
}

bool Witness::judge_hello(Life& life, const ipc::Descriptor& message) const {
  if (message.code == back::kUnable) return true;
  if (message.code != back::kReady || message.task != 0) return false;
  life.ready = true;
  life.said_pid = message.user[0];
  life.let_in = life.told && !life.killed && life.said_pid == life.ticket;
  return !life.told || life.killed || life.over || life.said_pid == life.ticket;
}

Witness::Due Witness::judge(Life& life, const ipc::Descriptor& message) {
  const auto nonsense = [&] {
    condemn(life);
    return Due::nothing;
  };
  if (message.epoch != life.epoch) return nonsense();
  if (!life.ready) return judge_hello(life, message) ? Due::nothing : nonsense();
  if (life.unanswered.empty()) return nonsense();
  Given& oldest = life.unanswered.front();
  if (oldest.id != message.task || oldest.untold) return nonsense();
  const std::uint64_t size = message.output_size_bytes;
  switch (message.code) {
    case back::kDone:
      if (oldest.dropped || message.output_offset != oldest.output.offset || size > oldest.output.size_bytes) {
        return nonsense();
      }
      return Due::answer;
    case back::kMoreRoom:
      if (oldest.asked || size <= oldest.output.size_bytes) return nonsense();
      if (!life.running()) return Due::nothing;
      oldest.asked = oldest.untold = true;
      oldest.input = {};
      tasks.at(oldest.tag).known_bytes = size;
      return Due::nothing;
    case back::kDropped:
      return oldest.dropped ? Due::dropped : nonsense();
    case back::kNoMemory:
      return Due::no_memory;
    default:
      return nonsense();
  }
}

// The oldest message is off the worker's books; `over`: and done with.
void Witness::settle(Life& life, bool over) {
  Task& task = tasks.at(life.unanswered.front().tag);
  task.place = -1;
  task.over = over;
  life.unanswered.pop_front();
  life.oldest_since_ns = now_ns();
}

// --- What the user hears ---------------------------------------------------------------------------------------------

Range Witness::lease(std::uint64_t tag) const {
  const Life& life = lives[static_cast<std::size_t>(tasks.at(tag).place)];
  return {life.unanswered.front().output.offset, life.heard.front().output_size_bytes};
}

void Witness::wants_room(std::uint64_t tag, std::uint64_t size_bytes, bool granted) {
  const int place = tasks.at(tag).place;
  require(place >= 0, "an answer to what nobody has");
  Life& life = lives[static_cast<std::size_t>(place)];
  require(advance(life) == Due::answer && life.unanswered.front().tag == tag && !life.answering,
          "an answer that nobody gave");
  require(life.heard.front().output_size_bytes == size_bytes, "an answer of another size than was said");
  life.answering = true;
  life.refused = !granted;
}

void Witness::answered(std::uint64_t tag, std::span<const std::byte> answer, int attempts, bool rejected) {
  Task& task = tasks.at(tag);
  require(task.place >= 0 && !task.over, "a message is answered that nobody has");
  Life& life = lives[static_cast<std::size_t>(task.place)];
  require(life.answering && !life.refused && life.unanswered.front().tag == tag, "an answer that nobody gave");
  require(attempts == task.attempts + 1, "the attempts are counted wrong");
  life.answering = false;
  if (!life.lied) {
    require(answer.size() == task.answer_bytes, "an honest answer is of another size");
    require(answer.empty() || (answer[0] == honest_byte(tag) &&
                               std::memcmp(answer.data(), answer.data() + 1, answer.size() - 1) == 0),
            "an honest answer is spoilt");
  }
  if (rejected) {
    life.lied = true;
    condemn(life);
    return;
  }
  life.heard.pop_front();
  settle(life, true);
}

void Witness::failed(std::uint64_t tag, ipc::Failure failure, int attempts) {
  Task& task = tasks.at(tag);
  require(!task.over, "a message is failed that is over");
  if (task.place < 0) {  // it could not be sent
    require(failure == ipc::Failure::no_memory && attempts == task.attempts + 1, "a message is failed for nothing");
    require(pages(task.input.size()) + pages(task.known_bytes) > region_bytes_, "it had room for this message");
    task.over = true;
    return;
  }
  Life& life = lives[static_cast<std::size_t>(task.place)];
  const Due due = advance(life);
  require(!life.unanswered.empty() && life.unanswered.front().tag == tag, "another than the oldest message is failed");
  if (due != Due::nothing) {
    require(due == Due::no_memory || (life.answering && life.refused), "an answer is taken for a failure");
    require(failure == ipc::Failure::no_memory && attempts == task.attempts + 1, "the failure is another");
    life.answering = false;
    life.heard.pop_front();
    settle(life, true);
    return;
  }
  require(life.over && !life.settled, "a message is failed whose worker lives");
  require(to_be_charged(life), "a message is charged that is not to blame");
  const ipc::Failure due_failure = life.condemned            ? ipc::Failure::protocol
                                   : life.late && life.ready ? ipc::Failure::timed_out
                                                             : ipc::Failure::died;
  require(failure == due_failure, "the failure is another");
  require(++task.attempts == attempts && attempts == retries_ + 1, "the attempts are counted wrong");
  life.settled = true;
  settle(life, true);
}

// --- Sending ---------------------------------------------------------------------------------------------------------

void Witness::writes(int place, std::uint64_t offset, std::size_t size_bytes) {
  Life& life = lives[static_cast<std::size_t>(place)];
  if (size_bytes == 4 && offset == life.map.to_worker_offset + offsetof(ipc::RingLayout, identity.epoch)) {
    // A channel is retired, or, after the end of a life, made anew.
    life.over = true;
    return;
  }
  if (life.over) return;
  require(size_bytes == 8, "it writes something else than whole words");
  const std::uint64_t slots = life.map.to_worker_offset + kSlotsAt;
  if (offset >= slots && offset < slots + capacity_ * sizeof(ipc::RingSlot)) {
    if ((offset - slots) % sizeof(ipc::RingSlot) == 0) ++life.slots_written;
  } else if (offset == life.map.to_worker_offset + kTailAt) {
    committed(place);
  } else {
    require(offset == life.map.to_coordinator_offset + kHeadAt, "it writes where it must not");
    released(life);
  }
}

// The slots are written; the store that sends them comes next.
void Witness::committed(int place) {
  Life& life = lives[static_cast<std::size_t>(place)];
  if (life.sending) life.blocked = life.slots_written == life.room;  // if there is more to send, it has no room
  for (; life.slots_written > 0; --life.slots_written) {
    ipc::Descriptor message;
    const std::byte* slot = life.memory + life.map.to_worker_offset + kSlotsAt + (life.sent & (capacity_ - 1)) * 64;
    std::memcpy(static_cast<void*>(&message), slot, sizeof message);
    ++life.sent;
    sent(place, message);
  }
}

void Witness::sent(int place, const ipc::Descriptor& message) {
  Life& life = lives[static_cast<std::size_t>(place)];
  require(message.epoch == life.epoch, "a message of another epoch");
  require(life.running(), "a message to one that is not running");
  inboxes[static_cast<std::size_t>(place)].push_back(message);
  if (message.code == forth::kRoom) {
    Given& oldest = life.unanswered.front();
    require(oldest.id == message.task && oldest.asked && oldest.untold, "room that nobody asked for");
    oldest.untold = false;
    oldest.dropped = message.output_size_bytes == 0;
    oldest.output = {};
    if (oldest.dropped) return;
    require(message.output_size_bytes >= tasks.at(oldest.tag).known_bytes, "less room than was asked for");
    lent(life, {message.output_offset, message.output_size_bytes});
    oldest.output = {message.output_offset, message.output_size_bytes};
    return;
  }
  require(message.code == forth::kRun && ids_.insert(message.task).second, "a message has the number of another");
  const std::uint64_t tag = message.user[0];
  Task& task = tasks.at(tag);
  require(!task.over && task.place < 0, "a message is with two");
  const auto tried = [&](const Given& given) { return tasks.at(given.tag).attempts > 0; };
  require(life.unanswered.empty() || (task.attempts == 0 && !tried(life.unanswered.front())),
          "what must be tried alone is not alone");
  task.place = place;
  if (life.unanswered.empty()) life.oldest_since_ns = now_ns();
  const Range input{message.input_offset, message.input_size_bytes};
  const Range output{message.output_offset, message.output_size_bytes};
  lent(life, {input.offset, pages(input.size_bytes)});
  life.unanswered.push_back({message.task, tag, {input.offset, pages(input.size_bytes)}, {}, false, false, false});
  lent(life, output);
  life.unanswered.back().output = output;
  require(input.size_bytes == task.input.size(), "the input is of another size");
  require(!quiet || input.size_bytes == 0 ||
              std::memcmp(life.memory + input.offset, task.input.data(), task.input.size()) == 0,
          "the input is another");
}

// In the region, behind the channel, and nobody else's.
void Witness::lent(const Life& life, Range range) const {
  require(range.offset >= life.map.size_bytes && range.offset <= life.size_bytes &&
              range.size_bytes <= life.size_bytes - range.offset,
          "a frame outside of the region");
  const auto apart = [&](const Range& other) {
    return other.size_bytes == 0 || range.offset >= other.offset + other.size_bytes ||
           other.offset >= range.offset + range.size_bytes;
  };
  for (const Given& given : life.unanswered) {
    require(apart(given.input) && apart(given.output), "a frame is lent twice");
  }
}

}  // namespace pixmill::fuzz

#include "ipc/region.hpp"
#include "tests/fuzz/hostile_machine.hpp"
#include "tests/fuzz/hostile_puppet.hpp"
#include "tests/fuzz/hostile_witness.hpp"

#include <pixmill/error.hpp>

#include <sanitizer/asan_interface.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

using namespace pixmill;
using namespace pixmill::fuzz;

/// A worker that is taken over, against a real pool: it writes what and when the input says into its rings, words and
/// frames, also between any two reads of the coordinator, and dies when the input says. Beside it an honest worker
/// (in two of three runs). The Witness says of each thing that the pool does whether it is right.
namespace {

constexpr int kHostile = 0;
constexpr int kActions = 250;
constexpr std::uint64_t kMostReads = 100'000;  // of shared memory in one wait(): an endless loop

std::uint64_t total_descriptors = 0;
std::uint64_t total_runs = 0;
std::uint64_t wanted_descriptors = 0;  // 0: as many as there are

void tell() {
  std::fprintf(stderr, "hostile worker: %llu descriptors read in %llu runs\n",
               static_cast<unsigned long long>(total_descriptors), static_cast<unsigned long long>(total_runs));
  if (wanted_descriptors > 0) std::_Exit(total_descriptors >= wanted_descriptors ? 0 : 1);
}

/// The input, and when it is used up, dice that its first bytes have thrown: few bytes make a long story.
class Script {
 public:
  Script(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {
    for (std::size_t i = 0; i < std::min<std::size_t>(size, 8); ++i) dice_ = (dice_ ^ data[i]) * 0x100000001B3U;
  }
  std::uint8_t byte() {
    if (at_ < size_) return data_[at_++];
    dice_ ^= dice_ << 13U;
    dice_ ^= dice_ >> 7U;
    dice_ ^= dice_ << 17U;
    return static_cast<std::uint8_t>(dice_ >> 24U);
  }
  std::uint64_t below(std::uint64_t bound) { return byte() % bound; }
  std::uint64_t word() {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8U | byte();
    return value;
  }
  bool one_in(int chances) { return byte() % chances == 0; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
  std::uint64_t dice_ = 0xCBF29CE484222325U;
};

/// One run: the pool, its user, and the workers.
class Play final : public Stage, public ipc::Pool::Events {
 public:
  explicit Play(Script script)
      : script_(script),
        places_(script_.one_in(3) ? 1 : 2),
        capacity_(1U << script_.below(5)),
        retries_(static_cast<int>(script_.below(3))),
        timeout_ms_(script_.one_in(2) ? 150 : 0),
        region_bytes_((script_.one_in(2) ? 12U : 40U) * ipc::page_bytes()),
        takes_leases_(script_.one_in(3)),
        witness_(capacity_, places_, retries_, std::int64_t{timeout_ms_} * 1'000'000, region_bytes_) {}

  ~Play() override {
    set_stage(nullptr);
    pool_.reset();
  }

  void run() {
    set_stage(this);
    ipc::PoolOptions options;
    options.workers = places_;
    options.region_bytes = region_bytes_;
    options.timeout = std::chrono::milliseconds(timeout_ms_);
    options.retries = retries_;
    options.ring_capacity = capacity_;
    pool_ = std::make_unique<ipc::Pool>(std::move(options), *this);
    try {
      for (int i = 0; i < kActions; ++i) act();
      end();
    } catch (const Error& error) {
      // Where five starts in a row come to nothing, or five servers, the pool gives up. An honest worker does start.
      if (places_ == 2 || (stillborn_ < 4 && bad_servers_ < 5)) fail(std::string("the pool gave up: ") + error.what());
    }
    total_descriptors += witness_.descriptors;
    ++total_runs;
  }

  // What the machine tells.
  bool asked(const ipc::SpawnRequest& request, std::byte* memory, int region, int bell) override {
    const int place = static_cast<int>(std::find(bells_.begin(), bells_.end(), bell) - bells_.begin());
    if (static_cast<std::size_t>(place) == bells_.size()) bells_.push_back(bell);
    Life life(capacity_);
    life.ticket = request.ticket;
    life.epoch = request.epoch;
    life.memory = memory;
    life.size_bytes = request.region_bytes;
    life.honest = place != kHostile;
    life.asked_at_ns = now_ns();
    if (place == kHostile) {
      const bool lived = witness_.lives[kHostile].let_in && witness_.lives[kHostile].ticket == last_reaped_;
      stillborn_ = lived ? 0 : stillborn_ + 1;
    }
    witness_.born(place, std::move(life));
    const auto [begin, end] = witness_.bounds();
    set_bounds(begin, end);
    puppets_[place].begin(request, region, bell);
    if (place != kHostile || server_delays_ == 0) return true;
    --server_delays_;
    ++bad_servers_;
    unheard_ = request.ticket;
    return false;
  }
  void told(std::uint64_t ticket, pid_t) override {
    witness_.told(ticket);
    // It may have died before anybody knew of it.
    for (Puppet& puppet : puppets_) {
      if (puppet.ticket() == ticket && !puppet.alive()) end_process(static_cast<pid_t>(ticket), true, SIGSEGV);
    }
  }
  void killed(pid_t pid) override {
    witness_.killed(static_cast<std::uint64_t>(pid));
    if (!dies_slowly_) puppets_[kHostile].die(true, SIGKILL);
  }
  void reaped(pid_t pid) override {
    last_reaped_ = static_cast<std::uint64_t>(pid);
    witness_.reaped(last_reaped_);
  }
  void reads(const std::byte* at, std::size_t size_bytes) override {
    const int place = witness_.place_of(at);
    if (place < 0) return;
    require(++reads_ < kMostReads, "it reads without end");
    if (place == kHostile) point();
    witness_.reads(place, static_cast<std::uint64_t>(at - memory_of(place)), size_bytes);
  }
  void writes(const std::byte* at, std::size_t size_bytes) override {
    const int place = witness_.place_of(at);
    if (place >= 0) witness_.writes(place, static_cast<std::uint64_t>(at - memory_of(place)), size_bytes);
  }
  void sleeps() override {
    work_honestly();
    point();
  }

  // What the pool tells.
  std::span<std::byte> room_for(std::uint64_t tag, std::uint64_t size_bytes) override {
    const bool granted = size_bytes == 0 || refusals_ == 0;
    if (!granted) --refusals_;
    witness_.wants_room(tag, size_bytes, granted);
    point();
    if (!granted) return {};
    room_.resize(size_bytes);
    // Between here and answered(), nothing but the answer may be read.
    leased_ = witness_.lease(tag);
    leased_place_ = witness_.tasks.at(tag).place;
    ASAN_POISON_MEMORY_REGION(memory_of(leased_place_), puppets_[leased_place_].size_bytes());
    ASAN_UNPOISON_MEMORY_REGION(memory_of(leased_place_) + leased_.offset, leased_.size_bytes);
    return room_;
  }
  [[nodiscard]] bool takes_leases() const override { return takes_leases_; }
  void lent(std::uint64_t tag, std::span<const std::byte> head, ipc::Lease answer, std::uint64_t size_bytes,
            int attempts) override {
    // Before the worker is let write again: the head was read a moment ago.
    require(head.size() == std::min<std::uint64_t>(size_bytes, kHeadBytes) &&
                (head.empty() || std::memcmp(head.data(), answer.memory().data(), head.size()) == 0),
            "the head of an answer is not what stands in its frame");
    refusals_ = 0;  // nobody is asked for room
    const std::span<std::byte> room = room_for(tag, size_bytes);
    require(answer.memory().size() >= size_bytes, "a lease shorter than its answer");
    if (size_bytes > 0) std::memcpy(room.data(), answer.memory().data(), size_bytes);
    answered(tag, room, attempts);
  }
  void answered(std::uint64_t tag, std::span<const std::byte> answer, int attempts) override {
    require(leased_place_ == witness_.tasks.at(tag).place, "an answer without room for it");
    ASAN_UNPOISON_MEMORY_REGION(memory_of(leased_place_), puppets_[leased_place_].size_bytes());
    require(answer.size() == leased_.size_bytes && answer.data() == room_.data() &&
                (answer.empty() ||
                 std::memcmp(answer.data(), puppets_[leased_place_].at(leased_.offset), answer.size()) == 0),
            "the answer is not what stands in its frame");
    const bool rejected = rejections_ > 0 && leased_place_ == kHostile;
    leased_place_ = -1;
    if (rejected) --rejections_;
    witness_.answered(tag, answer, attempts, rejected);
    if (rejected) pool_->reject();
    point();
  }
  void failed(std::uint64_t tag, ipc::Failure failure, const std::string&, int attempts) override {
    witness_.failed(tag, failure, attempts);
    point();
  }

 private:
  enum class Kind : std::uint8_t { craft, index, scribble, work };
  struct Plan {
    std::uint64_t after = 0;  // so many points
    Kind kind = Kind::craft;
    bool always = false;  // from then on, to the end of the wait
  };

  [[nodiscard]] std::byte* memory_of(int place) const { return witness_.lives[static_cast<std::size_t>(place)].memory; }
  Puppet& hostile() { return puppets_[kHostile]; }
  Life& life() { return witness_.lives[kHostile]; }

  void act() {
    switch (script_.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        wait(script_.one_in(2) ? 0 : 1000);
        return;
      case 4:
      case 5:
        for (std::uint64_t i = script_.below(8); i > 0; --i) submit();
        return;
      case 6:
      case 7:
      case 8:
        for (std::uint64_t i = 1 + script_.below(8); i > 0; --i) work();
        return;
      case 9:
        if (script_.one_in(2)) craft();
        return;
      case 10:
        if (script_.one_in(4)) set_index();
        return;
      case 11:
        if (script_.one_in(4)) scribble();
        return;
      case 12:
      case 13:
        plans_.push_back({script_.below(40), static_cast<Kind>(script_.below(4)), script_.one_in(8)});
        return;
      case 14:
        be_unlucky();
        return;
      default:
        hostile().ring_bell();
        return;
    }
  }

  // What may happen beside the worker's own deeds.
  void be_unlucky() {
    switch (script_.below(12)) {
      case 0:
        hostile().die(true, SIGSEGV);
        return;
      case 1:
        hostile().die(false, static_cast<int>(script_.below(4)));
        return;
      case 2:
        be_away(static_cast<std::int64_t>(script_.below(200)) * 1'000'000);
        return;
      case 3:
        be_away(static_cast<std::int64_t>(script_.below(7)) * 1'000'000'000);
        return;
      case 4:
        server_delays_ = static_cast<int>(script_.below(3));
        return;
      case 5:
        if (unheard_ == life().ticket && !life().over) reply(unheard_, static_cast<pid_t>(unheard_), 0);
        unheard_ = 0;
        return;
      case 6:
        end_server();
        ++bad_servers_;
        return;
      case 7:
        refusals_ = static_cast<int>(script_.below(2));
        return;
      case 8:
        rejections_ = static_cast<int>(script_.below(2));
        return;
      case 9:
        dies_slowly_ = script_.one_in(2);
        return;
      default:
        if (witness_.lives[kHostile].killed) hostile().die(true, SIGKILL);
        return;
    }
  }

  // Time passes in which the pool's user does something else. It counts for a worker that waits for the pool, so the
  // honest one could be late by it.
  void be_away(std::int64_t time_ns) {
    if (places_ == 1 || witness_.lives[1].unanswered.empty()) advance_clock(time_ns);
  }

  void submit() {
    if (witness_.tasks.size() > 4000) return;
    const std::uint64_t tag = next_tag_++;
    Task& task = witness_.tasks[tag];
    task.input.resize(script_.one_in(16) ? script_.below(8) * ipc::page_bytes() : script_.below(64));
    for (std::size_t i = 0; i < std::min<std::size_t>(task.input.size(), 16); ++i)
      task.input[i] = std::byte{script_.byte()};
    task.answer_bytes = script_.one_in(12) ? script_.below(20) * ipc::page_bytes() + 1 : script_.below(48);
    pool_->submit(tag, task.input, {tag, 0});
  }

  void work() {
    // One that has said it was done may do it all the same, into memory that is lent anew by now.
    if (life().lied) witness_.quiet = false;
    hostile().work(witness_.inboxes[kHostile], witness_.tasks);
  }
  void work_honestly() {
    while (places_ == 2 && puppets_[1].work(witness_.inboxes[1], witness_.tasks)) {
    }
  }

  void wait(int limit_ms) {
    work_honestly();
    witness_.quiet = true;
    reads_ = 0;
    advance_clock(1000);
    pool_->wait(std::chrono::milliseconds(limit_ms));
    plans_.clear();
    witness_.check();
  }

  // Where the worker may come in between the coordinator's steps.
  void point() {
    for (std::size_t i = 0; i < plans_.size(); ++i) {
      Plan& plan = plans_[i];
      if (plan.after > 0) {
        --plan.after;
        continue;
      }
      const Kind kind = plan.kind;
      if (!plan.always) plans_.erase(plans_.begin() + static_cast<std::ptrdiff_t>(i));
      switch (kind) {
        case Kind::craft:
          craft();
          break;
        case Kind::index:
          set_index();
          break;
        case Kind::scribble:
          scribble();
          break;
        case Kind::work:
          work();
          break;
      }
      return;
    }
  }

  bool may_lie() {
    if (!hostile().alive() || life().ticket != hostile().ticket()) return false;
    life().lied = true;
    witness_.quiet = false;
    return true;
  }

  // An answer that is as it should be but for what the input says.
  void craft() {
    if (!may_lie()) return;
    ipc::Descriptor message = hostile().blank(life().ready ? ipc::to_coordinator::kDone : ipc::to_coordinator::kReady);
    if (!life().unanswered.empty()) {
      const auto& given = life().unanswered[script_.one_in(4) ? script_.below(life().unanswered.size()) : 0];
      message.task = given.id;
      message.output_offset = given.output.offset;
      message.output_size_bytes = script_.one_in(3) ? 0 : script_.below(64);
    }
    switch (script_.below(12)) {
      case 0:
        message.task += script_.below(5) - 2;
        break;
      case 1:
        message.epoch += static_cast<std::uint32_t>(script_.below(5)) - 2;
        break;
      case 2:
      case 3:
        message.code = static_cast<std::uint32_t>(script_.below(10));
        break;
      case 4:
        message.output_offset += (script_.below(5) - 2) * ipc::page_bytes();
        break;
      case 5:
        message.output_size_bytes = script_.below(20) * ipc::page_bytes() + script_.below(3) - 1;
        break;
      case 6:
        message.output_size_bytes = script_.word();
        break;
      case 7:
        message.user[0] = script_.word();
        break;
      case 8: {
        auto* bytes = reinterpret_cast<std::uint8_t*>(&message);
        for (int i = 0; i < 4; ++i) bytes[script_.below(sizeof message)] = script_.byte();
        break;
      }
      case 9:
        hostile().post(message);  // twice
        break;
      default:
        break;
    }
    hostile().post(message);
  }

  void set_index() {
    if (!may_lie()) return;
    const auto index = static_cast<Puppet::Index>(script_.below(4));
    const std::uint64_t near = hostile().own(index);
    const std::uint64_t values[] = {near + 1, near - 1, near + capacity_, near + capacity_ + 1, 0, ~std::uint64_t{0}};
    const std::uint64_t choice = script_.below(8);
    hostile().set_index(index, choice < std::size(values) ? values[choice] : script_.word());
  }

  void scribble() {
    if (!may_lie()) return;
    const std::uint64_t size = script_.one_in(8) ? hostile().size_bytes() : 1 + script_.below(255);
    const std::uint64_t most = hostile().size_bytes() - size;
    const std::uint64_t offset = script_.one_in(2) ? script_.below(16) * 64 : script_.word();
    hostile().fill(most == 0 ? 0 : offset % most, script_.byte(), size);
  }

  // The worker is itself again, and all that is left is done.
  void end() {
    plans_.clear();
    dies_slowly_ = false;
    server_delays_ = refusals_ = rejections_ = 0;
    hostile().die(true, SIGKILL);
    for (int turn = 0; pool_->unfinished() > 0; ++turn) {
      require(turn < 20'000, "it does not come to an end");
      if (!life().told && !life().over && !hostile().alive()) advance_clock(31'000'000'000);
      while (hostile().work(witness_.inboxes[kHostile], witness_.tasks)) {
      }
      wait(1000);
    }
    for (const auto& [tag, task] : witness_.tasks) require(task.over, "a message is neither answered nor failed");
    const ipc::PoolStatistics statistics = pool_->statistics();
    require(statistics.bytes_in_flight == 0, "a frame is lent for ever");
    require(statistics.answered + statistics.failed == witness_.tasks.size(), "the statistics are wrong");
  }

  Script script_;
  int places_;
  std::uint32_t capacity_;
  int retries_;
  int timeout_ms_;
  std::uint64_t region_bytes_;
  bool takes_leases_;
  Witness witness_;
  std::array<Puppet, 2> puppets_;
  std::vector<int> bells_;
  std::vector<Plan> plans_;
  std::vector<std::byte> room_;
  Range leased_;
  int leased_place_ = -1;
  std::uint64_t next_tag_ = 1;
  std::uint64_t reads_ = 0;
  int server_delays_ = 0;
  std::uint64_t unheard_ = 0;  // the ticket to which no reply was sent yet
  int refusals_ = 0;
  int rejections_ = 0;
  int stillborn_ = 0;    // in a row, but for the last
  int bad_servers_ = 0;  // killed, or slow to reply
  std::uint64_t last_reaped_ = 0;
  bool dies_slowly_ = false;
  std::unique_ptr<ipc::Pool> pool_;
};

}  // namespace

/// PIXMILL_DESCRIPTORS=N: ends with 0 as soon as N were read, and with 1 if it ends before.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  if (const char* wanted = std::getenv("PIXMILL_DESCRIPTORS")) wanted_descriptors = std::strtoull(wanted, nullptr, 10);
  std::atexit(tell);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Play(Script(data, size)).run();
  if (wanted_descriptors > 0 && total_descriptors >= wanted_descriptors) tell();
  return 0;
}

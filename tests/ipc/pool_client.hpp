#pragma once

#include "ipc/fork_server.hpp"
#include "ipc/pool.hpp"
#include "tests/ipc/forked.hpp"
#include "tests/ipc/nasty_worker.hpp"

#include <gtest/gtest.h>

#include <dirent.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace pixmill::ipc {

using std::chrono::milliseconds;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// Descriptors, children and mapped regions of this process: the same before and after, or something leaks.
class Belongings {
 public:
  Belongings() : descriptors_(descriptors()), regions_(regions()) {}

  void expect_unchanged() const {
    EXPECT_EQ(descriptors(), descriptors_);
    EXPECT_EQ(regions(), regions_);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }

  static std::size_t descriptors() {
    DIR* folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) return 0;
    std::size_t count = 0;
    while (::readdir(folder) != nullptr) ++count;
    ::closedir(folder);
    return count;
  }

  static std::size_t regions() {
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) count += line.find("memfd:pixmill") != std::string::npos ? 1 : 0;
    return count;
  }

 private:
  std::size_t descriptors_;
  std::size_t regions_;
};

/// A user of a pool of nasty workers, who keeps books of what he is told.
class Client final : public Pool::Events {
 public:
  struct Record {
    std::vector<std::byte> input;
    std::array<std::uint64_t, 2> user{};
    std::vector<std::byte> answer;
    int answers = 0;
    int failures = 0;
    Failure failure{};
    std::string reason;
    int attempts = 0;

    [[nodiscard]] EchoReport report() const {
      EchoReport report;
      if (answer.size() >= sizeof report) std::memcpy(&report, answer.data(), sizeof report);
      return report;
    }
  };

  static PoolOptions options(int workers, SharedCounts* counts = nullptr) {
    PoolOptions options;
    options.workers = workers;
    options.plan.make = [counts] { return std::make_unique<NastyWorker>(counts); };
    return options;
  }

  explicit Client(PoolOptions options, std::unique_ptr<ForkServer> server = nullptr)
      : pool_(std::make_unique<Pool>(std::move(options), *this, std::move(server))) {}

  Pool& pool() { return *pool_; }
  void close() { pool_.reset(); }

  std::uint64_t submit(Command command, std::uint64_t argument = 0, std::size_t input_bytes = 100) {
    const std::uint64_t tag = next_++;
    Record& record = records_[tag];
    Dice dice(tag);
    record.input.resize(input_bytes);
    for (std::size_t i = 0; i < input_bytes; i += 8) {
      const std::uint64_t random = dice.next();
      std::memcpy(record.input.data() + i, &random, std::min<std::size_t>(8, input_bytes - i));
    }
    record.user = {static_cast<std::uint64_t>(command), argument};
    pool_->submit(tag, record.input, record.user);
    return tag;
  }
  std::vector<std::uint64_t> submit_many(int count, std::size_t input_bytes = 100) {
    std::vector<std::uint64_t> tags;
    for (int i = 0; i < count; ++i) tags.push_back(submit(Command::echo, 0, input_bytes));
    return tags;
  }

  /// Until nothing is unfinished.
  void finish() {
    const HangGuard guard;
    while (pool_->unfinished() > 0) pool_->wait(milliseconds(1000));
  }
  template <typename Condition>
  void wait_until(Condition&& condition) {
    const HangGuard guard;
    while (!condition()) pool_->wait(milliseconds(20));
  }
  /// So many workers answer, and messages are known to be quick, so that many are sent ahead.
  void settle(std::size_t workers) {
    std::set<std::uint64_t> answered_by;
    while (answered_by.size() != workers) {
      const std::vector<std::uint64_t> tags = submit_many(static_cast<int>(workers) * 20);
      finish();
      answered_by.clear();
      for (const std::uint64_t tag : tags) answered_by.insert(records_.at(tag).report().pid);
    }
  }

  /// Until none is left, also of those that are still being started.
  void kill_workers(int signal = SIGKILL) {
    wait_until([&] {
      const std::vector<int> pids = pool_->processes().workers;
      for (const int pid : pids) ::kill(pid, signal);
      return pids.empty();
    });
  }

  /// Likewise, with an input that lies in memory of a worker.
  std::uint64_t submit_lent(std::size_t input_bytes) {
    const Lease& lease = leases_.emplace_back(pool_->lend(input_bytes));
    const std::uint64_t tag = next_++;
    Record& record = records_[tag];
    record.user = {static_cast<std::uint64_t>(Command::echo), 0};
    record.input.assign(input_bytes, static_cast<std::byte>(tag));
    std::copy(record.input.begin(), record.input.end(), lease.memory().begin());
    pool_->submit(tag, lease.memory().first(input_bytes), record.user, {&lease, 0});
    return tag;
  }

  const Record& operator[](std::uint64_t tag) const { return records_.at(tag); }

  void expect_answered(std::uint64_t tag, int attempts = 1) const {
    const Record& record = records_.at(tag);
    EXPECT_EQ(record.answers, 1) << "message " << tag << ": " << record.reason;
    EXPECT_EQ(record.failures, 0) << "message " << tag;
    EXPECT_EQ(record.attempts, attempts) << "message " << tag;
    EXPECT_TRUE(is_right(record)) << "message " << tag;
  }
  void expect_failed(std::uint64_t tag, Failure failure, const std::string& reason, int attempts) const {
    const Record& record = records_.at(tag);
    EXPECT_EQ(record.answers, 0) << "message " << tag;
    EXPECT_EQ(record.failures, 1) << "message " << tag;
    EXPECT_EQ(record.failure, failure) << "message " << tag << ": " << record.reason;
    EXPECT_NE(record.reason.find(reason), std::string::npos) << record.reason;
    EXPECT_EQ(record.attempts, attempts) << "message " << tag;
  }
  /// Every message got one answer or one failure, and no more.
  void expect_all_once() const {
    for (const auto& [tag, record] : records_) EXPECT_EQ(record.answers + record.failures, 1) << "message " << tag;
  }

  [[nodiscard]] static bool is_right(const Record& record) {
    const bool sized = record.user[0] == static_cast<std::uint64_t>(Command::echo_sized);
    const std::size_t size = sized ? record.user[1] : sizeof(EchoReport) + record.input.size();
    if (record.answer.size() != size) return false;
    for (std::size_t i = sizeof(EchoReport); i < size; ++i) {
      const std::size_t index = i - sizeof(EchoReport);
      const std::byte input = index < record.input.size() ? record.input[index] : std::byte{0};
      if (record.answer[i] != echoed(input, index)) return false;
    }
    return true;
  }

  // What the pool tells.
  std::span<std::byte> room_for(std::uint64_t tag, std::uint64_t size_bytes) override {
    if (without_room.contains(tag)) return {};
    room_.resize(size_bytes);
    return room_;
  }
  void answered(std::uint64_t tag, std::span<const std::byte> answer, int attempts) override {
    const auto rejected = rejections.find(tag);
    if (rejected != rejections.end() && rejected->second-- > 0) {
      pool_->reject();
      return;
    }
    Record& record = records_.at(tag);
    ++record.answers;
    record.answer.assign(answer.begin(), answer.end());
    record.attempts = attempts;
    order.push_back(tag);
  }
  [[nodiscard]] bool takes_leases() const override { return keeps_answers; }
  void lent(std::uint64_t tag, std::span<const std::byte> head, Lease answer, std::uint64_t size_bytes,
            int attempts) override {
    const std::span<const std::byte> whole = answer.memory().first(size_bytes);
    EXPECT_EQ(head.size(), std::min<std::uint64_t>(size_bytes, kHeadBytes));
    EXPECT_TRUE(std::equal(head.begin(), head.end(), whole.begin()));
    answered(tag, whole, attempts);
    kept.emplace_back(tag, std::move(answer));
  }
  void failed(std::uint64_t tag, Failure failure, const std::string& reason, int attempts) override {
    Record& record = records_.at(tag);
    ++record.failures;
    record.failure = failure;
    record.reason = reason;
    record.attempts = attempts;
    order.push_back(tag);
    if (resubmit_failed > 0) {
      --resubmit_failed;
      submit(Command::echo);
    }
  }

  void lost(std::uint64_t tag, int worker, std::chrono::steady_clock::time_point since, Failure failure,
            const std::string& /*reason*/) override {
    losses.push_back({tag, worker, since, failure});
  }

  struct Loss {
    std::uint64_t tag = 0;
    int worker = 0;
    std::chrono::steady_clock::time_point since;
    Failure failure = Failure::died;
  };
  std::vector<Loss> losses;  ///< Attempts that came to nothing.
  std::set<std::uint64_t> without_room;
  std::map<std::uint64_t, int> rejections;  ///< How often an answer is said to make no sense.
  std::vector<std::uint64_t> order;         ///< In which messages were answered or failed.
  int resubmit_failed = 0;                  ///< So many new messages from within failed().
  bool keeps_answers = false;               ///< Takes answers as they lie, and keeps them.
  std::vector<std::pair<std::uint64_t, Lease>> kept;

 private:
  std::map<std::uint64_t, Record> records_;
  std::vector<std::byte> room_;
  std::deque<Lease> leases_;
  std::uint64_t next_ = 0;
  std::unique_ptr<Pool> pool_;
};

}  // namespace pixmill::ipc

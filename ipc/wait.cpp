#include "ipc/wait.hpp"

#include <pixmill/error.hpp>

#include <linux/futex.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <string>
#include <system_error>

namespace pixmill::ipc {
namespace {

using Word = std::atomic_ref<std::uint32_t>;
static_assert(Word::is_always_lock_free);

[[noreturn]] void fail(const char* call, int error) {
  throw Error(ErrorCode::machine, std::string(call) + ": " + std::generic_category().message(error));
}

timespec monotonic(WaitLimits::Clock::time_point point) {
  using std::chrono::nanoseconds;
  const auto since = std::chrono::duration_cast<nanoseconds>(point.time_since_epoch()).count();
  constexpr std::int64_t kSecond = 1'000'000'000;
  timespec time{};
  time.tv_sec = static_cast<time_t>(since / kSecond);
  time.tv_nsec = static_cast<long>(since % kSecond);
  return time;
}

}  // namespace

void announce_sleep(SleepWord& word) { Word(word.asleep).exchange(1, std::memory_order_acq_rel); }

// An exchange and not a store: a store would break the release sequence that the argument above stands on.
void end_sleep(SleepWord& word) { Word(word.asleep).exchange(0, std::memory_order_acq_rel); }

bool take_announcement(SleepWord& word) { return Word(word.asleep).exchange(0, std::memory_order_acq_rel) != 0; }

void wake_sleeper(SleepWord& word) {
  if (!take_announcement(word)) return;
  // It cannot fail for a word that is mapped and aligned.
  ::syscall(SYS_futex, &word.asleep, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

void sleep_on(SleepWord& word, WaitLimits::Clock::time_point until) {
  // WAIT_BITSET rather than WAIT: it takes a point in time, so that signals cannot make the wait longer. The clock of
  // libstdc++'s steady_clock is the futex's, CLOCK_MONOTONIC.
  const timespec end = monotonic(until);
  ::syscall(SYS_futex, &word.asleep, FUTEX_WAIT_BITSET, 1, &end, nullptr, FUTEX_BITSET_MATCH_ANY);
  // Woken, EAGAIN (no longer 1), ETIMEDOUT, EINTR: the caller looks again whatever it was.
}

EventBell::EventBell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!fd_) fail("eventfd", errno);
}

void EventBell::ring_if_asleep(SleepWord& word) const {
  if (!take_announcement(word)) return;
  constexpr std::uint64_t kOne = 1;
  while (::write(fd_.get(), &kOne, sizeof kOne) < 0) {
    if (errno == EAGAIN) return;
    if (errno != EINTR) fail("write(eventfd)", errno);
  }
}

bool EventBell::silence() const {
  std::uint64_t rings = 0;
  while (::read(fd_.get(), &rings, sizeof rings) < 0) {
    if (errno == EAGAIN) return false;
    if (errno != EINTR) fail("read(eventfd)", errno);
  }
  return true;
}

void EventBell::clear() const {
  pollfd rung{fd_.get(), POLLIN, 0};
  if (::poll(&rung, 1, 0) > 0) static_cast<void>(silence());
}

bool ParentGone::operator()() const { return ::getppid() != parent; }

}  // namespace pixmill::ipc

#pragma once

#include "ipc/unique_fd.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <type_traits>

/// Waiting for another process without a lock, without a lost wake-up, and without a system call while both are busy.
///
/// The one who waits (for a message, for room, for anything that the other brings about in shared memory: call it the
/// event) and the one who wakes share a SleepWord. Both touch it by atomic read-modify-write operations alone:
///
///     who waits                                    who wakes
///     A  exchange(asleep := 1)   announce          B  make the event visible (the ring's commit)
///     R  look for the event      recheck           X  exchange(asleep := 0)
///     S  sleep while asleep = 1                    W  if it was 1: ring the bell
///     E  exchange(asleep := 0)   awake
///
/// **No wake-up is lost.** Take an event B whose waker has done X, and the last A before the waiter sleeps. All writes
/// to the word are in one order.
/// - X before A: every write between them is a read-modify-write, so A reads from the release sequence that X heads,
///   and synchronises with it. B came before X, R comes after A: R finds the event, and there is no sleep.
/// - A before X: either X reads 1 and W rings; or a write between them made it 0: the waiter's own E, and then it is
///   awake and comes to R again before it sleeps; or the waker's X of an earlier event, and then W rang for that.
/// The bell itself does not get lost either. A futex is looked at by the kernel under the lock that FUTEX_WAKE takes: a
/// waiter who comes after X finds 0 and does not sleep, one who came before is in the queue when W comes. An eventfd
/// keeps its count until it is read, and the waiter reads it before its next A, never between A and S. A waiter that
/// does not trust the waker hears the bell by its edges in epoll, and never reads it, since a waker could make that
/// block; an edge is kept until epoll_wait gives it.
/// A ring too many is possible, and harmless: who wakes always looks again.
///
/// This needs no sequentially consistent fence, which ThreadSanitizer does not understand, and costs the waker the
/// same: one locked instruction a commit, on a line that the waiter touches only when it goes to sleep and when it
/// wakes.
///
/// **Deaths.** A waker that dies between B and W leaves its waiter asleep. So each side has a second thing that wakes
/// it: the coordinator's epoll watches the worker's pidfd and then drains the ring; a worker dies with its coordinator,
/// and beside that asks now and then whether it is orphaned (`abandoned` below). A waiter that dies asleep leaves a 1,
/// which costs its waker one futile system call.
/// A hostile worker that writes to the word can make its own messages be found late, and calls be made in vain.
namespace pixmill::ipc {

/// The word in shared memory by which one side tells that it sleeps; one for each waiter, alone on its cache lines.
/// All zero is its first state. Made by the coordinator before the worker is let in.
struct alignas(128) SleepWord {
  std::uint32_t asleep = 0;
};
static_assert(std::is_trivially_copyable_v<SleepWord> && std::is_standard_layout_v<SleepWord>);
static_assert(sizeof(SleepWord) == 128);

/// Steps A and E. For the waiter; a recheck must stand between announce_sleep() and any sleep.
void announce_sleep(SleepWord& word);
void end_sleep(SleepWord& word);
/// Step X. For the waker, after its event is visible; true: the waiter announced that it sleeps, and must be rung for.
[[nodiscard]] bool take_announcement(SleepWord& word);

/// Steps X and W towards a waiter that sleeps on the word itself (a worker): FUTEX_WAKE, if it announced its sleep. For
/// one waker. Any process that maps the word may be waiting, so the futex is not PRIVATE.
void wake_sleeper(SleepWord& word);

/// A bell that an epoll hears: a non-blocking eventfd. The coordinator makes it, the worker inherits or is sent it.
class EventBell {
 public:
  /// Throws pixmill::Error (machine) when there is no descriptor left.
  EventBell();
  /// Takes over an eventfd that was made by another process.
  explicit EventBell(UniqueFd fd) : fd_(static_cast<UniqueFd&&>(fd)) {}

  /// To be watched by epoll for reading; edge-triggered if it is never silenced.
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Steps X and W, for the waker. At most one system call; never blocks: a counter at its top takes no more, and is
  /// readable as it is, but there is no further edge either: see clear(). Throws pixmill::Error (machine) when the
  /// descriptor is no eventfd.
  void ring_if_asleep(SleepWord& word) const;
  /// Silences it, for the waiter, once awake. Never blocks. True if it had been rung.
  bool silence() const;
  /// Makes room in the counter, where whoever rang it is dead: it may have filled it, and made the descriptor one that
  /// blocks. Never blocks.
  void clear() const;

 private:
  UniqueFd fd_;
};

enum class WaitResult : std::uint8_t {
  ready,      ///< The event is there.
  timed_out,  ///< The deadline passed, and it was not.
  abandoned,  ///< The hook says that nobody is left to bring it about.
};

struct WaitLimits {
  using Clock = std::chrono::steady_clock;

  /// How long to look again and again before sleeping. Only for a caller who knows that a core would idle otherwise:
  /// on a busy machine it takes from the peer the time that the peer needs.
  std::chrono::nanoseconds spin{0};
  /// When to give up; the default is never.
  Clock::time_point deadline = Clock::time_point::max();
  /// How often a sleeper asks whether it is abandoned.
  std::chrono::milliseconds ask_every{1000};
};

/// An `abandoned` hook for a worker: true once its parent is another than the one that it was started by. Ask for the
/// parent's id before the fork and hand it on: a child that asks for itself may be too late.
struct ParentGone {
  pid_t parent;
  [[nodiscard]] bool operator()() const;
};

/// One turn of a spin: tells the processor that we wait, for the good of the sibling thread.
inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

/// Spins until `ready()` or for `budget`; true if ready. Looks at least once.
template <typename Ready>
bool spin_until(std::chrono::nanoseconds budget, Ready&& ready) {
  constexpr int kLooksPerClock = 64;
  if (ready()) return true;
  if (budget.count() <= 0) return false;
  // The clock costs as much as many looks, and is not asked before the first turns are over.
  WaitLimits::Clock::time_point end{};
  for (;;) {
    for (int i = 0; i < kLooksPerClock; ++i) {
      relax();
      if (ready()) return true;
    }
    const auto now = WaitLimits::Clock::now();
    if (end == WaitLimits::Clock::time_point{}) end = now + budget;
    if (now >= end) return false;
  }
}

/// Step S: sleeps while the word says so, until rung for, `until`, or a signal. May return for no reason.
void sleep_on(SleepWord& word, WaitLimits::Clock::time_point until);

/// Waits until `ready()` by spinning, then by sleeping on `word`, which the other side wakes by wake_sleeper(). Signals
/// do not end the wait. One waiter a word. `ready` and `abandoned` are cheap, and are called any number of times.
template <typename Ready, typename Abandoned>
WaitResult wait_until(SleepWord& word, const WaitLimits& limits, Ready&& ready, Abandoned&& abandoned) {
  if (spin_until(limits.spin, ready)) return WaitResult::ready;
  for (;;) {
    announce_sleep(word);
    if (!ready()) {
      const auto now = WaitLimits::Clock::now();
      const auto ask = now + limits.ask_every;
      if (now < limits.deadline) sleep_on(word, ask < limits.deadline ? ask : limits.deadline);
    }
    end_sleep(word);
    if (ready()) return WaitResult::ready;
    if (abandoned()) return WaitResult::abandoned;
    if (WaitLimits::Clock::now() >= limits.deadline) return WaitResult::timed_out;
  }
}

}  // namespace pixmill::ipc

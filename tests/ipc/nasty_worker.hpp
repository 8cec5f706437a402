#pragma once

#include "ipc/worker.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace pixmill::ipc {

/// What a NastyWorker does with a message: user[0]. The argument is user[1].
enum class Command : std::uint64_t {
  echo,             ///< Answers with report and transformed input.
  echo_sized,       ///< Likewise, but with as many bytes as the argument says (0: none at all).
  echo_late,        ///< Likewise, after so many milliseconds.
  echo_when_told,   ///< Likewise, once SharedCounts::told is not 0.
  raise,            ///< Signal to itself.
  raise_sometimes,  ///< So often as the argument says, then echoes; counted over all processes.
  raise_if_used,    ///< SIGSEGV if this process had a message before, else echoes.
  hang,
  leave,  ///< _exit with the argument.
  throw_error,
  allocate,  ///< Memory without end.
  scribble,  ///< Fills its whole region with the byte of the argument, then echoes.
  scribble_and_hang,
};

/// What all processes of a test see.
struct SharedCounts {
  std::atomic<std::uint64_t> runs{0};  ///< Messages begun, by any process.
  std::atomic<std::uint64_t> raised{0};
  std::atomic<std::uint64_t> made{0};
  std::atomic<std::uint64_t> rests{0};
  std::atomic<std::uint64_t> told{0};  ///< By the test.
};

/// Memory that survives the death of any process that uses it.
class SharedMemory {
 public:
  SharedMemory()
      : at_(::mmap(nullptr, sizeof(SharedCounts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (at_ == MAP_FAILED) throw std::bad_alloc();
    counts_ = ::new (at_) SharedCounts();
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { ::munmap(at_, sizeof(SharedCounts)); }
  [[nodiscard]] SharedCounts& operator*() const { return *counts_; }
  SharedCounts* operator->() const { return counts_; }
  [[nodiscard]] SharedCounts* get() const { return counts_; }

 private:
  void* at_;
  SharedCounts* counts_;
};

/// The first bytes of an echo.
struct EchoReport {
  std::uint64_t messages_before = 0;  ///< That the process had.
  std::uint64_t pid = 0;
};

/// What comes after the report.
inline std::byte echoed(std::byte input, std::size_t index) {
  return input ^ static_cast<std::byte>((index * 31 + 7) & 0xFFU);
}

class NastyWorker final : public Worker {
 public:
  explicit NastyWorker(SharedCounts* counts) : counts_(counts) {
    if (counts_ != nullptr) ++counts_->made;
  }

  const Answer& run(std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user) override {
    if (counts_ != nullptr) ++counts_->runs;
    const std::uint64_t argument = user[1];
    const auto command = static_cast<Command>(user[0]);
    std::size_t size = sizeof(EchoReport) + input.size();
    if (command == Command::echo_sized) size = argument;
    misbehave(command, argument);
    echo(input, size);
    ++messages_;
    return answer_;
  }

  void rest() override {
    if (counts_ != nullptr) ++counts_->rests;
  }

 private:
  void misbehave(Command command, std::uint64_t argument) {
    switch (command) {
      case Command::echo:
      case Command::echo_sized:
        return;
      case Command::echo_late:
        std::this_thread::sleep_for(std::chrono::milliseconds(argument));
        return;
      case Command::echo_when_told:
        while (counts_->told == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return;
      case Command::raise:
        ::kill(::getpid(), static_cast<int>(argument));
        if (argument == SIGSTOP) return;
        for (;;) ::pause();
      case Command::raise_sometimes:
        if (counts_->raised.fetch_add(1) < argument) ::kill(::getpid(), SIGSEGV);
        return;
      case Command::raise_if_used:
        if (messages_ > 0) ::kill(::getpid(), SIGSEGV);
        return;
      case Command::hang:
        for (;;) ::pause();
      case Command::leave:
        ::_exit(static_cast<int>(argument));
      case Command::throw_error:
        throw std::runtime_error("nasty");
      case Command::allocate:
        allocate();
        return;
      case Command::scribble:
      case Command::scribble_and_hang:
        scribble(static_cast<int>(argument));
        while (command == Command::scribble_and_hang) ::pause();
        return;
    }
  }

  static void allocate() {
    std::vector<std::unique_ptr<char[]>> all;
    for (;;) {
      all.push_back(std::make_unique<char[]>(std::size_t{1} << 20));
      std::memset(all.back().get(), 1, std::size_t{1} << 20);
    }
  }

  // Over rings, sleep words, its own and everybody else's frames: all that it can reach.
  static void scribble(int byte) {
    std::FILE* maps = std::fopen("/proc/self/maps", "re");
    if (maps == nullptr) return;
    char line[512];
    while (std::fgets(line, sizeof line, maps) != nullptr) {
      if (std::strstr(line, "memfd:pixmill-region") == nullptr) continue;
      unsigned long begin = 0;
      unsigned long end = 0;
      if (std::sscanf(line, "%lx-%lx", &begin, &end) != 2) continue;
      std::memset(reinterpret_cast<void*>(begin), byte, end - begin);
    }
    std::fclose(maps);
  }

  void echo(std::span<const std::byte> input, std::size_t size) {
    const EchoReport report{messages_, static_cast<std::uint64_t>(::getpid())};
    out_.assign(size, std::byte{0});
    if (size > 0) std::memcpy(out_.data(), &report, std::min(size, sizeof report));
    for (std::size_t i = sizeof report; i < size; ++i) {
      const std::size_t index = i - sizeof report;
      out_[i] = echoed(index < input.size() ? input[index] : std::byte{0}, index);
    }
    // In two pieces, as answers may be.
    const std::size_t half = out_.size() / 2;
    answer_.parts = {std::span(out_).first(half), std::span(out_).subspan(half)};
  }

  SharedCounts* counts_;
  std::uint64_t messages_ = 0;
  std::vector<std::byte> out_;
  Answer answer_;
};

}  // namespace pixmill::ipc

#include "bench/child_run.hpp"

#include "bench/machine_facts.hpp"
#include "bench/process_memory.hpp"
#include "tests/support/sample_files.hpp"
#include "tests/support/scratch_folder.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace pixmill::bench {
namespace {

TEST(ChildRun, FiguresComeBack) {
  const pid_t here = ::getpid();
  const auto run = run_in_child(
      [here] {
        RunFigures figures;
        measure(figures, [] {});
        figures.images = ::getpid() == here ? 0 : 7;
        figures.output_hash = 0x123456789abcdef0;
        return figures;
      },
      false, {});
  ASSERT_TRUE(run);
  EXPECT_EQ(run->figures.images, 7U) << "it ran in this process";
  EXPECT_EQ(run->figures.output_hash, 0x123456789abcdef0U);
  EXPECT_GE(run->figures.seconds, 0);
}

TEST(ChildRun, CpuTimeIsThatOfTheWork) {
  const auto run = run_in_child(
      [] {
        RunFigures figures;
        measure(figures, [] {
          Random random(1);
          std::uint64_t sum = 0;
          for (int i = 0; i < 20'000'000; ++i) sum ^= random.next();
          if (sum == 1) throw std::runtime_error("");
        });
        return figures;
      },
      false, {});
  ASSERT_TRUE(run);
  EXPECT_GT(run->figures.cpu_seconds, 0.001);
  EXPECT_LE(run->figures.cpu_seconds, run->figures.seconds + 0.05);
}

ErrorCode code_of(const std::function<RunFigures()>& body, std::string& message) {
  try {
    (void)run_in_child(body, false, {});
  } catch (const Error& error) {
    message = error.what();
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::usage;
}

TEST(ChildRun, WhatIsThrownThereIsThrownHere) {
  std::string message;
  EXPECT_EQ(code_of([]() -> RunFigures { throw Error(ErrorCode::usage, "no such file"); }, message), ErrorCode::usage);
  EXPECT_EQ(message, "no such file");
  EXPECT_EQ(code_of([]() -> RunFigures { throw std::runtime_error("odd"); }, message), ErrorCode::machine);
  EXPECT_EQ(message, "odd");
  EXPECT_EQ(code_of([]() -> RunFigures { throw Error(ErrorCode::machine, std::string(5000, 'x')); }, message),
            ErrorCode::machine);
  EXPECT_EQ(message, std::string(1023, 'x'));
}

TEST(ChildRun, ADeathIsNamed) {
  std::string message;
  const auto dies = []() -> RunFigures {
    ::raise(SIGKILL);
    return {};
  };
  EXPECT_EQ(code_of(dies, message), ErrorCode::machine);
  EXPECT_NE(message.find("SIGKILL"), std::string::npos) << message;
}

TEST(ChildRun, AStopEndsIt) {
  std::stop_source stop;
  stop.request_stop();
  const auto run = run_in_child(
      []() -> RunFigures {
        for (;;) ::pause();
      },
      false, stop.get_token());
  EXPECT_FALSE(run);
}

TEST(ProcessMemory, APeakIsSeenAfterItIsOver) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  const auto run = run_in_child(
      [] {
        void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        std::memset(memory, 1, kBytes);
        ::munmap(memory, kBytes);
        TreeMemory look(::getpid());
        look.look();
        RunFigures figures;
        figures.bytes = look.peak().rss_kb;
        return figures;
      },
      false, {});
  ASSERT_TRUE(run);
  EXPECT_GE(run->figures.bytes, kBytes / 1024);
}

TEST(ProcessMemory, KilobytesAreReadFromWhatTheKernelWrites) {
  const std::string text = "VmPeak:\t  999 kB\nVmHWM:\t   1234 kB\nVmRSS:\t 1000 kB\n";
  EXPECT_EQ(kilobytes_of(text, "VmHWM:"), 1234U);
  EXPECT_EQ(kilobytes_of(text, "HWM:"), std::nullopt) << "the middle of a word";
  EXPECT_EQ(kilobytes_of(text, "Pss:"), std::nullopt);
  EXPECT_EQ(kilobytes_of("Pss:\n12 kB", "Pss:"), std::nullopt);
  EXPECT_EQ(kilobytes_of("", "Pss:"), std::nullopt);
}

TEST(ProcessMemory, TheTreeHoldsChildrenAndTheirChildren) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const pid_t grandchild = ::fork();
    if (grandchild > 0 && ::write(ready[1], &grandchild, sizeof grandchild) != sizeof grandchild) ::_exit(1);
    for (;;) ::pause();
  }
  pid_t grandchild = 0;
  ASSERT_EQ(::read(ready[0], &grandchild, sizeof grandchild), static_cast<ssize_t>(sizeof grandchild));
  const auto tree = process_tree(::getpid());
  EXPECT_EQ(tree.front(), ::getpid());
  EXPECT_EQ(std::count(tree.begin(), tree.end(), child), 1);
  EXPECT_EQ(std::count(tree.begin(), tree.end(), grandchild), 1);
  ::kill(grandchild, SIGKILL);
  ::kill(child, SIGKILL);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(MachineFacts, CpusThatShareACoreAreTold) {
  const pixmill::tests::ScratchFolder folder;
  const auto tell = [&](int cpu, const char* siblings) {
    const std::string topology = folder / ("cpu" + std::to_string(cpu) + "/topology");
    std::filesystem::create_directories(topology);
    pixmill::tests::write_file(topology + "/core_cpus_list", siblings);
  };
  tell(0, "0,2\n");
  tell(1, "1,3\n");
  tell(2, "0,2\n");
  EXPECT_EQ(cores_of(folder.path(), {0, 1, 2}), 2);
  EXPECT_EQ(cores_of(folder.path(), {0, 2}), 1);
  EXPECT_EQ(cores_of(folder.path(), {0, 3}), 0) << "of one it is not told";
}

TEST(MachineFacts, WhatGovernsTheClockIsTold) {
  const pixmill::tests::ScratchFolder folder;
  EXPECT_EQ(clock_of(folder.path()), "");
  std::filesystem::create_directories(folder / "cpu0/cpufreq");
  pixmill::tests::write_file(folder / "cpu0/cpufreq/scaling_governor", "powersave\n");
  EXPECT_EQ(clock_of(folder.path()), "governor powersave");
  std::filesystem::create_directories(folder / "intel_pstate");
  pixmill::tests::write_file(folder / "intel_pstate/no_turbo", "0\n");
  EXPECT_EQ(clock_of(folder.path()), "governor powersave, turbo on");
  pixmill::tests::write_file(folder / "intel_pstate/no_turbo", "1\n");
  EXPECT_EQ(clock_of(folder.path()), "governor powersave, turbo off");
}

TEST(MachineFacts, TicksAreReadFromTheFirstLine) {
  const CpuTicks ticks = parse_cpu_ticks("cpu  100 10 50 800 20 5 5 10 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n");
  EXPECT_EQ(ticks.all, 1000U);
  EXPECT_EQ(ticks.stolen, 10U);
  EXPECT_EQ(ticks.busy, 170U);
  EXPECT_EQ(parse_cpu_ticks("").all, 0U);
}

}  // namespace
}  // namespace pixmill::bench

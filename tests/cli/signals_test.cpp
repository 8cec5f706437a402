#include "cli/signals.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <stop_token>

#include <sys/wait.h>
#include <unistd.h>

namespace pixmill::cli {
namespace {

/// The exit code of a child that does `act`; what a signal would do to the test itself is none of its business.
template <typename Act>
int exit_code_of(Act act) {
  const pid_t child = fork();
  if (child == 0) _exit(act());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(SignalWatch, TheFirstSignalRequestsTheStop) {
  const int code = exit_code_of([] {
    std::stop_source stop;
    std::promise<int> first;
    const SignalWatch watch(stop, [&first](int signal) { first.set_value(signal); });
    if (watch.received() != 0 || stop.stop_requested()) return 1;
    kill(getpid(), SIGTERM);
    const int signal = first.get_future().get();
    return signal == SIGTERM && watch.received() == SIGTERM && stop.stop_requested() ? 42 : 2;
  });
  EXPECT_EQ(code, 42);
}

TEST(SignalWatch, TheSecondSignalLeavesAtOnce) {
  const int code = exit_code_of([] {
    std::promise<void> first;
    const SignalWatch watch(std::stop_source(), [&first](int) { first.set_value(); });
    kill(getpid(), SIGINT);
    first.get_future().wait();
    kill(getpid(), SIGINT);
    for (;;) pause();
    return 1;
  });
  EXPECT_EQ(code, 130);
}

TEST(SignalWatch, AHangupThatWasIgnoredStaysSo) {
  const int code = exit_code_of([] {
    std::signal(SIGHUP, SIG_IGN);
    std::promise<int> first;
    const SignalWatch watch(std::stop_source(), [&first](int signal) { first.set_value(signal); });
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGTERM);
    return first.get_future().get();
  });
  EXPECT_EQ(code, SIGTERM);
}

TEST(SignalWatch, EndsWithoutASignal) {
  const int code = exit_code_of([] {
    const SignalWatch watch(std::stop_source(), [](int) {});
    return watch.received();
  });
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace pixmill::cli

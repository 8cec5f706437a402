#include "ipc/child_process.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace pixmill::ipc {
namespace {

ChildProcess sleeping_child() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  return ChildProcess::adopt(pid);
}

TEST(ChildProcess, TellsHowItEnded) {
  ChildProcess child = sleeping_child();
  EXPECT_FALSE(child.dead());
  EXPECT_FALSE(child.ending());
  EXPECT_FALSE(child.try_reap());
  child.signal(SIGTERM);
  EXPECT_EQ(child.reap(60'000), (ProcessEnd{true, SIGTERM}));
  EXPECT_FALSE(child);
}

// Between the signal and the death it is ending, and when it is dead it still is.
TEST(ChildProcess, IsEndingUntilItIsReaped) {
  for (int i = 0; i < 50; ++i) {
    ChildProcess child = sleeping_child();
    child.kill();
    bool ending = false;
    while (!child.dead()) {
      const bool now = child.ending();
      EXPECT_TRUE(now || !ending);
      ending = now;
    }
    EXPECT_TRUE(child.ending());
  }
}

}  // namespace
}  // namespace pixmill::ipc

#include "ipc/start_failures.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace pixmill::ipc {
namespace {

TEST(StartFailures, FiveOfItsOwnAreEnough) {
  StartFailures failures;
  for (int i = 0; i < 4; ++i) failures.add(false);
  EXPECT_FALSE(failures.hopeless());
  failures.add(false);
  EXPECT_TRUE(failures.hopeless());
  failures.forget();
  EXPECT_FALSE(failures.hopeless());
}

TEST(StartFailures, ToBeKilledSaysLittle) {
  StartFailures failures;
  for (int i = 0; i < 45; ++i) failures.add(true);
  for (int i = 0; i < 4; ++i) failures.add(false);
  EXPECT_FALSE(failures.hopeless());
  failures.add(true);
  EXPECT_TRUE(failures.hopeless());
}

TEST(StartFailures, WaitLongerEachTime) {
  StartFailures failures;
  std::vector<long> waits{failures.back_off().count()};
  for (int i = 0; i < 6; ++i) {
    failures.add(i % 2 == 0);
    waits.push_back(failures.back_off().count());
  }
  EXPECT_EQ(waits, (std::vector<long>{0, 0, 20, 80, 320, 1000, 1000}));
}

}  // namespace
}  // namespace pixmill::ipc

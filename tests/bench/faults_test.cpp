#include "bench/faults.hpp"

#include "tests/pipeline/batch_fixture.hpp"

#include <gtest/gtest.h>

namespace pixmill::bench {
namespace {

TEST(Faults, ACrashCostsAnIsolatedBackendTheImageAndOthersTheRun) {
  for (const BackendDescriptor& backend : pixmill::tests::checkable_backends()) {
    const auto result = run_with_fault(std::string(backend.name), Fault::crash, {});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->good, 20U);
    EXPECT_EQ(result->ended, backend.isolated) << backend.name << ": " << result->how;
    EXPECT_EQ(result->verdict, backend.isolated ? "crashed" : "") << backend.name;
    if (!backend.isolated) continue;
    EXPECT_EQ(result->came_through, 20U);
  }
}

TEST(Faults, AHangIsEndedByAnIsolatedBackendAlone) {
  const auto isolated = run_with_fault("processes", Fault::hang, {});
  ASSERT_TRUE(isolated);
  EXPECT_TRUE(isolated->ended) << isolated->how;
  EXPECT_EQ(isolated->verdict, "timeout");
  EXPECT_EQ(isolated->came_through, 20U);
  const auto serial = run_with_fault("serial", Fault::hang, {}, std::chrono::seconds(20));
  ASSERT_TRUE(serial);
  EXPECT_FALSE(serial->ended);
  EXPECT_EQ(serial->came_through, 10U) << "those before it";
  EXPECT_NE(serial->how.find("hung"), std::string::npos);
}

TEST(Faults, ABombIsRefusedByEveryBackend) {
  for (const BackendDescriptor& backend : pixmill::tests::checkable_backends()) {
    const auto result = run_with_fault(std::string(backend.name), Fault::bomb, {});
    ASSERT_TRUE(result);
    EXPECT_TRUE(result->ended) << backend.name << ": " << result->how;
    EXPECT_EQ(result->verdict, "too-large") << backend.name;
    EXPECT_EQ(result->came_through, 20U) << backend.name;
  }
}

TEST(Faults, AStopEndsThem) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(run_with_fault("serial", Fault::hang, stop.get_token()));
}

}  // namespace
}  // namespace pixmill::bench

#include "pipeline/supervised_pool.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace pixmill::pipeline {
namespace {

TEST(SupervisedPool, RegionsOfAllWorkersFitIntoTheAddressSpace) {
  constexpr std::uint64_t kAddressSpace = std::uint64_t{1} << 46U;
  constexpr std::uint64_t kMost = std::uint64_t{1} << 40U;
  for (const int workers : {1, 64, 4096}) {
    const ipc::PoolOptions options = supervised_pool(workers, kMost, kMost);
    EXPECT_LE(options.region_bytes, kAddressSpace / static_cast<std::uint64_t>(workers)) << workers;
    EXPECT_GE(options.region_bytes, std::uint64_t{1} << 30U) << workers;
  }
}

TEST(SupervisedPool, WhatIsLentIsBesideWhatIsOnItsWay) {
  constexpr std::uint64_t kSmall = std::uint64_t{1} << 20U;
  EXPECT_EQ(supervised_pool(2, kSmall, kSmall).region_bytes, supervised_pool(2, kSmall).region_bytes + 2 * kSmall);
}

TEST(SupervisedPool, FailuresAreToldInWords) {
  EXPECT_EQ(verdict_of(ipc::Failure::protocol), Verdict::crashed);
  EXPECT_EQ(in_words(ipc::Failure::died, "killed by SIGSEGV", 1), "its worker was killed by SIGSEGV");
  EXPECT_EQ(in_words(ipc::Failure::died, "exited with 3", 2), "its worker exited with 3; tried 2 times");
}

}  // namespace
}  // namespace pixmill::pipeline

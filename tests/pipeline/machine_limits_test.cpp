#include "pipeline/machine_limits.hpp"
#include "tests/support/scratch_folder.hpp"

#include <pixmill/machine.hpp>

#include <gtest/gtest.h>

namespace pixmill::pipeline {
namespace {

using tests::write_file;

TEST(MachineLimits, TheTightestQuotaOnTheWayCounts) {
  const tests::ScratchFolder folder;
  write_file(folder / "cgroup", "0::/a/b\n");
  write_file(folder / "fs/a/b/cpu.max", "max 100000\n");
  write_file(folder / "fs/a/cpu.max", "150000 100000\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(folder / "cgroup", folder / "fs"), 1.5);
}

TEST(MachineLimits, ReadsTheFirstVersionOfCgroups) {
  const tests::ScratchFolder folder;
  write_file(folder / "cgroup", "4:cpu,cpuacct:/job\n3:memory:/job\n");
  write_file(folder / "fs/cpu/job/cpu.cfs_quota_us", "400000\n");
  write_file(folder / "fs/cpu/job/cpu.cfs_period_us", "100000\n");
  write_file(folder / "fs/memory/job/memory.limit_in_bytes", "1000000\n");
  write_file(folder / "fs/memory/job/memory.usage_in_bytes", "400000\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(folder / "cgroup", folder / "fs"), 4);
  EXPECT_EQ(cgroup_memory_left(folder / "cgroup", folder / "fs"), 600000U);
}

TEST(MachineLimits, NoLimitIsZero) {
  const tests::ScratchFolder folder;
  write_file(folder / "cgroup", "0::/\n");
  write_file(folder / "fs/cpu.max", "max 100000\n");
  write_file(folder / "fs/memory.max", "max\n");
  write_file(folder / "fs/memory.current", "5\n");
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(folder / "cgroup", folder / "fs"), 0);
  EXPECT_EQ(cgroup_memory_left(folder / "cgroup", folder / "fs"), 0U);
  EXPECT_DOUBLE_EQ(cgroup_cpu_quota(folder / "missing", folder / "fs"), 0);
}

TEST(MachineLimits, ReadsWhatMemoryIsAvailable) {
  const tests::ScratchFolder folder;
  write_file(folder / "meminfo", "MemTotal: 100 kB\nMemAvailable:   64 kB\n");
  EXPECT_EQ(meminfo_available(folder / "meminfo"), 65536U);
  EXPECT_EQ(meminfo_available(folder / "missing"), 0U);
}

TEST(Machine, HasAtLeastOneCpu) { EXPECT_GE(usable_cpus(), 1); }

}  // namespace
}  // namespace pixmill::pipeline

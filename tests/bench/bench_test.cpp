#include "bench/bench.hpp"

#include "bench/file_mode.hpp"
#include "bench/memory_mode.hpp"
#include "tests/pipeline/batch_fixture.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <set>

namespace pixmill::bench {
namespace {

/// Images, and a temporary folder of the test's own that must be empty afterwards.
class BenchTest : public pixmill::tests::BatchFixture {
 protected:
  BenchTest() {
    std::filesystem::create_directory(temporary());
    ::setenv("TMPDIR", temporary().c_str(), 1);
  }
  ~BenchTest() override {
    EXPECT_TRUE(std::filesystem::is_empty(temporary())) << "something is left behind";
    ::unsetenv("TMPDIR");
  }
  [[nodiscard]] std::string temporary() const { return in("../tmp"); }

  [[nodiscard]] BenchOptions bench(const std::string& chain = "gray,threshold=otsu") const {
    BenchOptions bench;
    bench.batch = options(chain);
    bench.repeats = 1;
    bench.least_seconds = 0.01;
    bench.jobs = {1, 2};
    for (const BackendDescriptor& backend : pixmill::tests::checkable_backends())
      bench.backends.emplace_back(backend.name);
    return bench;
  }
};

TEST_F(BenchTest, EveryBackendGivesTheSameInBothModes) {
  const BenchOptions options = bench();
  const Report report = run_bench(options);
  EXPECT_TRUE(report.unequal.empty()) << report.unequal.front();
  EXPECT_FALSE(report.interrupted);
  EXPECT_EQ(report.runs.size(), points_of(options).size());
  std::set<std::uint64_t> hashes[2];
  for (const Measured& run : report.runs) {
    EXPECT_EQ(run.seconds.size(), 1U) << describe(run.point);
    EXPECT_GT(run.median, 0) << describe(run.point);
    EXPECT_GT(run.images_per_s, 0) << describe(run.point);
    hashes[static_cast<int>(run.point.mode)].insert(run.output_hash);
    ASSERT_TRUE(run.breakdown) << describe(run.point);
    EXPECT_FALSE(run.breakdown->rows.empty()) << describe(run.point);
    for (const RowTimes& row : run.breakdown->rows) {
      const double whole = std::accumulate(row.seconds.begin(), row.seconds.end(), row.waiting + row.idle);
      EXPECT_LE(whole, run.breakdown->seconds + 1e-6) << describe(run.point) << " " << row.name;
    }
  }
  ASSERT_EQ(report.floors.size(), 2U);
  for (const Floor& floor : report.floors) {
    EXPECT_EQ(floor.seconds.size(), 1U);
    EXPECT_GT(floor.median, 0);
  }
  EXPECT_EQ(hashes[0].size(), 1U);
  EXPECT_EQ(hashes[1].size(), 1U);
  for (const Workload& work : report.workloads) {
    EXPECT_EQ(work.images, 4U);
    EXPECT_EQ(work.failed, 0U);
    EXPECT_EQ(work.pixels, 30U * 20 + 64 * 48 + 17 * 23 + 8 * 8);
  }
  EXPECT_FALSE(report.advice.empty());
}

TEST_F(BenchTest, AnImageThatFailsIsCountedAndTheRestCompared) {
  pixmill::tests::write_file(in("bad.png"), "\x89PNG\r\n\x1a\nnothing");
  BenchOptions options = bench();
  options.backends = {"serial"};
  options.jobs = {1};
  const Report report = run_bench(options);
  ASSERT_EQ(report.workloads.size(), 2U);
  EXPECT_EQ(report.workloads[0].images, 5U);
  EXPECT_EQ(report.workloads[0].failed, 1U);
  EXPECT_EQ(report.workloads[1].images, 4U);
  EXPECT_EQ(report.workloads[1].failed, 1U);
}

TEST_F(BenchTest, AnImageThatTheChainCannotTakeFailsInBothModes) {
  BenchOptions options = bench("crop=30x20+0+0");  // two of the four are smaller
  options.backends = {"serial"};
  const Report report = run_bench(options);
  for (const Workload& work : report.workloads) EXPECT_EQ(work.failed, 2U) << to_string(work.mode);
}

TEST_F(BenchTest, AnotherResultHasAnotherHash) {
  const auto hash_of = [&](const std::string& chain, Mode mode) {
    BenchOptions options = bench(chain);
    options.backends = {"serial"};
    options.modes = {mode};
    return run_bench(options).runs.at(0).output_hash;
  };
  for (const Mode mode : {Mode::files, Mode::memory}) {
    EXPECT_EQ(hash_of("gray", mode), hash_of("gray", mode));
    EXPECT_NE(hash_of("gray", mode), hash_of("gray,invert", mode));
  }
}

TEST_F(BenchTest, AStopEndsItAndLeavesNothing) {
  BenchOptions options = bench();
  std::stop_source stop;
  options.stop = stop.get_token();
  int runs = 0;
  options.on_run = [&](const std::string&, std::size_t, std::size_t) {
    if (++runs == 3) stop.request_stop();
  };
  EXPECT_TRUE(run_bench(options).interrupted);
  EXPECT_EQ(runs, 3);
}

TEST_F(BenchTest, WrongUseIsRefusedBeforeAnythingRuns) {
  const auto refused = [](const BenchOptions& options) {
    try {
      (void)points_of(options);
    } catch (const Error& error) {
      return error.code() == ErrorCode::usage;
    }
    return false;
  };
  BenchOptions options = bench();
  options.backends = {"thread"};
  EXPECT_TRUE(refused(options));
  options = bench();
  options.jobs = {0};
  EXPECT_TRUE(refused(options));
  options = bench();
  options.batch.inputs.paths = {"-"};
  EXPECT_TRUE(refused(options));
  options = bench();
  options.batch.inputs.files_from = "-";
  EXPECT_TRUE(refused(options));
  options = bench();
  options.batch.inputs.paths = {in("no such file")};
  EXPECT_THROW((void)run_bench(options), Error);
}

TEST_F(BenchTest, OneWorkerWhereThereIsOnlyOneAndNothingTwice) {
  BenchOptions options = bench();
  options.backends = {"serial", "threads", "serial"};
  options.jobs = {2, 1, 2};
  options.modes = {Mode::files};
  std::vector<std::string> names;
  for (const Point& point : points_of(options)) names.push_back(describe(point));
  EXPECT_EQ(names, (std::vector<std::string>{"files, serial -j 1", "files, threads -j 1", "files, threads -j 2"}));
}

TEST(Bench, ManyCpusAreNotTriedOneByOne) {
  EXPECT_EQ(default_jobs(1), (std::vector<int>{1}));
  EXPECT_EQ(default_jobs(4), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(default_jobs(24), (std::vector<int>{1, 2, 4, 8, 16, 24}));
  EXPECT_EQ(default_jobs(64), (std::vector<int>{1, 2, 4, 8, 16, 32, 64}));
}

/// Takes the place of the pixmill that other programs are set beside.
std::string make_program(const std::string& path, const std::string& script) {
  pixmill::tests::write_file(path, "#!/bin/sh\n" + script);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

TEST_F(BenchTest, WithoutThePixmillThatTheyAreSetBesideNobodyHasATime) {
  BenchOptions options = bench();
  options.backends = {"serial"};
  options.modes = {Mode::files};
  options.peers = true;
  const std::string script = R"([ "$1" = run ] || exit 0
for out; do :; done
)";
  struct Case {
    std::string rest;
    std::string why_not;
  };
  for (const Case& one :
       {Case{"exit 2", "no outputs (exit code 2)"}, Case{"echo > $out/0000000.png; exit 9", "exit code 9"},
        Case{"echo > $out/0000000.png; exit 0", "outputs of 1 image, and the backends of 4"}}) {
    options.program = make_program(in("../fake"), script + one.rest);
    const Report report = run_bench(options);
    ASSERT_FALSE(report.peers.empty());
    EXPECT_NE(report.peers.front().why_not.find(one.why_not), std::string::npos) << report.peers.front().why_not;
    for (const Peer& peer : report.peers) {
      EXPECT_FALSE(peer.why_not.empty()) << peer.name;
      EXPECT_TRUE(peer.seconds.empty()) << peer.name;
    }
  }
}

TEST_F(BenchTest, LimitsHoldForThePixmillThatOthersAreSetBesideAsWell) {
  BenchOptions options = bench();
  options.backends = {"serial"};
  options.modes = {Mode::files};
  options.peers = true;
  options.batch.lenient = true;
  options.batch.apply_orientation = false;
  options.batch.limits.max_pixels = 1234567;
  const std::string seen = in("../seen");
  options.program = make_program(in("../fake"), R"([ "$1" = run ] && echo "$*" > ')" + seen + "'; exit 2");
  (void)run_bench(options);
  const std::string words = pixmill::tests::read_file(seen);
  for (const char* word : {"--lenient", "--orient off", "--max-pixels 1234567", "--max-memory", "--max-side"}) {
    EXPECT_NE(words.find(word), std::string::npos) << words;
  }
}

TEST(Bench, ColdRunsThatFailLaterHaveNoTime) {
  Report report;
  report.cold.emplace();
  report.cold->seconds = {1.0, 2.0};
  report.cold->why_not = "60 % of the files stay in the page cache when they are dropped";
  conclude(report);
  EXPECT_TRUE(report.cold->seconds.empty());
  EXPECT_FALSE(report.cold->over);
}

TEST_F(BenchTest, WhatDoesNotFitInMemoryIsLeftOutAndCounted) {
  const auto images = DecodedImages::decode(options(), 4096, {});
  ASSERT_TRUE(images);
  // In natural order: 1.png, of 30 x 20 in colours, and then the large JPEG.
  EXPECT_EQ(images->workload().images, 1U);
  EXPECT_EQ(images->workload().left_out, 3U);
  EXPECT_EQ(images->workload().pixels, 600U);
}

}  // namespace
}  // namespace pixmill::bench

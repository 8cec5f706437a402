#include "tests/pipeline/batch_fixture.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>

namespace pixmill {
namespace {

using Backends = tests::BatchFixture;

struct Made {
  std::map<std::string, std::string> outputs;
  std::array<std::uint64_t, kVerdictCount> counts{};
  std::string reductions;
  friend bool operator==(const Made&, const Made&) = default;
};

TEST_F(Backends, GiveTheSameBits) {
  for (int i = 0; i < 40; ++i) {
    const std::uint64_t seed = 100U + static_cast<std::uint64_t>(i);
    tests::write_file(in("many/" + std::to_string(i) + ".png"),
                      tests::encoded(tests::noise_frame(5 + i, 60 - i, i % 3 == 0 ? CV_8UC3 : CV_8UC1, seed), "png"));
  }
  tests::write_file(in("many/bad.jpg"), "\xff\xd8\xff\xe0 and no more");
  for (const char* chain : {"gray,threshold=otsu", "gray,adaptive=gaussian:window=7", "resize=50%", ""}) {
    std::optional<Made> want;
    for (const BackendDescriptor& backend : tests::checkable_backends()) {
      for (const int jobs : {1, 2, 5}) {
        BatchOptions wanted = options(chain);
        wanted.inputs.recursive = true;
        wanted.output->overwrite = true;
        wanted.backend = backend.name;
        wanted.jobs = jobs;
        wanted.reductions = {"count", "mean", "std", "histogram"};
        const BatchReport report = run_batch(wanted);
        ASSERT_TRUE(report.reductions);
        const Made got{outputs(), report.counts, report.reductions->json()};
        if (!want) want = got;
        EXPECT_EQ(got, *want) << backend.name << " -j" << jobs << " " << chain;
      }
    }
  }
}

TEST_F(Backends, StopWithoutLosingAnInput) {
  // More than any backend has in hand between its reading and its writing, or the stop could come after all is done:
  // the most is what the rings of two workers hold, and sixteen more a worker (160).
  constexpr std::size_t kInputs = 404;
  const std::string image = tests::encoded(tests::noise_frame(20, 20, CV_8UC1), "png");
  for (std::size_t i = 4; i < kInputs; ++i) tests::write_file(in(std::to_string(100 + i) + ".png"), image);
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    std::stop_source stop;
    std::atomic<int> seen{0};
    std::map<std::uint64_t, int> times;
    std::filesystem::remove_all(out());
    BatchOptions wanted = options();
    wanted.backend = backend.name;
    wanted.stop = stop.get_token();
    wanted.on_outcome = [&](const ImageOutcome& outcome) {
      ++times[outcome.index];
      if (++seen == 5) stop.request_stop();
    };
    const BatchReport report = run_batch(wanted);
    EXPECT_TRUE(report.interrupted);
    EXPECT_EQ(times.size(), kInputs) << backend.name;
    for (const auto& [index, count] : times) EXPECT_EQ(count, 1) << index;
    EXPECT_GT(report.count(Verdict::cancelled), 0U) << backend.name;
    EXPECT_EQ(outputs().size(), report.count(Verdict::ok)) << backend.name;
  }
}

TEST_F(Backends, OnErrorStopBeginsNothingNew) {
  tests::write_file(in("0.jpg"), "\xff\xd8\xff\xe0 and no more");
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    BatchOptions wanted = options();
    wanted.output->overwrite = true;
    wanted.backend = backend.name;
    wanted.jobs = 1;
    wanted.stop_on_error = true;
    const BatchReport report = run_batch(wanted);
    EXPECT_FALSE(report.all_well());
    EXPECT_FALSE(report.interrupted);
    EXPECT_EQ(report.images, 5U);
    EXPECT_LE(report.count(Verdict::cancelled), 4U);
    if (backend.name == "serial") {
      EXPECT_EQ(report.count(Verdict::cancelled), 4U);
    }
  }
}

TEST_F(Backends, SupervisionIsForThoseThatAreIsolated) {
  for (const BackendDescriptor& backend : backends()) {
    for (const bool timeout : {false, true}) {
      BatchOptions wanted = options();
      wanted.backend = backend.name;
      wanted.output->overwrite = true;
      if (timeout) wanted.supervision.timeout = std::chrono::minutes(10);
      if (!timeout) wanted.supervision.retries = 3;
      if (backend.isolated) {
        EXPECT_TRUE(run_batch(wanted).all_well());
        continue;
      }
      try {
        static_cast<void>(run_batch(wanted));
        ADD_FAILURE() << backend.name << " took it";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::usage);
        EXPECT_NE(std::string(error.what()).find(timeout ? "--timeout" : "--retries"), std::string::npos);
        EXPECT_NE(std::string(error.what()).find("processes"), std::string::npos);
      }
    }
  }
}

TEST_F(Backends, SupervisionOutOfRangeIsRefused) {
  const auto refused = [this](auto timeout, int retries) {
    BatchOptions wanted = options();
    wanted.supervision.timeout = timeout;
    wanted.supervision.retries = retries;
    try {
      static_cast<void>(run_batch(wanted));
    } catch (const Error& error) {
      return error.code() == ErrorCode::usage;
    }
    return false;
  };
  EXPECT_TRUE(refused(std::chrono::milliseconds(-1), 1));
  EXPECT_TRUE(refused(std::chrono::hours(24 * 366), 1));
  EXPECT_TRUE(refused(std::chrono::milliseconds(60000), -1));
  EXPECT_TRUE(refused(std::chrono::milliseconds(60000), 1000001));
}

TEST_F(Backends, AnExceptionOfTheUsersEndsTheRunAndReachesTheUser) {
  for (int i = 0; i < 60; ++i) {
    tests::write_file(in(std::to_string(100 + i) + ".png"), tests::encoded(tests::noise_frame(20, 20, CV_8UC1), "png"));
  }
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    for (const int jobs : {1, 3}) {
      BatchOptions wanted = options();
      wanted.backend = backend.name;
      wanted.jobs = jobs;
      wanted.output->overwrite = true;
      std::atomic<int> seen{0};
      wanted.on_outcome = [&](const ImageOutcome&) {
        if (++seen == 5) throw std::runtime_error("the user's own");
      };
      EXPECT_THROW(static_cast<void>(run_batch(wanted)), std::runtime_error) << backend.name;
      EXPECT_GE(seen, 5);
    }
  }
}

TEST_F(Backends, StopInTheFirstPassOverABatch) {
  // More than any backend has in hand between its reading and its writing, or the stop could come after all is done:
  // the most is what the rings of two workers hold, and sixteen more a worker (160).
  constexpr std::size_t kInputs = 404;
  const std::string image = tests::encoded(tests::noise_frame(20, 20, CV_8UC1), "png");
  for (std::size_t i = 4; i < kInputs; ++i) tests::write_file(in(std::to_string(100 + i) + ".png"), image);
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    std::stop_source stop;
    std::atomic<int> seen{0};
    BatchOptions wanted = options("gray,threshold=otsu:scope=batch");
    wanted.backend = backend.name;
    wanted.stop = stop.get_token();
    wanted.on_surveyed = [&](std::uint64_t, Verdict) {
      if (++seen == 3) stop.request_stop();
    };
    const BatchReport report = run_batch(wanted);
    EXPECT_TRUE(report.interrupted) << backend.name;
    EXPECT_GE(seen, 3);
    EXPECT_TRUE(!std::filesystem::exists(out()) || outputs().empty());
  }
}

TEST_F(Backends, OutputsOfManyTimesTheirInput) {
  tests::write_file(in("flat.png"), tests::encoded(cv::Mat(1000, 1200, CV_8UC3, cv::Scalar(1, 2, 3)), "png"));
  std::optional<Made> want;
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    BatchOptions wanted = options("resize=150%");
    wanted.backend = backend.name;
    wanted.output->format = "bmp";
    wanted.output->overwrite = true;
    wanted.reductions = {"mean"};
    const BatchReport report = run_batch(wanted);
    const Made got{outputs(), report.counts, report.reductions->json()};
    if (!want) want = got;
    EXPECT_TRUE(got == *want) << backend.name;
    EXPECT_EQ(report.count(Verdict::ok), 5U);
  }
}

TEST_F(Backends, NothingToDoIsDone) {
  BatchOptions wanted = options();
  wanted.inputs.paths.clear();
  tests::write_file(folder_ / "list", "");
  wanted.inputs.files_from = folder_ / "list";
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    wanted.backend = backend.name;
    wanted.output->overwrite = true;
    const BatchReport report = run_batch(wanted);
    EXPECT_EQ(report.images, 0U);
    EXPECT_TRUE(report.all_well());
  }
}

TEST_F(Backends, MoreJobsThanInputsAreNoHarm) {
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    BatchOptions wanted = options();
    wanted.backend = backend.name;
    wanted.output->overwrite = true;
    wanted.jobs = 64;
    EXPECT_EQ(run_batch(wanted).count(Verdict::ok), 4U) << backend.name;
  }
}

}  // namespace
}  // namespace pixmill

// Batches whose workers the program pixmill-worker makes, beside those whose workers are forks of this process.
#include "tests/pipeline/batch_fixture.hpp"
#include "tests/pipeline/pool_host.hpp"
#include "tests/support/metadata_blocks.hpp"

#include <pixmill/error.hpp>
#include <pixmill/version.hpp>

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace pixmill {
namespace {

using tests::children_named;
using tests::comes_true;
using tests::encoded;
using tests::noise_frame;
using tests::write_file;

std::atomic<int> forks{0};

char state_of(pid_t process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  std::string id;
  std::string comm;
  char state = '?';
  stat >> id >> comm >> state;
  return state;
}

std::vector<pid_t> all_children() {
  std::vector<pid_t> all = children_named("pixmill-work");
  const std::vector<pid_t> servers = children_named("pixmill-fork");
  all.insert(all.end(), servers.begin(), servers.end());
  return all;
}

/// Whatever a batch comes to, but for the time it took.
struct Made {
  std::map<std::string, std::string> outputs;
  std::vector<std::tuple<std::string, std::string, Verdict, std::string, std::int64_t, std::uint64_t>> rows;
  std::vector<std::string> decisions;
  std::string plan;
  std::string reductions;
  friend bool operator==(const Made&, const Made&) = default;
};

class BatchStart : public tests::BatchFixture {
 protected:
  BatchStart() { write_file(in("bad.jpg"), "\xff\xd8\xff\xe0 and no more"); }

  [[nodiscard]] BatchOptions with(StartMethod start, const std::string& chain = "gray,threshold=otsu") const {
    BatchOptions wanted = options(chain);
    wanted.supervision.start = start;
    if (start == StartMethod::program) wanted.supervision.worker_program = PIXMILL_WORKER_PROGRAM;
    wanted.output->overwrite = true;
    return wanted;
  }

  [[nodiscard]] Made made_by(BatchOptions wanted) const {
    std::filesystem::remove_all(out());
    std::map<std::uint64_t, ImageOutcome> outcomes;
    wanted.on_outcome = [&](const ImageOutcome& outcome) { outcomes[outcome.index] = outcome; };
    const BatchReport report = run_batch(wanted);
    EXPECT_EQ(report.trouble, "");
    Made made{outputs(), {}, report.decisions, report.plan, report.reductions ? report.reductions->json() : ""};
    for (const auto& [index, outcome] : outcomes) {
      made.rows.emplace_back(outcome.input, outcome.output, outcome.verdict, outcome.detail, outcome.width,
                             outcome.output_xxh64);
    }
    return made;
  }

  /// The same batch both ways, as `change` has it.
  void expect_the_same(const std::string& chain, const std::function<void(BatchOptions&)>& change = {}) const {
    BatchOptions program = with(StartMethod::program, chain);
    BatchOptions fork = with(StartMethod::fork, chain);
    if (change) {
      change(program);
      change(fork);
    }
    const Made want = made_by(fork);
    const Made got = made_by(program);
    EXPECT_GE(want.rows.size(), 5U);
    EXPECT_TRUE(got == want) << chain << ": " << got.reductions << "\n" << want.reductions;
  }

  void make_many(int count) const {
    const std::string image = encoded(noise_frame(40, 30, CV_8UC1), "png");
    for (int i = 0; i < count; ++i) write_file(in(std::to_string(100 + i) + ".png"), image);
  }
};

TEST_F(BatchStart, EveryKernelGivesTheSame) {
  for (const KernelDescriptor* kernel : kernel_descriptors()) expect_the_same(std::string(kernel->examples.front()));
  expect_the_same("");
}

TEST_F(BatchStart, WhatABatchDecidesGivesTheSame) {
  for (const char* chain : {"gray,threshold=otsu:scope=batch", "gray,threshold=triangle:scope=batch,median=3",
                            "gray,threshold=mean:type=tozero:scope=batch,invert,threshold=otsu:scope=batch"}) {
    expect_the_same(chain, [](BatchOptions& wanted) { wanted.reductions = {"mean", "histogram"}; });
  }
}

TEST_F(BatchStart, ReductionsGiveTheSame) {
  const std::string image = folder_ / "mean.png";
  std::string pixels;
  for (const std::vector<std::string>& wanted : {std::vector<std::string>{"count", "min", "max", "sum", "mean", "std"},
                                                 {"mean", "histogram"},
                                                 {"std", "mean-image=" + image}}) {
    expect_the_same("resize=20x20", [&](BatchOptions& options) {
      options.reductions = wanted;
      options.overwrite_manifest = true;
      options.per_image = true;
    });
  }
  const std::string program = tests::read_file(image);
  BatchOptions fork = with(StartMethod::fork, "resize=20x20");
  fork.reductions = {"mean-image=" + image};
  static_cast<void>(made_by(fork));
  EXPECT_EQ(program, tests::read_file(image));
}

TEST_F(BatchStart, OptionsReachTheProgram) {
  std::vector<std::byte> photo;
  pipeline::Metadata metadata;
  metadata.exif = tests::camera_exif({.orientation = 6, .width = 33, .height = 21});
  const cv::Mat frame = noise_frame(33, 21, CV_8UC3, 9);
  const auto encoder = pipeline::find_codec("jpg")->make_encoder();
  ASSERT_TRUE(encoder->encode({&frame, nullptr, false, nullptr, &metadata}, {}, photo).usable());
  const std::string whole(reinterpret_cast<const char*>(photo.data()), photo.size());
  write_file(in("photo.jpg"), whole);
  write_file(in("torn.jpg"), whole.substr(0, whole.size() - 100));
  for (const char* format : {"jpg", "same", "webp", "tiff"}) {
    expect_the_same("", [&](BatchOptions& wanted) {
      wanted.output->format = format;
      wanted.output->quality = 37;
      wanted.output->keep_metadata = true;
      wanted.output->keep_ext = true;
    });
  }
  expect_the_same("invert", [](BatchOptions& wanted) { wanted.lenient = true; });
  expect_the_same("invert", [](BatchOptions& wanted) { wanted.apply_orientation = false; });
  expect_the_same("invert", [](BatchOptions& wanted) { wanted.output->compression = 9; });
  expect_the_same("invert", [](BatchOptions& wanted) { wanted.limits.max_pixels = 500; });
  expect_the_same("invert", [](BatchOptions& wanted) { wanted.limits.max_side = 22; });
  // Each of them changes something, or the comparison would show nothing.
  BatchOptions lenient = with(StartMethod::program);
  lenient.lenient = true;
  EXPECT_EQ(run_batch(lenient).count(Verdict::repaired), 1U);
  BatchOptions small = with(StartMethod::program);
  small.limits.max_pixels = 500;
  EXPECT_GT(run_batch(small).count(Verdict::too_large), 0U);
}

TEST_F(BatchStart, StagesAreTimed) {
  BatchOptions wanted = with(StartMethod::program);
  wanted.time_stages = true;
  const BatchReport report = run_batch(wanted);
  EXPECT_TRUE(std::any_of(report.rows.begin(), report.rows.end(),
                          [](const RowTimes& row) { return row.name.starts_with("worker") && row.seconds.at(1) > 0; }));
}

TEST_F(BatchStart, AHostIsNotForkedUnlessItSaysSo) {
  ASSERT_EQ(::pthread_atfork([] { ++forks; }, nullptr, nullptr), 0);
  for (const char* chain : {"gray,median=3", "gray,threshold=otsu:scope=batch"}) {
    forks = 0;
    EXPECT_EQ(run_batch(with(StartMethod::program, chain)).count(Verdict::ok), 4U);
    EXPECT_EQ(forks, 0) << chain;
    EXPECT_EQ(run_batch(with(StartMethod::fork, chain)).count(Verdict::ok), 4U);
    EXPECT_GT(forks, 0) << chain;
  }
}

TEST_F(BatchStart, ItIsTheDefault) {
  EXPECT_EQ(BatchOptions().supervision.start, StartMethod::program);
  EXPECT_EQ(BatchOptions().supervision.start, PoolOptions().start);
}

TEST_F(BatchStart, WithoutTheProgramNothingIsBegun) {
  for (const char* chain : {"gray", "gray,threshold=otsu:scope=batch"}) {
    BatchOptions wanted = with(StartMethod::program, chain);
    wanted.supervision.worker_program = "/nowhere/pixmill-worker";
    try {
      static_cast<void>(run_batch(wanted));
      FAIL() << "it ran";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::machine);
      const std::string what = error.what();
      EXPECT_NE(what.find("/nowhere/pixmill-worker"), std::string::npos) << what;
      EXPECT_NE(what.find("SupervisionOptions::worker_program"), std::string::npos) << what;
      EXPECT_NE(what.find("StartMethod::fork"), std::string::npos) << what;
    }
    EXPECT_FALSE(std::filesystem::exists(out()));
  }
  // Nobody is asked where nobody is started.
  BatchOptions threads = with(StartMethod::program);
  threads.supervision.worker_program = "/nowhere/pixmill-worker";
  threads.backend = "threads";
  EXPECT_EQ(run_batch(threads).count(Verdict::ok), 4U);
}

TEST_F(BatchStart, AProgramThatIsNoWorkerIsToldOf) {
  BatchOptions wanted = with(StartMethod::program);
  wanted.supervision.worker_program = "/bin/false";
  EXPECT_THROW(static_cast<void>(run_batch(wanted)), Error);
  EXPECT_TRUE(all_children().empty());
}

TEST_F(BatchStart, AProgramOfAnotherVersionIsNamed) {
  const std::string script = folder_ / "worker-of-another-build";
  write_file(script, std::string("#!/bin/sh\ncoordinator=$1\nwarmth=$2\nshift 3\nexec '") + PIXMILL_WORKER_PROGRAM +
                         "' \"$coordinator\" \"$warmth\" 99.9.9 \"$@\"\n");
  ASSERT_EQ(::chmod(script.c_str(), 0700), 0);
  BatchOptions wanted = with(StartMethod::program);
  wanted.supervision.worker_program = script;
  try {
    static_cast<void>(run_batch(wanted));
    FAIL() << "it ran";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("99.9.9"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(version()), std::string::npos) << error.what();
  }
}

TEST_F(BatchStart, DeathsOfTheServerAndAWorkerCostNoImage) {
  // More than two workers have in hand (160), so that there is work left for those that come after.
  make_many(400);
  BatchOptions wanted = with(StartMethod::program, "gray,median=15");
  std::atomic<int> seen{0};
  std::vector<pid_t> killed;
  bool replaced = false;
  wanted.on_outcome = [&](const ImageOutcome& /*outcome*/) {
    if (++seen == 2) {
      killed = all_children();
      for (const pid_t child : killed) ::kill(child, SIGKILL);
    }
    for (const pid_t child : children_named("pixmill-fork")) {
      if (seen > 2 && std::find(killed.begin(), killed.end(), child) == killed.end()) replaced = true;
    }
  };
  const BatchReport report = run_batch(wanted);
  EXPECT_EQ(report.count(Verdict::ok), 404U);
  EXPECT_EQ(report.images, 405U);
  EXPECT_TRUE(replaced);
  EXPECT_TRUE(all_children().empty());
}

TEST_F(BatchStart, PausedWorkersStandStill) {
  // More than two workers have in hand (160), or the batch were done while the first outcome waits.
  make_many(400);
  BatchOptions wanted = with(StartMethod::program);
  std::atomic<bool> begun{false};
  std::atomic<bool> seen{false};
  int stood = 0;
  std::jthread pauser([&] {
    begun.wait(false);
    pause_workers();
    // One that is only being born has nothing to do, and need not stand still: so at least one, and who makes them.
    const auto stands = [](const char* name) {
      const std::vector<pid_t> children = children_named(name);
      return std::any_of(children.begin(), children.end(), [](pid_t child) { return state_of(child) == 'T'; });
    };
    stood = comes_true([&] { return stands("pixmill-work") && stands("pixmill-fork"); }) ? 1 : 0;
    resume_workers();
    seen = true;
    seen.notify_all();
  });
  wanted.on_outcome = [&](const ImageOutcome& /*outcome*/) {
    begun = true;
    begun.notify_all();
    seen.wait(false);
  };
  try {
    EXPECT_EQ(run_batch(wanted).count(Verdict::ok), 404U);
  } catch (const Error& error) {
    ADD_FAILURE() << error.what();
  }
  // Whatever became of the batch, the other thread must not wait for ever.
  begun = true;
  begun.notify_all();
  pauser.join();
  EXPECT_EQ(stood, 1);
}

}  // namespace
}  // namespace pixmill

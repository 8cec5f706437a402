#include "cli/progress.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace pixmill::cli {
namespace {

ProgressSnapshot half_done() {
  ProgressSnapshot snapshot;
  snapshot.listed = true;
  snapshot.total = 1000;
  snapshot.done = 500;
  snapshot.failed = 3;
  snapshot.bytes = 50'000'000;
  snapshot.seconds = 10;
  snapshot.images_per_s = 50;
  snapshot.bytes_per_s = 5e6;
  return snapshot;
}

TEST(FormatBar, ShowsEverythingWhereThereIsRoom) {
  EXPECT_EQ(format_bar(half_done(), 100),
            "[==================>                 ]  50%  500/1,000  3 failed  ETA 0:10  50.0 images/s  5.00 MB/s");
}

TEST(FormatBar, NeverIsWiderThanAsked) {
  ProgressSnapshot snapshot = half_done();
  snapshot.total = 12'345'678;
  snapshot.done = 9'999'999;
  snapshot.failed = 1'234'567;
  for (std::size_t width = 0; width <= 130; ++width) {
    EXPECT_LE(format_bar(snapshot, width).size(), width);
    EXPECT_LE(format_bar(ProgressSnapshot{}, width).size(), width);
  }
}

TEST(FormatBar, GivesUpWhatMattersLeastFirst) {
  EXPECT_EQ(format_bar(half_done(), 58), " 50%  500/1,000  3 failed  ETA 0:10  50.0 images/s");
  EXPECT_EQ(format_bar(half_done(), 36), " 50%  500/1,000  3 failed  ETA 0:10");
  EXPECT_EQ(format_bar(half_done(), 25), " 50%  500/1,000  3 failed");
  EXPECT_EQ(format_bar(half_done(), 16), " 50%  500/1,000");
  EXPECT_EQ(format_bar(half_done(), 4), " 50%");
}

TEST(FormatBar, SaysNothingOfFailuresWithoutAny) {
  ProgressSnapshot snapshot = half_done();
  snapshot.failed = 0;
  EXPECT_EQ(format_bar(snapshot, 120).find("failed"), std::string::npos);
}

TEST(FormatBar, ReachesAHundredOnlyAtTheEnd) {
  ProgressSnapshot snapshot = half_done();
  snapshot.done = 999;
  EXPECT_NE(format_bar(snapshot, 20).find(" 99%"), std::string::npos);
  snapshot.done = 1000;
  EXPECT_NE(format_bar(snapshot, 20).find("100%"), std::string::npos);
  EXPECT_EQ(format_bar(snapshot, 100).find('>'), std::string::npos) << "a full bar has no tip";
}

TEST(FormatBar, CopesWithAnEmptyBatch) {
  ProgressSnapshot snapshot;
  snapshot.listed = true;
  EXPECT_NE(format_bar(snapshot, 80).find("0/0"), std::string::npos);
}

TEST(FormatBar, SaysThatItIsStillLooking) {
  ProgressSnapshot snapshot;
  snapshot.seconds = 65;
  EXPECT_EQ(format_bar(snapshot, 80), "looking for images ... 1:05");
}

TEST(SecondsLeft, IsUnknownWithoutTotalOrRate) {
  ProgressSnapshot snapshot = half_done();
  EXPECT_DOUBLE_EQ(seconds_left(snapshot), 10);
  snapshot.images_per_s = 0;
  EXPECT_LT(seconds_left(snapshot), 0);
  snapshot = half_done();
  snapshot.listed = false;
  EXPECT_LT(seconds_left(snapshot), 0);
}

TEST(FormatProgressJson, IsAnObjectWithNullForTheUnknown) {
  const nlohmann::json known = nlohmann::json::parse(format_progress_json(half_done()))["progress"];
  EXPECT_EQ(known["total"], 1000);
  EXPECT_EQ(known["done"], 500);
  EXPECT_EQ(known["failed"], 3);
  EXPECT_EQ(known["bytes"], 50'000'000);
  EXPECT_DOUBLE_EQ(known["mb_per_s"], 5);
  EXPECT_DOUBLE_EQ(known["eta_s"], 10);
  const nlohmann::json unknown = nlohmann::json::parse(format_progress_json(ProgressSnapshot{}))["progress"];
  EXPECT_TRUE(unknown["total"].is_null());
  EXPECT_TRUE(unknown["eta_s"].is_null());
}

TEST(RateWindow, ForgetsWhatIsLongAgo) {
  RateWindow window;
  ProgressSnapshot snapshot;
  snapshot.listed = true;
  for (int second = 1; second <= 100; ++second) {
    snapshot.seconds = second;
    snapshot.done += second <= 50 ? 1000 : 10;
    snapshot.bytes = snapshot.done * 2;
    window.update(snapshot);
    if (second == 50) {
      EXPECT_DOUBLE_EQ(snapshot.images_per_s, 1000);
    }
  }
  EXPECT_DOUBLE_EQ(snapshot.images_per_s, 10);
  EXPECT_DOUBLE_EQ(snapshot.bytes_per_s, 20);
}

TEST(RateWindow, DoesNotCountTheTimeOfListing) {
  RateWindow window;
  ProgressSnapshot snapshot;
  snapshot.seconds = 5;
  window.update(snapshot);
  snapshot.listed = true;
  snapshot.seconds = 6;
  snapshot.done = 100;
  window.update(snapshot);
  EXPECT_DOUBLE_EQ(snapshot.images_per_s, 100);
}

TEST(Progress, CountsWhatEndedAndNotWhatWasCancelled) {
  Console console;
  Progress progress(ProgressMode::none, console);
  ImageOutcome outcome;
  outcome.bytes_in = 70;
  outcome.verdict = Verdict::ok;
  progress.count(outcome);
  outcome.verdict = Verdict::corrupt;
  progress.count(outcome);
  progress.stop();
  progress.stop();
  EXPECT_EQ(progress.bytes(), 140U);
}

TEST(Progress, WritesALastObjectWhenItEnds) {
  Console console;
  testing::internal::CaptureStderr();
  {
    Progress progress(ProgressMode::json, console);
    progress.listed(2);
    ImageOutcome outcome;
    outcome.verdict = Verdict::ok;
    progress.count(outcome);
    outcome.verdict = Verdict::truncated;
    progress.count(outcome);
    outcome.verdict = Verdict::cancelled;
    progress.count(outcome);
  }
  const std::string text = testing::internal::GetCapturedStderr();
  const nlohmann::json last = nlohmann::json::parse(text.substr(text.rfind("{\"progress\"")))["progress"];
  EXPECT_EQ(last["total"], 2);
  EXPECT_EQ(last["done"], 2);
  EXPECT_EQ(last["failed"], 1);
}

}  // namespace
}  // namespace pixmill::cli

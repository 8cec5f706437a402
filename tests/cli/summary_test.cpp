#include "cli/summary.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pixmill::cli {
namespace {

BatchReport report_of(std::uint64_t ok) {
  BatchReport report;
  report.images = ok;
  report.counts[static_cast<std::size_t>(Verdict::ok)] = ok;
  report.seconds = 0.2;
  report.backend = "threads";
  report.jobs = 2;
  return report;
}

void add(BatchReport& report, Verdict verdict, std::uint64_t count) {
  report.images += count;
  report.counts[static_cast<std::size_t>(verdict)] = count;
}

TEST(SummaryLines, SaysCountsSpeedAndPlaces) {
  const std::vector<std::string> lines = summary_lines(report_of(100), {4'000'000, "out", "out/pixmill.jsonl"});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0],
            "100 images: 100 ok in 0.20 s, 500 images/s, 20.0 MB/s, threads x2; outputs in out, rows in "
            "out/pixmill.jsonl");
}

TEST(SummaryLines, NamesEachKindOfFailureAndHowToSeeThem) {
  BatchReport report = report_of(97);
  add(report, Verdict::corrupt, 2);
  add(report, Verdict::too_large, 1);
  const std::vector<std::string> lines = summary_lines(report, {0, "my out", "my out/pixmill.jsonl"});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].rfind("100 images: 97 ok, 3 failed (2 corrupt, 1 too-large) in ", 0), 0U);
  EXPECT_EQ(lines[1], "to see what failed: grep -E '\"verdict\": ?\"(corrupt|too-large)\"' 'my out/pixmill.jsonl'");
}

TEST(SummaryLines, OffersAManifestWhereThereIsNone) {
  BatchReport report = report_of(1);
  add(report, Verdict::unreadable, 1);
  const std::vector<std::string> lines = summary_lines(report, {});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[1].find("--manifest"), std::string::npos);
}

TEST(SummaryLines, TellsTheSkippedAndTheCancelledFromTheFailed) {
  BatchReport report = report_of(10);
  add(report, Verdict::skipped, 80);
  add(report, Verdict::cancelled, 10);
  const std::vector<std::string> lines = summary_lines(report, {0, "out", "out/pixmill.jsonl"});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].rfind("100 images: 10 ok, 80 done before, 10 not done in 0.20 s, 50.0 images/s", 0), 0U)
      << "the rate is of what was worked on: " << lines[0];
  EXPECT_NE(lines[1].find("--resume"), std::string::npos);
}

TEST(SummaryLines, MentionsWhatWasPassedOver) {
  BatchReport report = report_of(1);
  report.passed_over = 12;
  EXPECT_EQ(summary_lines(report, {})[1], "12 files in the folders are no images and were passed over");
  report.passed_over = 1;
  EXPECT_EQ(summary_lines(report, {})[1], "1 file in the folders is no image and was passed over");
}

TEST(SummaryLines, HasNoRateForNothing) {
  BatchReport report = report_of(0);
  report.seconds = 0;
  EXPECT_EQ(summary_lines(report, {})[0], "0 images: 0 ok in 0.00 s, threads x2");
}

TEST(ShellQuoted, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(shell_quoted("out/pixmill.jsonl"), "out/pixmill.jsonl");
  EXPECT_EQ(shell_quoted("it's $here"), "'it'\\''s $here'");
  EXPECT_EQ(shell_quoted(""), "''");
}

}  // namespace
}  // namespace pixmill::cli

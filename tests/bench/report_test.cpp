#include "bench/advice.hpp"
#include "bench/changes.hpp"
#include "bench/report_json.hpp"
#include "bench/report_text.hpp"
#include "tests/bench/synthetic_report.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

namespace pixmill::bench {
namespace {

using tests::made_report;
using Json = nlohmann::json;

TEST(Report, SpeedUpIsOverOneWorkerOfTheSameBackend) {
  const Report report = made_report({{"processes", 1, 2.0}, {"processes", 2, 1.1}, {"threads", 2, 1.0}}, 0);
  EXPECT_DOUBLE_EQ(*report.runs[0].speedup, 1);
  EXPECT_FALSE(report.runs[0].karp_flatt);
  EXPECT_NEAR(*report.runs[1].speedup, 2 / 1.1, 1e-12);
  EXPECT_NEAR(*report.runs[1].efficiency, 1 / 1.1, 1e-12);
  EXPECT_NEAR(*report.runs[1].karp_flatt, (1.1 / 2 - 0.5) / 0.5, 1e-12);
  EXPECT_FALSE(report.runs[2].speedup) << "one worker of it was not measured";
  EXPECT_DOUBLE_EQ(report.runs[0].images_per_s, 50);
  EXPECT_DOUBLE_EQ(report.runs[0].mpix_per_s, 10);
}

TEST(Report, PassesCountForRates) {
  Report report = made_report({{"serial", 1, 2.0}}, 0);
  report.workloads[0].passes = 3;
  conclude(report);
  EXPECT_DOUBLE_EQ(report.runs[0].images_per_s, 150);
}

TEST(Report, ImagesThatFailCountInNoRate) {
  Report report = made_report({{"serial", 1, 2.0}}, 0);
  report.workloads[0].failed = 20;  // of 100
  conclude(report);
  EXPECT_DOUBLE_EQ(report.runs[0].images_per_s, 40);
  EXPECT_NE(text_of(report).find("100 images (20 fail"), std::string::npos);
}

TEST(Report, ARatioHasNoMoreDigitsThanItsIntervalIsGoodFor) {
  const auto text = [](double ratio, double low, double high) {
    const Comparison comparison{ratio, {low, high}, Relation::equal};
    return ratio_text(comparison) + ' ' + ratio_interval_text(comparison);
  };
  EXPECT_EQ(text(1.0304, 1.0201, 1.0399), "1.030 [1.020, 1.040]");
  EXPECT_EQ(text(1.0304, 0.81, 1.36), "1.03 [0.81, 1.36]");
  EXPECT_EQ(text(29.71, 23.42, 37.4), "29.7 [23.4, 37.4]");
}

TEST(Report, OnlyWhatIsKnownToBeAlikeIsCalledEqual) {
  EXPECT_EQ(relation_text({1.0, {0.99, 1.01}, Relation::equal}), "equal within 2 %");
  EXPECT_EQ(relation_text({1.0, {0.8, 1.2}, Relation::equal}), "no difference seen");
  EXPECT_EQ(relation_text({1.5, {1.4, 1.6}, Relation::slower}), "slower");
}

TEST(Report, APeerThatHasMoreThreadsShowsIt) {
  Report report = made_report({{"processes", 2, 1.0}}, 0);
  for (const double cpu : {1.9, 7.8}) {
    Peer& peer = report.peers.emplace_back();
    peer.version = "1";
    peer.jobs = 2;
    peer.seconds.assign(7, 1.0);
    peer.cpu_seconds.assign(7, cpu);
  }
  conclude(report);
  EXPECT_DOUBLE_EQ(report.peers[0].busy_cpus, 1.9);
  EXPECT_DOUBLE_EQ(Json::parse(json_of(report))["peers"][1]["busy_cpus"], 7.8);
  EXPECT_NE(text_of(report).find("7.80"), std::string::npos);
}

/// A report with something of everything, and long words.
Report full_report() {
  Report report = made_report(
      {{"processes", 1, 20.0}, {"processes", 2, 15.0}, {"threads", 2, 12.0}, {"threads", 4, 30.0}}, 0.3, 1, 2);
  report.chain = "gray=luma,adaptive=gaussian:window=101:c=7,morph=open:size=3,threshold=otsu:type=binary:scope=image";
  report.runs[2].breakdown = Breakdown{1,
                                       {"read", "decode", "reduce", "encode", "write", "lost", "gray", "adaptive"},
                                       {{"worker 1", {1, 1, 1, 1, 1, 1, 1, 1}, 1, 1}}};
  report.floors.resize(1);
  report.floors[0].jobs = 2;
  report.floors[0].seconds.assign(7, 11.0);
  report.cold.emplace().point = report.runs[1].point;
  report.cold->seconds.assign(7, 100.0);
  report.peers.resize(2);
  report.peers[0].name = "pixmill run";
  report.peers[0].seconds.assign(7, 10.0);
  report.peers[1].name = "ImageMagick, GNU parallel";
  report.peers[1].seconds.assign(7, 15.0);
  report.peers[1].differs =
      "also made one of a file with quite a long name.jpg and another one.jpg, on which pixmill failed";
  report.queues.resize(1);
  report.queues[0].name = "boost message_queue";
  report.queues[0].p50_ns = 1e9;
  report.queues[0].stream_per_s = 1e8;
  report.faults.push_back(
      {"processes", 2, "crash", 20, 9, "", false, "was killed by SIGSEGV (Segmentation fault)", 20.1});
  conclude(report);
  return report;
}

TEST(Report, NoLineIsLongerThanATerminal) {
  std::istringstream lines(text_of(full_report()));
  for (std::string line; std::getline(lines, line);) {
    const auto letters = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; });
    EXPECT_LE(letters, 80) << line;
  }
}

TEST(Report, ABackendThatIsSlowedIsFoundAndTwoEqualOnesAreNot) {
  const Report report = made_report({{"processes", 2, 1.0}, {"threads", 2, 1.0}, {"tbb", 2, 1.2}}, 0.02);
  ASSERT_EQ(report.beside.size(), 2U);
  EXPECT_EQ(report.beside[0].point.backend, "threads");
  EXPECT_EQ(report.beside[0].comparison.relation, Relation::equal);
  EXPECT_EQ(report.beside[1].point.backend, "tbb");
  EXPECT_EQ(report.beside[1].comparison.relation, Relation::slower);
  EXPECT_NEAR(report.beside[1].comparison.ratio, 1.2, 0.04);
}

TEST(Report, OversubscribedPointsAreMarkedAndNotFitted) {
  const auto law = [](int n) { return 2.0 * (0.1 + 0.9 / n); };
  const Report report = made_report({{"threads", 1, law(1)},
                                     {"threads", 2, law(2)},
                                     {"threads", 3, law(3)},
                                     {"threads", 4, law(4)},
                                     {"threads", 8, 9}},
                                    0);
  EXPECT_FALSE(report.runs[3].oversubscribed);
  EXPECT_TRUE(report.runs[4].oversubscribed);
  ASSERT_EQ(report.scaling.size(), 1U);
  ASSERT_TRUE(report.scaling[0].amdahl);
  EXPECT_NEAR(report.scaling[0].amdahl->serial_share, 0.1, 1e-9);
  EXPECT_TRUE(report.scaling[0].usl);
}

TEST(Report, TooFewPointsAreSaidToBeTooFew) {
  const Report report = made_report({{"threads", 1, 2}, {"threads", 2, 1}, {"serial", 1, 2}});
  ASSERT_EQ(report.scaling.size(), 1U);
  EXPECT_FALSE(report.scaling[0].amdahl);
  EXPECT_NE(report.scaling[0].why_not.find("too few"), std::string::npos);
}

TEST(Report, TheJsonHasTheKeysOfTheContract) {
  const Json json = Json::parse(json_of(made_report({{"processes", 1, 2.0}, {"processes", 2, 1.1}})));
  for (const char* key : {"machine", "runs", "fit", "advice"}) EXPECT_TRUE(json.contains(key)) << key;
  for (const Json& run : json["runs"]) {
    for (const char* key :
         {"mode", "backend", "jobs", "seconds", "median", "ci95", "images_per_s", "mpix_per_s", "speedup", "efficiency",
          "karp_flatt", "cpu_seconds", "peak_rss_kb", "peak_pss_kb", "output_hash"}) {
      EXPECT_TRUE(run.contains(key)) << key;
    }
    EXPECT_EQ(run["seconds"].size(), 7U);
    EXPECT_LE(run["ci95"][0], run["median"]);
    EXPECT_GE(run["ci95"][1], run["median"]);
  }
  EXPECT_TRUE(json["runs"][0]["karp_flatt"].is_null());
  EXPECT_EQ(json["runs"][0]["output_hash"], "000000000000002a");
}

TEST(Report, TheTextNamesEveryRun) {
  const std::string text = text_of(made_report({{"processes", 1, 2.0}, {"threads", 1, 1.5}}));
  EXPECT_NE(text.find("processes     1"), std::string::npos) << text;
  EXPECT_NE(text.find("threads -j 1 over processes"), std::string::npos) << text;
  EXPECT_NE(text.find("--seed 1"), std::string::npos) << text;
}

TEST(Advice, SaysWhatMakesItDoubtful) {
  Report report = made_report({{"processes", 2, 1.0}, {"threads", 2, 1.0}}, 0.02);
  EXPECT_TRUE(report.advice.ends_with("costs no other.")) << report.advice;
  report.repeats = 2;
  report.noise.others_share = 0.5;
  conclude(report);
  EXPECT_TRUE(
      report.advice.ends_with("costs no other (2 rounds are too few to be sure, and the machine was not quiet)."))
      << report.advice;
}

TEST(Advice, TakesTheIsolatedOneOfTwoThatAreEqual) {
  const std::string advice = made_report({{"processes", 2, 1.0}, {"threads", 2, 1.0}}, 0.02).advice;
  EXPECT_EQ(advice.find("Use --backend processes -j 2"), 0U) << advice;
}

TEST(Advice, SaysThePriceOfIsolationWhereItIsWorthIt) {
  const std::string advice = made_report({{"processes", 2, 1.05}, {"threads", 2, 1.0}}, 0.001).advice;
  EXPECT_EQ(advice.find("Use --backend processes -j 2"), 0U) << advice;
  EXPECT_NE(advice.find("threads -j 2 takes 5 % less"), std::string::npos) << advice;
}

TEST(Advice, TakesTheFasterOneWhereIsolationIsDear) {
  const std::string advice = made_report({{"processes", 2, 1.5}, {"threads", 2, 1.0}}, 0.01).advice;
  EXPECT_EQ(advice.find("Use --backend threads -j 2"), 0U) << advice;
  EXPECT_NE(advice.find("--backend processes -j 2"), std::string::npos) << advice;
}

TEST(Advice, TakesFewerWorkersWhereMoreDoNotHelp) {
  const std::string advice = made_report({{"processes", 2, 1.0}, {"processes", 4, 1.0}}, 0.02).advice;
  EXPECT_EQ(advice.find("Use --backend processes -j 2"), 0U) << advice;
}

TEST(Changes, WhatJsonWroteIsReadBack) {
  const Report report = made_report({{"processes", 1, 2.0}, {"threads", 2, 1.5}});
  const OldReport old = parse_old_report(json_of(report), "old.json");
  EXPECT_EQ(old.cpu, "a processor");
  EXPECT_EQ(old.chain, "gray");
  ASSERT_EQ(old.runs.size(), 2U);
  EXPECT_EQ(old.runs[1].point.backend, "threads");
  EXPECT_EQ(old.runs[1].point.jobs, 2);
  EXPECT_EQ(old.runs[1].images, 100U);
  EXPECT_EQ(old.runs[1].seconds, report.runs[1].seconds);
}

TEST(Changes, TheSameAgainIsNoRegressionAndSlowerIs) {
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    const OldReport old = parse_old_report(json_of(made_report({{"processes", 2, 1.0}}, 0.01, seed)), "old.json");
    EXPECT_FALSE(changes_since(old, made_report({{"processes", 2, 1.0}}, 0.01, seed + 100)).regressed()) << seed;
    EXPECT_TRUE(changes_since(old, made_report({{"processes", 2, 1.2}}, 0.01, seed + 100)).regressed()) << seed;
    const Changes faster = changes_since(old, made_report({{"processes", 2, 0.8}}, 0.01, seed + 100));
    EXPECT_FALSE(faster.regressed()) << seed;
    EXPECT_EQ(faster.all[0].comparison.relation, Relation::faster) << seed;
  }
}

TEST(Changes, OnANoisyMachineSmallDifferencesCountForNothing) {
  Report before = made_report({{"processes", 2, 1.0}}, 0.01);
  before.noise.probe_spread = 0.3;
  const Changes changes =
      changes_since(parse_old_report(json_of(before), "old"), made_report({{"processes", 2, 1.2}}, 0.01, 2));
  EXPECT_FALSE(changes.regressed());
  EXPECT_FALSE(changes.remarks.empty());
}

TEST(Changes, AnotherNumberOfPassesIsAllowedFor) {
  const OldReport old = parse_old_report(json_of(made_report({{"processes", 2, 1.0}})), "old");
  Report twice = made_report({{"processes", 2, 2.0}});
  twice.workloads[0].passes = 2;
  EXPECT_EQ(changes_since(old, twice).all[0].comparison.relation, Relation::equal);
}

TEST(Changes, OfAnotherJobNothingIsSaid) {
  const OldReport old = parse_old_report(json_of(made_report({{"processes", 2, 1.0}})), "old");
  Report other = made_report({{"processes", 2, 1.0}});
  other.chain = "blur=2";
  EXPECT_THROW((void)changes_since(old, other), Error);
  Report fewer = made_report({{"processes", 2, 1.0}});
  fewer.workloads[0].images = 99;
  EXPECT_THROW((void)changes_since(old, fewer), Error);
  EXPECT_THROW((void)changes_since(old, made_report({{"processes", 3, 1.0}})), Error);
}

TEST(Changes, WhatIsNoReportIsRefusedByName) {
  const std::string good = json_of(made_report({{"processes", 1, 2.0}}));
  std::string no_seconds = good;
  no_seconds.replace(no_seconds.find("\"seconds\""), 9, "\"decades\"");
  std::string no_mode = good;
  no_mode.replace(no_mode.rfind("\"files\""), 7, "\"fires\"");
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("[1]"), good.substr(0, 200), no_seconds, no_mode}) {
    try {
      (void)parse_old_report(text, "old.json");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_NE(std::string(error.what()).find("old.json"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace pixmill::bench

#include "bench/breakdown.hpp"

#include "bench/report_html.hpp"
#include "bench/report_json.hpp"
#include "bench/report_text.hpp"
#include "tests/bench/synthetic_report.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pixmill::bench {
namespace {

Breakdown made_breakdown() {
  return {2.0,
          {"read", "decode", "reduce", "encode", "write", "lost", "gray", "<blur>"},
          {{"worker 1", {0, 1, 0, 0.5, 0, 0, 0.125, 0}, 0.25, 0.125},
           {"worker 2", {0, 1, 0, 0.25, 0, 0.125, 0.125, 0}, 0.25, 0.25},
           {"reader 1", {0.5, 0, 0, 0, 0, 0, 0, 0}, 1, 0.5}}};
}

TEST(Breakdown, ComesOutOfAChildAsItWentIn) {
  const BreakdownFile file;
  file.write(made_breakdown());
  const Breakdown read = file.read();
  EXPECT_EQ(read.seconds, 2.0);
  EXPECT_EQ(read.stages, made_breakdown().stages);
  ASSERT_EQ(read.rows.size(), 3U);
  EXPECT_EQ(read.rows[1].name, "worker 2");
  EXPECT_EQ(read.rows[1].seconds, made_breakdown().rows[1].seconds);
  EXPECT_EQ(read.rows[2].waiting, 1);
  EXPECT_EQ(read.rows[2].idle, 0.5);
}

TEST(Breakdown, OfAChildThatWroteNoneIsAnError) { EXPECT_THROW((void)BreakdownFile().read(), Error); }

TEST(Breakdown, IsSummedByCrew) {
  const CrewTimes workers = sum_of_crew(made_breakdown(), "worker");
  EXPECT_EQ(workers.rows, 2);
  EXPECT_EQ(workers.seconds[1], 2);
  EXPECT_EQ(workers.seconds[3], 0.75);
  EXPECT_EQ(workers.waiting, 0.5);
  EXPECT_EQ(workers.whole(), 4);
  EXPECT_EQ(sum_of_crew(made_breakdown(), "writer").rows, 0);
}

TEST(Breakdown, HasAWorkerThatGotNoImage) {
  Breakdown breakdown = made_breakdown();
  breakdown.rows.erase(breakdown.rows.begin());  // the first came too late, and so did the third
  add_idle_workers(breakdown, 3);
  std::vector<std::string> names;
  for (const RowTimes& row : breakdown.rows) names.push_back(row.name);
  EXPECT_EQ(names, (std::vector<std::string>{"worker 1", "worker 2", "worker 3", "reader 1"}));
  EXPECT_EQ(breakdown.rows[0].idle, 2.0);
  EXPECT_EQ(breakdown.rows[0].seconds, std::vector<double>(8));
  EXPECT_EQ(breakdown.rows[1].seconds, made_breakdown().rows[1].seconds);
  EXPECT_EQ(sum_of_crew(breakdown, "worker").whole(), 6);
}

TEST(Breakdown, IsToldInTheOrderOfAnImagesWay) {
  const std::vector<std::size_t> order = {0, 1, 6, 7, 2, 3, 4, 5};
  EXPECT_EQ(order_of_stages(8), order);
  const std::vector<std::string> lines = breakdown_lines(made_breakdown());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "2 workers: decode 50.0 %, gray 6.2 %, encode 18.8 %, lost 3.1 %, waiting 12.5 %, idle 9.4 %");
  EXPECT_EQ(lines[1], "1 reader: read 25.0 %, waiting 50.0 %, idle 25.0 %");
}

TEST(Breakdown, IsInEveryFormOfTheReport) {
  Report report = tests::made_report({{"processes", 1, 2.0}, {"processes", 2, 1.0}});
  report.runs[1].breakdown = made_breakdown();
  EXPECT_NE(text_of(report).find("2 workers: decode 50.0 %"), std::string::npos);
  const auto json = nlohmann::json::parse(json_of(report));
  EXPECT_TRUE(json["runs"][0]["breakdown"].is_null());
  EXPECT_EQ(json["runs"][1]["breakdown"]["rows"][0]["seconds"][1], 1.0);
  const std::string page = html_of(report, nullptr);
  EXPECT_NE(page.find("processes, worker 2"), std::string::npos);
  EXPECT_EQ(page.find("<blur>"), std::string::npos);
  EXPECT_EQ(page.find("nan"), std::string::npos);
}

TEST(Floors, AreWhatTheBackendIsSetBeside) {
  Report report = tests::made_report({{"processes", 2, 1.2}, {"threads", 2, 1.1}}, 0);
  Floor& floor = report.floors.emplace_back();
  floor.jobs = 2;
  floor.seconds.assign(7, 1.0);
  conclude(report);
  ASSERT_TRUE(report.floors[0].base_over);
  EXPECT_EQ(report.floors[0].base, "processes");
  EXPECT_DOUBLE_EQ(report.floors[0].base_over->ratio, 1.2);
  EXPECT_NE(text_of(report).find("decoding alone"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(json_of(report))["floors"][0]["base_over"]["ratio"], 1.2);
  EXPECT_NE(html_of(report, nullptr).find("processes -j 2 over decoding alone"), std::string::npos);

  report.floors[0].jobs = 3;
  report.floors[0].base_over.reset();
  conclude(report);
  EXPECT_FALSE(report.floors[0].base_over) << "nothing has as many workers";
}

}  // namespace
}  // namespace pixmill::bench

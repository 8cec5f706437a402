#include "bench/svg_chart.hpp"

#include "bench/report_html.hpp"
#include "tests/bench/synthetic_report.hpp"

#include <gtest/gtest.h>

namespace pixmill::bench {
namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(SvgChart, TicksAreRoundAndReachTheMost) {
  EXPECT_EQ(round_ticks(10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(round_ticks(2, 8, 1), (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(round_ticks(7, 5), (std::vector<double>{0, 2, 4, 6, 8}));
  for (const double most : {1e-9, 0.37, 1.0, 99.0, 12345.6}) {
    const auto ticks = round_ticks(most, 5);
    EXPECT_GE(ticks.back(), most * (1 - 1e-9));
    EXPECT_LE(ticks.size(), 6U) << most;
  }
  EXPECT_EQ(round_ticks(0, 5).back(), 1) << "of nothing there is an axis, too";
}

TEST(SvgChart, TextsAreEscaped) {
  EXPECT_EQ(escape_markup("<b> & \"'"), "&lt;b&gt; &amp; &quot;&#39;");
  const std::string chart = bar_chart("a <b>", {{"<i>", "1 < 2", 1, {}, 0}});
  EXPECT_EQ(chart.find("<i>"), std::string::npos);
  EXPECT_EQ(chart.find("<b>"), std::string::npos);
}

TEST(SvgChart, ThereIsAMarkForEachValue) {
  EXPECT_EQ(count_of(bar_chart("t", {{"a", "1", 1, Interval{0.9, 1.1}, 0}, {"b", "2", 2, {}, 1}}), "class=\"bar"), 2U);
  const std::string strips = strip_chart("t", {{"a", {1, 2, 3}, {2}, 2, "2", 0}});
  EXPECT_EQ(count_of(strips, "class=\"dot"), 3U);
  EXPECT_EQ(count_of(strips, "hollow"), 1U);
}

TEST(SvgChart, ARatioIsOnItsSideOfOne) {
  const std::string chart = ratio_chart(
      "t", "times as long", {{"slower", "1.20", 1.2, {1.1, 1.3}, 0}, {"faster", "0.80", 0.8, {0.7, 0.9}, 1}});
  EXPECT_EQ(count_of(chart, "class=\"mark"), 2U);
  EXPECT_EQ(count_of(chart, "class=\"whisker\""), 6U);
  const auto number_behind = [&chart](const char* text, std::size_t from) {
    return std::stod(chart.substr(chart.find(text, from) + std::string_view(text).size()));
  };
  const double one = number_behind("<line x1=\"", chart.rfind("\" y1=\"0.0\"") - 20);
  const double slower = number_behind("<circle cx=\"", 0);
  const double faster = number_behind("<rect x=\"", 0);
  EXPECT_GT(slower, one);
  EXPECT_LT(faster, one);
  EXPECT_EQ(ratio_chart("t", "x", {{"same", "1", 1, {1, 1}, 0}}).find("nan"), std::string::npos);
}

TEST(SvgChart, PartsOfAStackAddUp) {
  const std::string chart =
      stack_chart("t", {"a", "b", "waiting", "idle"}, {{"one", "50 %", {1, 0, 1, 2}}, {"two", "", {0, 0, 0, 0}}});
  // Four squares of the legend, and the three parts of the first row that are something.
  EXPECT_EQ(count_of(chart, "<rect"), 7U) << chart;
  EXPECT_EQ(count_of(chart, "bar waiting"), 2U);
  EXPECT_EQ(chart.find("nan"), std::string::npos);
}

TEST(SvgChart, ALineThatLeavesEndsAtTheEdge) {
  const std::string chart = curve_chart("t", "x", "y",
                                        {{"measured", {{1, 1, {}, false}, {4, 2, {}, false}}, true, 0},
                                         {"ideal", {{1, 1, {}, false}, {4, 4, {}, false}}, false, -1}});
  // The axis of y ends at 2; x = 2 of 4 is half of what lies between 44 and 390.
  EXPECT_NE(chart.find("L217.0 "), std::string::npos) << chart;
}

TEST(ReportHtml, WhatComesFromOutsideIsEscaped) {
  Report report = tests::made_report({{"processes", 1, 2.0}, {"processes", 2, 1.0}});
  report.machine.cpu = "<script>alert(1)</script>";
  report.chain = "<img src=x>";
  const std::string page = html_of(report, nullptr);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
}

TEST(ReportHtml, FitsAndPredictionsAreThereWhereThereArePointsEnough) {
  const auto law = [](int n) { return 2.0 * (0.1 + 0.9 / n); };
  const std::string few = html_of(tests::made_report({{"threads", 1, law(1)}, {"threads", 2, law(2)}}), nullptr);
  EXPECT_EQ(few.find("Predictions"), std::string::npos);
  const std::string many =
      html_of(tests::made_report(
                  {{"threads", 1, law(1)}, {"threads", 2, law(2)}, {"threads", 3, law(3)}, {"threads", 4, law(4)}}),
              nullptr);
  EXPECT_NE(many.find("Predictions, not measurements"), std::string::npos);
  EXPECT_NE(many.find("threads, universal law"), std::string::npos);
}

}  // namespace
}  // namespace pixmill::bench

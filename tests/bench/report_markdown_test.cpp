#include "bench/report_markdown.hpp"

#include "tests/bench/synthetic_report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace pixmill::bench {
namespace {

/// Cells of a line of a table.
long cells_of(const std::string& line) {
  long bars = 0;
  for (std::size_t i = 0; i < line.size(); ++i) bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
  return bars - 1;
}

TEST(ReportMarkdown, EveryRowHasTheCellsOfItsTable) {
  Report report = tests::made_report({{"processes", 1, 2.0}, {"processes", 2, 1.0}, {"threads", 2, 1.1}});
  report.runs[1].breakdown = Breakdown{1, {"read", "decode"}, {{"worker 1", {0.1, 0.5}, 0.2, 0.2}}};
  report.peers.resize(2);
  report.peers[0].seconds = {1, 1};
  report.peers[1].name = "other | program";
  report.peers[1].why_not = "not there";
  FaultResult& fault = report.faults.emplace_back();
  fault.good = 20;
  fault.how = "was killed";
  std::istringstream lines(markdown_of(report, nullptr));
  long cells = -1;
  int tables = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("|")) {
      cells = -1;
      continue;
    }
    if (cells < 0) ++tables;
    if (cells >= 0) {
      EXPECT_EQ(cells_of(line), cells) << line;
    }
    cells = cells_of(line);
  }
  EXPECT_EQ(tables, 4);
}

TEST(ReportMarkdown, WhatComesFromOutsideIsNoMarkup) {
  EXPECT_EQ(escape_cell("<img>|*a*\n[b]"), "\\<img\\>\\|\\*a\\* \\[b\\]");
  Report report = tests::made_report({{"processes", 1, 2.0}});
  report.machine.cpu = "<script>alert(1)</script>";
  EXPECT_EQ(markdown_of(report, nullptr).find("<script>"), std::string::npos);
}

}  // namespace
}  // namespace pixmill::bench

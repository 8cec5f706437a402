#include "pipeline/journal/row.hpp"
#include "pipeline/journal/base64.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <string>

namespace pixmill::pipeline {
namespace {

ImageOutcome sample() {
  ImageOutcome outcome;
  outcome.index = 17;
  outcome.input = "a/b \"c\"\n.jpg";
  outcome.output = "out/a/b.png";
  outcome.verdict = Verdict::truncated;
  outcome.detail = "cut short";
  outcome.ms = 1.23456;
  outcome.attempts = 1;
  outcome.width = 500;
  outcome.height = 375;
  outcome.bytes_in = 110233;
  outcome.bytes_out = 8123;
  outcome.input_xxh64 = 0x0123456789abcdefU;
  outcome.output_xxh64 = 0xfedcba9876543210U;
  return outcome;
}

TEST(Row, HoldsTheKeysOfTheContractOnOneLine) {
  const std::string line = row_line(sample(), 5);
  ASSERT_EQ(line.find('\n'), line.size() - 1);
  const auto row = nlohmann::json::parse(line);
  EXPECT_EQ(row["index"], 17);
  EXPECT_EQ(row["verdict"], "truncated");
  EXPECT_EQ(row["ms"], 1.235);
  EXPECT_EQ(row["input_xxh64"], "0123456789abcdef");
  for (const char* key :
       {"input", "output", "attempts", "width", "height", "bytes_in", "bytes_out", "output_xxh64", "detail"}) {
    EXPECT_TRUE(row.contains(key)) << key;
  }
  EXPECT_FALSE(row.contains("input_b64"));
}

TEST(Row, ReadsBackAsItself) {
  const auto row = parse_row(row_line(sample(), 77));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->plan, 77U);
  EXPECT_EQ(row->outcome.input, sample().input);
  EXPECT_EQ(row->outcome.output, sample().output);
  EXPECT_EQ(row->outcome.verdict, sample().verdict);
  EXPECT_EQ(row->outcome.detail, sample().detail);
  EXPECT_EQ(row->outcome.width, sample().width);
  EXPECT_EQ(row->outcome.output_xxh64, sample().output_xxh64);
}

TEST(Row, KeepsAPathThatIsNoUtf8) {
  ImageOutcome outcome = sample();
  outcome.input = "a\xff\xfe.jpg";
  outcome.output = "out/a\xff\xfe.png";
  const std::string line = row_line(outcome, 1);
  EXPECT_TRUE(nlohmann::json::parse(line).contains("input_b64"));
  const auto row = parse_row(line);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->outcome.input, outcome.input);
  EXPECT_EQ(row->outcome.output, outcome.output);
}

TEST(Row, EveryCutIsNoRow) {
  const std::string line = row_line(sample(), 1);
  for (std::size_t length = 0; length + 1 < line.size(); ++length) {
    EXPECT_FALSE(parse_row(std::string_view(line).substr(0, length))) << length;
  }
}

TEST(Row, AnyOtherTextIsNoRow) {
  for (const char* text :
       {"", "null", "[]", "{}", "{\"verdict\":1}", "{\"verdict\":\"ok\"}", "{\"verdict\":\"fine\",\"input\":\"a\"}",
        "{\"verdict\":\"ok\",\"input\":7}", "{\"summary\":{\"images\":3}}", "\x00\xff", "[[[[[[[["}) {
    EXPECT_FALSE(parse_row(text)) << text;
  }
}

TEST(Row, WrongTypesAreReadAsAbsent) {
  const auto row =
      parse_row(R"({"input":"a","verdict":"ok","width":"wide","bytes_in":-3,"output_xxh64":12,"plan":"xyz"})");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->outcome.width, 0);
  EXPECT_EQ(row->outcome.bytes_in, 0U);
  EXPECT_EQ(row->outcome.output_xxh64, 0U);
  EXPECT_EQ(row->plan, 0U);
}

TEST(Row, SummaryCountsEveryVerdict) {
  BatchReport report;
  report.images = 3;
  report.counts[static_cast<std::size_t>(Verdict::ok)] = 2;
  report.counts[static_cast<std::size_t>(Verdict::corrupt)] = 1;
  report.backend = "threads";
  report.jobs = 2;
  const auto summary = nlohmann::json::parse(summary_line(report))["summary"];
  EXPECT_EQ(summary["images"], 3);
  EXPECT_EQ(summary["ok"], 2);
  EXPECT_EQ(summary["corrupt"], 1);
  EXPECT_EQ(summary["too-large"], 0);
  EXPECT_EQ(summary["backend"], "threads");
}

TEST(Base64, AgreesWithTheRfc) {
  const std::pair<const char*, const char*> known[] = {{"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
                                                       {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : known) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, RefusesWhatIsNone) {
  for (const char* text : {"Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9\n", "Zm 9"})
    EXPECT_FALSE(from_base64(text)) << text;
}

}  // namespace
}  // namespace pixmill::pipeline

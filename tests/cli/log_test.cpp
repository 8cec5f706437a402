#include "cli/log.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace pixmill::cli {
namespace {

constexpr const char* kTime = "2026-01-31T12:34:56.789Z";

ImageOutcome outcome_of(Verdict verdict, const std::string& detail = "") {
  ImageOutcome outcome;
  outcome.input = "in/a.jpg";
  outcome.output = "out/a.png";
  outcome.verdict = verdict;
  outcome.detail = detail;
  outcome.width = 5;
  outcome.height = 3;
  outcome.ms = 1.5;
  return outcome;
}

std::string said(LogOptions options, const LogEntry& entry) {
  Console console;
  Log log(console, "pixmill run", options);
  testing::internal::CaptureStderr();
  log.write(entry);
  return testing::internal::GetCapturedStderr();
}

TEST(JsonLine, HasTheKeysThatApply) {
  const nlohmann::json plain = nlohmann::json::parse(json_line({Level::error, "no room", "", {}}, kTime));
  EXPECT_EQ(plain, (nlohmann::json{{"time", kTime}, {"level", "error"}, {"message", "no room"}}));
  const nlohmann::json image =
      nlohmann::json::parse(json_line({Level::warning, "cut", "a.jpg", Verdict::truncated}, kTime));
  EXPECT_EQ(image["input"], "a.jpg");
  EXPECT_EQ(image["verdict"], "truncated");
  EXPECT_EQ(image["level"], "warning");
}

TEST(JsonLine, IsOneValidLineWhateverThePathHolds) {
  const std::string line = json_line({Level::warning, "x\ny\"", "caf\xe9\x1b\n.jpg", Verdict::corrupt}, kTime);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const nlohmann::json json = nlohmann::json::parse(line);
  EXPECT_EQ(json["message"], "x\ny\"");
  EXPECT_EQ(json["input"], "caf\xef\xbf\xbd\x1b\n.jpg");
}

TEST(TextLine, LeadsWithTheVerdict) {
  EXPECT_EQ(text_line({Level::warning, "cut short", "a.jpg", Verdict::truncated}, "pixmill run", false),
            "truncated      a.jpg: cut short");
  EXPECT_EQ(text_line({Level::debug, "", "a.jpg", Verdict::out_of_memory}, "pixmill run", false),
            "out-of-memory  a.jpg");
}

TEST(TextLine, NamesTheCommandInErrors) {
  EXPECT_EQ(text_line({Level::error, "no room", "", {}}, "pixmill run", false), "pixmill run: no room");
  EXPECT_EQ(text_line({Level::warning, "odd", "", {}}, "pixmill run", false), "warning: odd");
}

TEST(TextLine, LetsNothingThroughThatSteersATerminal) {
  const LogEntry entry{Level::warning, "\x1b]0;x\x07", "a\x1b[2J\n.jpg", Verdict::corrupt};
  const std::string plain = text_line(entry, "pixmill run", false);
  EXPECT_EQ(plain.find_first_of("\x1b\x07\n"), std::string::npos);
  const std::string colour = text_line(entry, "pixmill run", true);
  EXPECT_EQ(colour.rfind("\x1b[31mcorrupt      \x1b[0m  a", 0), 0U) << "our own colour, and no other";
  EXPECT_EQ(colour.find('\x1b', 10), colour.find("\x1b[0m"));
}

TEST(EntryFor, FailuresAreWarningsAndTheRestIsForTheCurious) {
  EXPECT_EQ(entry_for(outcome_of(Verdict::corrupt)).level, Level::warning);
  EXPECT_EQ(entry_for(outcome_of(Verdict::repaired)).level, Level::warning);
  EXPECT_EQ(entry_for(outcome_of(Verdict::ok)).level, Level::debug);
  EXPECT_EQ(entry_for(outcome_of(Verdict::skipped)).level, Level::debug);
  EXPECT_EQ(entry_for(outcome_of(Verdict::cancelled)).level, Level::debug);
}

TEST(EntryFor, SaysWhereAnImageWentAndWhatElseIsKnown) {
  EXPECT_EQ(entry_for(outcome_of(Verdict::ok)).message, "out/a.png, 5x3, 1.50 ms");
  EXPECT_EQ(entry_for(outcome_of(Verdict::ok, "16 bits brought to 8")).message,
            "out/a.png, 5x3, 1.50 ms; 16 bits brought to 8");
}

TEST(Log, SaysWhatTheOptionsAskFor) {
  const LogEntry error{Level::error, "e", "", {}};
  const LogEntry failed = entry_for(outcome_of(Verdict::corrupt, "bad"));
  const LogEntry fine = entry_for(outcome_of(Verdict::ok));
  LogOptions quiet;
  quiet.quiet = true;
  LogOptions verbose;
  verbose.verbose = true;
  EXPECT_EQ(said(quiet, error), "pixmill run: e\n");
  EXPECT_EQ(said(quiet, failed), "");
  EXPECT_EQ(said({}, failed), "corrupt        in/a.jpg: bad\n");
  EXPECT_EQ(said({}, fine), "");
  EXPECT_EQ(said(verbose, fine), "ok             in/a.jpg: out/a.png, 5x3, 1.50 ms\n");
}

TEST(Log, StampsJsonWithTheTimeInUtc) {
  LogOptions json;
  json.json = true;
  const std::string line = said(json, {Level::error, "e", "", {}});
  const std::string time = nlohmann::json::parse(line)["time"];
  EXPECT_EQ(time.size(), std::string(kTime).size());
  EXPECT_EQ(time.back(), 'Z');
  EXPECT_EQ(time.substr(0, 2), "20");
}

}  // namespace
}  // namespace pixmill::cli

#include "pipeline/inputs/list_file.hpp"

#include "tests/pipeline/inputs/input_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace pixmill::pipeline {
namespace {

using Lines = std::vector<std::string>;

Lines lines(const std::string& text, bool nul_separated = false) {
  Lines found;
  split_list("list", text, nul_separated, [&](std::string_view path) { found.emplace_back(path); });
  return found;
}

TEST(ListFile, GivesOnePathALine) {
  EXPECT_EQ(lines("a\nb/c.jpg\n"), (Lines{"a", "b/c.jpg"}));
  EXPECT_EQ(lines("a\nb"), (Lines{"a", "b"}));
  EXPECT_EQ(lines(""), Lines{});
  EXPECT_EQ(lines("\n\n"), Lines{});
}

TEST(ListFile, PassesOverEmptyLinesAndKeepsBlanksAndBytes) {
  EXPECT_EQ(lines("\na\n\n b \t\n#c\n\xff\xfe.jpg\n"), (Lines{"a", " b \t", "#c", "\xff\xfe.jpg"}));
}

TEST(ListFile, TakesLineEndsOfWindows) {
  EXPECT_EQ(lines("\xef\xbb\xbf"
                  "a\r\nb\r\n\r\nc\rd\r"),
            (Lines{"a", "b", "c\rd"}));
}

TEST(ListFile, KeepsEverythingBetweenNuls) {
  EXPECT_EQ(lines(std::string("a\nb\0c\r\0\0d", 9), true), (Lines{"a\nb", "c\r", "d"}));
}

TEST(ListFile, TellsTheTwoKindsApart) {
  const Error lined = error_of([] { lines("a\nb\n", true); }).value();
  const Error nulled = error_of([] { lines(std::string("a\nb\0c", 5)); }).value();

  EXPECT_NE(std::string(lined.what()).find("-0"), std::string::npos);
  EXPECT_NE(std::string(nulled.what()).find("line 2"), std::string::npos);
  EXPECT_EQ(nulled.code(), ErrorCode::usage);
  EXPECT_EQ(lines("just one", true), (Lines{"just one"}));
}

TEST(ListFile, TakesLinesOfAnyLength) {
  const std::string longest(5'000'000, 'x');

  EXPECT_EQ(lines("a\n" + longest + "\nb\n"), (Lines{"a", longest, "b"}));
}

TEST(ListFile, AppendsWhatItReads) {
  const InputFolder folder;
  const std::string content(3'000'000, 'y');
  folder.write("list", content);
  std::string text = "before";

  read_list("list", text);

  EXPECT_EQ(text, "before" + content);
}

TEST(ListFile, ReadsAFifoToItsEnd) {
  const InputFolder folder;
  ASSERT_EQ(::mkfifo("fifo", 0600), 0);
  std::jthread writer([] { std::ofstream("fifo") << "a\n" << std::string(200'000, 'b') << '\n'; });
  std::string text;

  read_list("fifo", text);

  EXPECT_EQ(text, "a\n" + std::string(200'000, 'b') + "\n");
}

TEST(ListFile, NamesAListThatCannotBeRead) {
  const InputFolder folder;
  std::string text;

  const Error missing = error_of([&] { read_list("no-such-list", text); }).value();
  const Error is_folder = error_of([&] { read_list(folder.path(), text); }).value();

  EXPECT_EQ(missing.code(), ErrorCode::usage);
  EXPECT_NE(std::string(missing.what()).find("no-such-list"), std::string::npos);
  EXPECT_EQ(is_folder.code(), ErrorCode::usage);
  EXPECT_NE(std::string(is_folder.what()).find(folder.path()), std::string::npos);
}

}  // namespace
}  // namespace pixmill::pipeline

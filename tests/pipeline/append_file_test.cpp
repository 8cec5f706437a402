#include "pipeline/journal/append_file.hpp"
#include "tests/support/scratch_folder.hpp"

#include <pixmill/error.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pixmill::pipeline {
namespace {

AppendFile opened(const std::string& path) {
  return {ipc::UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)), path};
}

std::vector<std::string> lines_of(const std::string& path) {
  const ipc::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  LineReader reader(fd.get());
  std::vector<std::string> lines;
  std::string_view line;
  std::uint64_t offset = 0;
  const std::string content = tests::read_file(path);
  while (reader.next(line, offset)) {
    EXPECT_EQ(content.compare(offset, line.size(), line), 0) << "offset of line " << lines.size();
    lines.emplace_back(line);
  }
  return lines;
}

TEST(AppendFile, AppendsAfterWhatIsThere) {
  const tests::ScratchFolder folder;
  tests::write_file(folder / "f", "one\n");
  opened(folder / "f").append("two\n");
  EXPECT_EQ(tests::read_file(folder / "f"), "one\ntwo\n");
}

TEST(AppendFile, ClosesALineThatWasCutShort) {
  const tests::ScratchFolder folder;
  tests::write_file(folder / "f", "one\ntw");
  opened(folder / "f").append("three\n");
  EXPECT_EQ(tests::read_file(folder / "f"), "one\ntw\nthree\n");
}

TEST(AppendFile, AReserveDoesNotChangeItsLength) {
  const tests::ScratchFolder folder;
  AppendFile file = opened(folder / "f");
  EXPECT_TRUE(file.reserve(1U << 20));
  EXPECT_EQ(std::filesystem::file_size(folder / "f"), 0U);
  file.append("line\n");
  file.release_reserve();
  EXPECT_EQ(tests::read_file(folder / "f"), "line\n");
}

TEST(AppendFile, AFailedAppendSaysSo) {
  AppendFile full(ipc::UniqueFd(::open("/dev/full", O_RDWR | O_CLOEXEC)), "/dev/full");
  const WriteStatus status = full.append("line\n");
  EXPECT_FALSE(status.ok);
  EXPECT_TRUE(status.no_room);
}

TEST(Lock, KeepsASecondProcessAwayAndNamesTheFirst) {
  const tests::ScratchFolder folder;
  const ipc::UniqueFd held = open_locked(folder / "f");
  EXPECT_TRUE(is_locked(folder / "f"));
  try {
    static_cast<void>(open_locked(folder / "f"));
    FAIL() << "a second lock was given";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_NE(std::string(error.what()).find(std::to_string(::getpid())), std::string::npos) << error.what();
  }
}

TEST(Lock, IsFreeAgainWhenItsHolderIsGone) {
  const tests::ScratchFolder folder;
  { const ipc::UniqueFd held = open_locked(folder / "f"); }
  EXPECT_FALSE(is_locked(folder / "f"));
  EXPECT_NO_THROW(static_cast<void>(open_locked(folder / "f")));
}

TEST(Lock, WhatCannotBeToldIsTakenForHeld) {
  const tests::ScratchFolder folder;
  EXPECT_FALSE(is_locked(folder / "missing"));
  ASSERT_EQ(::symlink("loop", (folder / "loop").c_str()), 0);
  EXPECT_TRUE(is_locked(folder / "loop"));
}

TEST(Lock, AFolderThatIsMissingIsTheMachinesFault) {
  try {
    static_cast<void>(open_locked("/nonexistent/folder/file"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::machine);
  }
}

TEST(LineReader, FindsEveryLine) {
  const tests::ScratchFolder folder;
  tests::write_file(folder / "f", "a\n\nbb\nlast");
  EXPECT_EQ(lines_of(folder / "f"), (std::vector<std::string>{"a", "", "bb", "last"}));
  tests::write_file(folder / "empty", "");
  EXPECT_TRUE(lines_of(folder / "empty").empty());
}

TEST(LineReader, LinesMayBeLongerThanItsReads) {
  const tests::ScratchFolder folder;
  const std::string line_of_a(1000003, 'a');
  const std::string line_of_b(262144, 'b');
  tests::write_file(folder / "f", line_of_a + "\n" + line_of_b + "\nc\n");
  EXPECT_EQ(lines_of(folder / "f"), (std::vector<std::string>{line_of_a, line_of_b, "c"}));
}

TEST(LineReader, SkipsALineWithoutEnd) {
  const tests::ScratchFolder folder;
  tests::write_file(folder / "f", "a\n" + std::string(LineReader::kLongestLine + 999999, 'x') + "\nb\n");
  EXPECT_EQ(lines_of(folder / "f"), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace pixmill::pipeline

#include "pipeline/files/output_file.hpp"
#include "tests/support/scratch_folder.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <span>
#include <stop_token>
#include <string>
#include <thread>

namespace pixmill::pipeline {
namespace {

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

TEST(OutputFile, ReplacesWholeAndLeavesNothingElse) {
  const tests::ScratchFolder folder;
  for (const bool durable : {false, true}) {
    ASSERT_TRUE(replace_file(folder / "a.png", bytes_of("one"), "id", durable).ok);
    ASSERT_TRUE(replace_file(folder / "a.png", bytes_of("two"), "id", durable).ok);
    EXPECT_EQ(tests::read_file(folder / "a.png"), "two");
    EXPECT_EQ(tests::files_below(folder.path()), std::vector<std::string>{"a.png"});
  }
}

TEST(OutputFile, HonoursTheUmask) {
  const tests::ScratchFolder folder;
  const mode_t before = ::umask(027);
  ASSERT_TRUE(replace_file(folder / "a.png", bytes_of("x"), "id", false).ok);
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat((folder / "a.png").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

TEST(OutputFile, AFailureSaysWhyAndLeavesNothing) {
  const tests::ScratchFolder folder;
  const WriteStatus missing = replace_file(folder / "no/a.png", bytes_of("x"), "id", false);
  EXPECT_FALSE(missing.ok);
  EXPECT_FALSE(missing.no_room);
  EXPECT_NE(missing.detail.find("No such file"), std::string::npos);
  ASSERT_EQ(::mkdir((folder / "taken").c_str(), 0755), 0);
  EXPECT_FALSE(replace_file(folder / "taken", bytes_of("x"), "id", false).ok);
  EXPECT_TRUE(tests::files_below(folder.path()).empty());
}

TEST(OutputFile, WithoutADescriptorForItsFolderItIsNotReplaced) {
  const tests::ScratchFolder folder;
  tests::write_file(folder / "a.png", "old");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // Room for one more file: the new one, or its folder.
  const int next = ::dup(STDIN_FILENO);
  ASSERT_GE(next, 0);
  ASSERT_EQ(::close(next), 0);
  const rlimit one{static_cast<rlim_t>(next) + 1, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &one), 0);
  const WriteStatus status = replace_file(folder / "a.png", bytes_of("new"), "id", true);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(status.ok);
  EXPECT_EQ(tests::read_file(folder / "a.png"), "old");
  EXPECT_EQ(tests::files_below(folder.path()), std::vector<std::string>{"a.png"});
}

TEST(OutputFile, ReplacesALinkAndNotWhatItPointsTo) {
  const tests::ScratchFolder folder;
  tests::write_file(folder / "original", "kept");
  ASSERT_EQ(::symlink("original", (folder / "link").c_str()), 0);
  ASSERT_TRUE(replace_file(folder / "link", bytes_of("new"), "id", false).ok);
  EXPECT_EQ(tests::read_file(folder / "original"), "kept");
  EXPECT_EQ(tests::read_file(folder / "link"), "new");
}

TEST(OutputFile, AReportFollowsALinkAndIsWrittenToADevice) {
  const tests::ScratchFolder folder;
  tests::write_file(folder / "target", "old");
  ASSERT_EQ(::symlink("target", (folder / "link").c_str()), 0);
  ASSERT_TRUE(write_report(folder / "link", bytes_of("new"), "report", false).ok);
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(tests::read_file(folder / "target"), "new");
  ASSERT_EQ(::symlink("/dev/full", (folder / "full").c_str()), 0);
  EXPECT_TRUE(write_report(folder / "full", bytes_of("x"), "report", false).no_room);
  EXPECT_TRUE(write_report("/dev/null", bytes_of("x"), "report", false).ok);
}

TEST(OutputFile, AReportWaitsForWhoeverReadsItsPipe) {
  const tests::ScratchFolder folder;
  const std::string path = folder / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_FALSE(write_report(path, bytes_of("x"), "report", false, stopped.get_token()).ok);
  std::jthread reader([&] { EXPECT_EQ(tests::read_file(path), "whole"); });
  EXPECT_TRUE(write_report(path, bytes_of("whole"), "report", false).ok);
}

TEST(FolderMaker, MakesEveryMissingFolderOnce) {
  const tests::ScratchFolder folder;
  FolderMaker maker(folder.path());
  EXPECT_TRUE(maker.make_parents(folder / "a/b/c.png").ok);
  EXPECT_TRUE(maker.make_parents(folder / "a/b/d.png").ok);
  EXPECT_TRUE(std::filesystem::is_directory(folder / "a/b"));
  tests::write_file(folder / "file", "");
  EXPECT_FALSE(maker.make_parents(folder / "file/x.png").ok);
}

}  // namespace
}  // namespace pixmill::pipeline

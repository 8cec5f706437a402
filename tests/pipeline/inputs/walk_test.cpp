#include "pipeline/inputs/walk.hpp"

#include "tests/pipeline/inputs/input_folder.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

using Paths = std::vector<std::string>;

struct Walked {
  Paths paths;
  WalkCounts counts;
};

Walked walk(const std::string& folder, const WalkOptions& options = {}) {
  Walked walked;
  walk_folder(folder, options, walked.counts,
              [&](std::string_view path, std::uint64_t) { walked.paths.emplace_back(path); });
  std::sort(walked.paths.begin(), walked.paths.end());
  return walked;
}

constexpr WalkOptions kRecursive{true, false, std::nullopt};

TEST(Walk, YieldsFilesByContentAndCountsTheRest) {
  const InputFolder folder;
  folder.write_image("in/a.png");
  folder.write_image("in/named-like-nothing");
  folder.write("in/not-an-image.jpg", "words");
  folder.write("in/empty.png", "");
  ASSERT_EQ(::mkfifo("in/fifo.png", 0600), 0);

  const Walked walked = walk("in");

  EXPECT_EQ(walked.paths, (Paths{"in/a.png", "in/named-like-nothing"}));
  EXPECT_EQ(walked.counts.passed_over, 3U);
}

TEST(Walk, DescendsOnlyWhenAsked) {
  const InputFolder folder;
  for (const char* path : {"in/a.png", "in/b/c.png", "in/b/d/e.png", "in/f/g.png"}) folder.write_image(path);

  EXPECT_EQ(walk("in").paths, (Paths{"in/a.png"}));
  EXPECT_EQ(walk("in").counts.not_entered, 2U);
  EXPECT_EQ(walk("in", kRecursive).paths, (Paths{"in/a.png", "in/b/c.png", "in/b/d/e.png", "in/f/g.png"}));
}

TEST(Walk, SkipsHiddenNamesUnlessAsked) {
  const InputFolder folder;
  for (const char* path : {"in/a.png", "in/.b.png", "in/.c/d.png", "in/.pixmill-1.png"}) folder.write_image(path);

  EXPECT_EQ(walk("in", kRecursive).paths, (Paths{"in/a.png"}));
  EXPECT_EQ(walk("in", kRecursive).counts.hidden, 2U);
  EXPECT_EQ(walk("in", {true, true, {}}).paths, (Paths{"in/.b.png", "in/.c/d.png", "in/a.png"}));
}

TEST(Walk, FollowsLinksToFilesAndNotToFolders) {
  const InputFolder folder;
  folder.write_image("elsewhere/a.png");
  folder.write("elsewhere/text", "words");
  folder.make_folder("in");
  folder.link("../elsewhere/a.png", "in/linked.png");
  folder.link("../elsewhere/text", "in/text.png");
  folder.link("../elsewhere", "in/folder");
  folder.link(".", "in/round");

  const Walked walked = walk("in", kRecursive);

  EXPECT_EQ(walked.paths, (Paths{"in/linked.png"}));
  EXPECT_EQ(walked.counts.passed_over, 1U);
}

TEST(Walk, FollowsALinkThatIsNamed) {
  const InputFolder folder;
  folder.write_image("real/a.png");
  folder.link("real", "linked");

  EXPECT_EQ(walk("linked").paths, (Paths{"linked/a.png"}));
}

TEST(Walk, YieldsWhatItCannotLookAt) {
  const InputFolder folder;
  folder.make_folder("in");
  folder.link("nowhere", "in/dangling.png");
  folder.link("loop.png", "in/loop.png");

  const Walked walked = walk("in");

  EXPECT_EQ(walked.paths, (Paths{"in/dangling.png", "in/loop.png"}));
}

TEST(Walk, YieldsAnUnreadableFile) {
  const InputFolder folder;
  folder.write_image("in/a.png");
  ASSERT_EQ(::chmod("in/a.png", 0), 0);
  const Unprivileged nobody;

  EXPECT_EQ(walk("in").paths, (Paths{"in/a.png"}));
}

TEST(Walk, NamesAFolderBelowThatMayNotBeRead) {
  const InputFolder folder;
  folder.write_image("in/a.png");
  folder.write_image("in/locked/b.png");
  ASSERT_EQ(::chmod("in/locked", 0), 0);
  std::optional<Error> error;
  {
    const Unprivileged nobody;
    error = error_of([] { walk("in", kRecursive); });
  }
  ::chmod("in/locked", 0700);

  EXPECT_EQ(error.value().code(), ErrorCode::usage);
  EXPECT_NE(std::string(error->what()).find("in/locked: Permission denied"), std::string::npos) << error->what();
}

TEST(Walk, DoesNotMindLostAndFound) {
  const InputFolder folder;
  folder.write_image("in/a.png");
  folder.make_folder("in/lost+found");
  ASSERT_EQ(::chmod("in/lost+found", 0), 0);
  Walked walked;
  {
    const Unprivileged nobody;
    walked = walk("in", kRecursive);
  }
  ::chmod("in/lost+found", 0700);

  EXPECT_EQ(walked.paths, (Paths{"in/a.png"}));
}

TEST(Walk, LeavesOutTheOutputFolder) {
  const InputFolder folder;
  for (const char* path : {"in/a.png", "in/out/b.png", "in/out/deep/c.png"}) folder.write_image(path);
  folder.link("in/out", "other-way");

  EXPECT_EQ(walk("in", {true, false, find_folder("other-way")}).paths, (Paths{"in/a.png"}));
}

TEST(Walk, NeedsNoDescriptorAndNoStackALevel) {
  const InputFolder folder;
  std::string deep = "in";
  for (int i = 0; i < 400; ++i) deep += "/d";
  folder.write_image(deep + "/a.png");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{40, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);

  const Walked walked = walk("in", kRecursive);
  ::setrlimit(RLIMIT_NOFILE, &before);

  EXPECT_EQ(walked.paths, (Paths{deep + "/a.png"}));
}

TEST(Walk, SaysSoWhenDescriptorsRunOut) {
  const InputFolder folder;
  folder.write_image("in/a.png");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);

  std::exception_ptr failure;
  try {
    walk("in");
  } catch (...) {
    failure = std::current_exception();  // looked at later: UBSan needs descriptors to tell what an object is
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
  const std::optional<Error> error = error_of([&] { std::rethrow_exception(failure); });

  EXPECT_EQ(error.value().code(), ErrorCode::machine);
}

TEST(Walk, NamesAFolderTooDeepForAnyPath) {
  const InputFolder folder;
  folder.write_image("in/a.png");
  const std::string name(250, 'd');
  std::filesystem::current_path("in");
  for (int i = 0; i < 20; ++i) {
    std::filesystem::create_directory(name);
    std::filesystem::current_path(name);
  }
  std::filesystem::current_path(folder.path());

  // Deeper than a path can name, so nothing below could be read later either.
  const Error error = error_of([] { walk("in", kRecursive); }).value();

  EXPECT_EQ(error.code(), ErrorCode::usage);
  EXPECT_NE(std::string(error.what()).find("too long"), std::string::npos) << error.what();
}

TEST(Walk, KeepsNamesThatAreNotUtf8) {
  const InputFolder folder;
  folder.write_image("in/\xff\x80\n.png");

  EXPECT_EQ(walk("in").paths, (Paths{"in/\xff\x80\n.png"}));
}

TEST(Walk, PutsOneSlashBehindTheFolder) {
  const InputFolder folder;
  folder.write_image("in/a.png");

  EXPECT_EQ(walk("in/").paths, (Paths{"in/a.png"}));
  EXPECT_EQ(walk(folder.path() + "/in").paths, (Paths{folder.path() + "/in/a.png"}));
}

}  // namespace
}  // namespace pixmill::pipeline

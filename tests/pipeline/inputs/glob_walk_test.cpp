#include "pipeline/inputs/glob_walk.hpp"

#include "tests/pipeline/inputs/input_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

using Paths = std::vector<std::string>;

Paths matches(std::string_view pattern, const GlobOptions& options = {}) {
  Paths found;
  walk_glob(pattern, options, [&](const std::string& path, EntryKind) { found.push_back(path); });
  std::sort(found.begin(), found.end());
  return found;
}

class GlobWalkTest : public ::testing::Test {
 protected:
  GlobWalkTest() {
    for (const char* path : {"a.jpg", "b.png", ".hidden.jpg", "one/a.jpg", "one/two/a.jpg", "one/two/two/a.jpg",
                             "one/.secret/a.jpg", "other/x[1].jpg", ".pixmill-7.jpg"}) {
      folder_.write(path, "");
    }
    folder_.link("one", "linked");
  }
  InputFolder folder_;
};

TEST_F(GlobWalkTest, MatchesInOneFolder) {
  EXPECT_EQ(matches("*.jpg"), (Paths{"a.jpg"}));
  EXPECT_EQ(matches("[ab].*"), (Paths{"a.jpg", "b.png"}));
  EXPECT_EQ(matches("./*.png"), (Paths{"./b.png"}));
  EXPECT_EQ(matches(folder_.path() + "/?.png"), (Paths{folder_.path() + "/b.png"}));
  EXPECT_EQ(matches("*.tif"), Paths{});
  EXPECT_EQ(matches("missing/*"), Paths{});
}

TEST_F(GlobWalkTest, MatchesAcrossFolders) {
  EXPECT_EQ(matches("o*/*.jpg"), (Paths{"one/a.jpg", "other/x[1].jpg"}));
  EXPECT_EQ(matches("*/two/a.jpg"), (Paths{"linked/two/a.jpg", "one/two/a.jpg"}));
  EXPECT_EQ(matches("one//t*/./a.jpg"), (Paths{"one//two/a.jpg"}));
}

TEST_F(GlobWalkTest, MatchesFoldersToo) {
  EXPECT_EQ(matches("o*"), (Paths{"one", "other"}));
  EXPECT_EQ(matches("*/"), (Paths{"linked", "one", "other"}));
}

TEST_F(GlobWalkTest, TwoStarsStandForAnyNumberOfFolders) {
  EXPECT_EQ(matches("**/a.jpg"), (Paths{"a.jpg", "one/a.jpg", "one/two/a.jpg", "one/two/two/a.jpg"}));
  EXPECT_EQ(matches("one/**"), (Paths{"one/a.jpg", "one/two/a.jpg", "one/two/two/a.jpg"}));
  EXPECT_EQ(matches("one/**/two/a.jpg"), (Paths{"one/two/a.jpg", "one/two/two/a.jpg"}));
}

TEST_F(GlobWalkTest, FindsAPathOnceHoweverManyReadingsItHas) {
  EXPECT_EQ(matches("**/**/two/**/a.jpg"), (Paths{"one/two/a.jpg", "one/two/two/a.jpg"}));
}

TEST_F(GlobWalkTest, LeavesHiddenNamesUnlessAskedOrWritten) {
  EXPECT_EQ(matches(".h*"), (Paths{".hidden.jpg"}));
  EXPECT_EQ(matches("*.jpg", {true, {}}), (Paths{".hidden.jpg", "a.jpg"}));
  EXPECT_EQ(matches("one/.secret/?.jpg"), (Paths{"one/.secret/a.jpg"}));
  EXPECT_EQ(matches("one/**/a.jpg", {true, {}}),
            (Paths{"one/.secret/a.jpg", "one/a.jpg", "one/two/a.jpg", "one/two/two/a.jpg"}));
  EXPECT_EQ(matches(".p*"), Paths{});
}

TEST_F(GlobWalkTest, LeavesOutTheOutputFolder) {
  const GlobOptions options{false, find_folder("one/two")};

  EXPECT_EQ(matches("**/a.jpg", options), (Paths{"a.jpg", "one/a.jpg"}));
  EXPECT_EQ(matches("one/*", options), (Paths{"one/a.jpg"}));
}

TEST_F(GlobWalkTest, RefusesWhatItDoesNotUnderstand) {
  EXPECT_NE(std::string(error_of([] { matches("*/../a.jpg"); }).value().what()).find(".."), std::string::npos);
  std::string deep = "*";
  for (int i = 0; i < 100; ++i) deep += "/*";
  EXPECT_EQ(error_of([&] { matches(deep); }).value().code(), ErrorCode::usage);
}

}  // namespace
}  // namespace pixmill::pipeline

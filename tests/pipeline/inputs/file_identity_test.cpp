#include "pipeline/inputs/file_identity.hpp"

#include "tests/pipeline/inputs/input_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace pixmill::pipeline {
namespace {

class FileIdentity : public ::testing::Test {
 protected:
  FileIdentity() {
    folder_.write("dir/a.jpg", "");
    folder_.link("dir", "linked");
    folder_.link("a.jpg", "dir/other-name.jpg");
    std::filesystem::create_hard_link("dir/a.jpg", "dir/hard.jpg");
  }
  void expect_same(const std::string& a, const std::string& b) {
    EXPECT_EQ(places_.place(a), places_.place(b)) << a << " and " << b;
    EXPECT_EQ(places_.hash(a), places_.hash(b)) << a << " and " << b;
  }
  void expect_different(const std::string& a, const std::string& b) {
    EXPECT_NE(places_.place(a), places_.place(b)) << a << " and " << b;
    EXPECT_NE(places_.hash(a), places_.hash(b)) << a << " and " << b;
  }
  InputFolder folder_;
  PlaceFinder places_;
};

TEST_F(FileIdentity, SeesThroughSpellings) {
  for (const std::string& spelling :
       {std::string("./dir/a.jpg"), std::string("dir//a.jpg"), std::string("dir/../dir/a.jpg"),
        std::string("linked/a.jpg"), folder_.path() + "/dir/a.jpg"}) {
    expect_same("dir/a.jpg", spelling);
  }
}

TEST_F(FileIdentity, KeepsNamesOfOneFileApart) {
  expect_different("dir/a.jpg", "dir/hard.jpg");
  expect_different("dir/a.jpg", "dir/other-name.jpg");
  expect_different("dir/a.jpg", "a.jpg");
}

TEST_F(FileIdentity, CoversWhatDoesNotExist) {
  expect_same("dir/none.jpg", "linked/none.jpg");
  expect_same("dir/new/deep/none.jpg", "linked/./new//deep/none.jpg");
  expect_same("new/../dir2/x", "dir2/x");
  expect_same("new/x", folder_.path() + "/new/x");
  expect_different("new/x", "new2/x");
  expect_different("new/x/y", "new/x");
  expect_same("/no-such-folder-at-all/x", "/./no-such-folder-at-all/x");
  expect_different("/no-such-folder-at-all/x", "no-such-folder-at-all/x");
}

TEST_F(FileIdentity, TakesPathsThatNoCallTakes) {
  const std::string endless = std::string(9000, 'x') + "/" + std::string(9000, 'y');
  expect_same(endless, endless);
  expect_different(endless, endless + "z");
}

TEST_F(FileIdentity, KnowsWhetherTheFolderExists) {
  EXPECT_TRUE(places_.folder_exists("dir/none.jpg"));
  EXPECT_TRUE(places_.folder_exists("none.jpg"));
  EXPECT_FALSE(places_.folder_exists("new/none.jpg"));
  EXPECT_FALSE(places_.folder_exists("dir/a.jpg/none.jpg"));
}

TEST_F(FileIdentity, HoldsForMoreFoldersThanItRemembers) {
  const std::uint64_t before = places_.hash("dir/a.jpg");
  for (int i = 0; i < 70'000; ++i) (void)places_.hash("no/" + std::to_string(i) + "/x");
  EXPECT_EQ(places_.hash("dir/a.jpg"), before);
}

}  // namespace
}  // namespace pixmill::pipeline

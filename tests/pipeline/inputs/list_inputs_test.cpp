#include "pipeline/inputs/input_list.hpp"
#include "tests/pipeline/inputs/input_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

using Paths = std::vector<std::string>;

InputOptions named(Paths paths) {
  InputOptions options;
  options.paths = std::move(paths);
  return options;
}

InputOptions recursive(Paths paths) {
  InputOptions options = named(std::move(paths));
  options.recursive = true;
  return options;
}

class ListInputs : public ::testing::Test {
 protected:
  [[nodiscard]] InputList from_list(const std::string& text, InputOptions options = {}) const {
    folder_.write("list", text);
    options.files_from = "list";
    return list_inputs(options, "");
  }
  InputFolder folder_;
};

TEST_F(ListInputs, TakesNamedFilesWhateverTheyHold) {
  folder_.write("notes.txt", "words");
  folder_.write_image("sub/.a.png");
  ASSERT_EQ(::mkfifo("fifo", 0600), 0);

  const InputList inputs = list_inputs(named({"sub/.a.png", "notes.txt", "fifo"}), "");

  EXPECT_EQ(paths_of(inputs), (Paths{"fifo", "notes.txt", "sub/.a.png"}));
  EXPECT_EQ(kept_paths_of(inputs), (Paths{"fifo", "notes.txt", ".a.png"}));
  EXPECT_EQ(inputs.bytes(1), 5U);
}

TEST_F(ListInputs, SortsPathsFoldersAndGlobsTogether) {
  for (const char* path : {"b/10.png", "b/9.png", "b/9/x.png", "c.png", "a2.png", "a10.png"}) folder_.write_image(path);

  const InputList inputs = list_inputs(recursive({"c.png", "b", "a*.png"}), "");

  EXPECT_EQ(paths_of(inputs), (Paths{"a2.png", "a10.png", "b/9/x.png", "b/9.png", "b/10.png", "c.png"}));
  EXPECT_EQ(kept_paths_of(inputs), (Paths{"a2.png", "a10.png", "9/x.png", "9.png", "10.png", "c.png"}));
}

TEST_F(ListInputs, AddsUpSizesAndWhatWasPassedOver) {
  folder_.write_image("in/a.png");
  folder_.write_image("in/b.png");
  folder_.write("in/readme.txt", "words");

  const InputList inputs = list_inputs(named({"in"}), "");

  EXPECT_EQ(inputs.total_bytes(), 2 * image_bytes().size());
  EXPECT_EQ(inputs.passed_over(), 1U);
}

TEST_F(ListInputs, KeepsTheTreeBelowAFolder) {
  folder_.write_image("in/x/y/a.png");

  EXPECT_EQ(kept_paths_of(list_inputs(recursive({"in"}), "")), (Paths{"x/y/a.png"}));
  EXPECT_EQ(kept_paths_of(list_inputs(recursive({"in/x//"}), "")), (Paths{"y/a.png"}));
  EXPECT_EQ(paths_of(list_inputs(recursive({"."}), "")), (Paths{"./in/x/y/a.png"}));
  EXPECT_EQ(kept_paths_of(list_inputs(recursive({"in/../in"}), "")), (Paths{"x/y/a.png"}));
}

TEST_F(ListInputs, WalksFoldersThatAGlobMatches) {
  for (const char* path : {"one/a.png", "two/b.png", "two/deep/c.png"}) folder_.write_image(path);

  EXPECT_EQ(paths_of(list_inputs(named({"*"}), "")), (Paths{"one/a.png", "two/b.png"}));
  EXPECT_EQ(kept_paths_of(list_inputs(recursive({"t*"}), "")), (Paths{"b.png", "deep/c.png"}));
  EXPECT_EQ(paths_of(list_inputs(recursive({"**"}), "")), (Paths{"one/a.png", "two/b.png", "two/deep/c.png"}));
}

TEST_F(ListInputs, PrefersAFileToItsReadingAsAGlob) {
  folder_.write_image("a[1].png");
  folder_.write_image("a1.png");

  EXPECT_EQ(paths_of(list_inputs(named({"a[1].png"}), "")), (Paths{"a[1].png"}));
  EXPECT_EQ(paths_of(list_inputs(named({"a[!x].png"}), "")), (Paths{"a1.png"}));
}

TEST_F(ListInputs, DoesNotWalkTheOutputFolder) {
  for (const char* path : {"in/a.png", "in/out/b.png"}) folder_.write_image(path);

  EXPECT_EQ(paths_of(list_inputs(recursive({"in"}), "in/out")), (Paths{"in/a.png"}));
  EXPECT_EQ(paths_of(list_inputs(recursive({"in"}), folder_.path() + "/in/out/")), (Paths{"in/a.png"}));
  EXPECT_EQ(paths_of(list_inputs(recursive({"in/*"}), "in/out")), (Paths{"in/a.png"}));
  EXPECT_EQ(paths_of(list_inputs(recursive({"in"}), "not-yet-there")), (Paths{"in/a.png", "in/out/b.png"}));
}

TEST_F(ListInputs, WalksAFolderInsideTheOutputFolder) {
  folder_.write_image("out/in/a.png");

  EXPECT_EQ(paths_of(list_inputs(recursive({"out/in"}), "out")), (Paths{"out/in/a.png"}));
}

TEST_F(ListInputs, CallsStandardInputStdin) {
  folder_.write_image("a.png");

  const InputList inputs = list_inputs(named({"a.png", "-"}), "");

  EXPECT_EQ(paths_of(inputs), (Paths{"-", "a.png"}));
  EXPECT_EQ(kept_paths_of(inputs), (Paths{"stdin", "a.png"}));
  EXPECT_EQ(inputs.total_bytes(), 0U);
}

TEST_F(ListInputs, KeepsTheOrderOfAList) {
  const InputList inputs = from_list("z.png\r\n\nb/no such file.png\n./a.png\n\xff.png\n/x/y.png\n");

  EXPECT_EQ(paths_of(inputs), (Paths{"z.png", "b/no such file.png", "./a.png", "\xff.png", "/x/y.png"}));
  EXPECT_EQ(kept_paths_of(inputs), (Paths{"z.png", "no such file.png", "a.png", "\xff.png", "y.png"}));
}

TEST_F(ListInputs, TakesAnEmptyList) {
  EXPECT_TRUE(from_list("").empty());
  EXPECT_TRUE(from_list("\n\n").empty());
}

TEST_F(ListInputs, TakesAListWithNuls) {
  InputOptions options;
  options.nul_separated = true;

  EXPECT_EQ(paths_of(from_list(std::string("b\nc\0a\0", 6), options)), (Paths{"b\nc", "a"}));
}

TEST_F(ListInputs, PutsPathsBeforeTheList) {
  folder_.write_image("x10.png");
  folder_.write_image("x9.png");

  EXPECT_EQ(paths_of(from_list("a\nA\n", named({"x10.png", "x9.png"}))), (Paths{"x9.png", "x10.png", "a", "A"}));
}

TEST_F(ListInputs, DoesNotExpandWhatAListHolds) {
  folder_.write_image("dir/a.png");

  const InputList inputs = from_list("dir\n*.png\n-\n../up\n..\n", {});

  EXPECT_EQ(paths_of(inputs), (Paths{"dir", "*.png", "./-", "../up", ".."}));
}

TEST_F(ListInputs, NamesNoOutputOutsideItsFolder) {
  const InputList inputs = from_list("..\n/\n.\na/b/../c\n../../x\nd/\n");

  for (const std::string& kept : kept_paths_of(inputs)) {
    EXPECT_FALSE(kept.empty());
    EXPECT_EQ(kept.find('/'), std::string::npos) << kept;
    EXPECT_NE(kept, "..");
    EXPECT_NE(kept, ".");
  }
}

TEST_F(ListInputs, StaysValidWhenMoved) {
  InputList first = from_list("a\n", named({"list"}));

  const InputList second = std::move(first);

  EXPECT_EQ(paths_of(second), (Paths{"list", "a"}));
}

TEST_F(ListInputs, KeepsThePathBelowTheRoot) {
  folder_.write_image("data/one/a.png");
  folder_.write_image("data/two/a.png");
  InputOptions options;
  options.root = "data";

  const InputList listed =
      from_list("data/one/a.png\n./data//two/a.png\n" + folder_.path() + "/data/none.png\ndata/x/../y.png\n", options);
  options.paths = {"data/*/a.png"};
  const InputList globbed = list_inputs(options, "");
  options.paths = {"data/one"};
  const InputList walked = list_inputs(options, "");

  EXPECT_EQ(kept_paths_of(listed), (Paths{"one/a.png", "two/a.png", "none.png", "y.png"}));
  EXPECT_EQ(listed.path(1), "./data//two/a.png");
  EXPECT_EQ(listed.path(3), "data/x/../y.png");
  EXPECT_EQ(kept_paths_of(globbed), (Paths{"one/a.png", "two/a.png"}));
  EXPECT_EQ(kept_paths_of(walked), (Paths{"one/a.png"}));
}

TEST_F(ListInputs, SeesThroughLinksToTheRoot) {
  folder_.write_image("data/one/a.png");
  folder_.link("data", "linked");
  InputOptions options = named({"linked/one/a.png"});
  options.root = "data";

  EXPECT_EQ(kept_paths_of(list_inputs(options, "")), (Paths{"one/a.png"}));
  options.root = "/";
  EXPECT_EQ(kept_paths_of(list_inputs(options, "")), (Paths{folder_.path().substr(1) + "/linked/one/a.png"}));
}

TEST_F(ListInputs, SeesHiddenNamesWhenAsked) {
  folder_.write_image("in/.a.png");
  folder_.write_image("in/b.png");
  InputOptions options = named({"in"});

  EXPECT_EQ(paths_of(list_inputs(options, "")), (Paths{"in/b.png"}));
  options.hidden = true;
  EXPECT_EQ(paths_of(list_inputs(options, "")), (Paths{"in/.a.png", "in/b.png"}));
}

TEST_F(ListInputs, TakesAHundredThousandNamesOfOneFile) {
  folder_.write_image("a.png");
  folder_.make_folder("in");
  for (int i = 0; i < 100'000; ++i) {
    // A file system may set a limit to the names of one file.
    const std::string source = i % 30'000 == 0 ? "a" + std::to_string(i) + ".png" : "";
    if (!source.empty()) folder_.write_image(source);
    std::filesystem::create_hard_link("a" + std::to_string(i - i % 30'000) + ".png",
                                      "in/" + std::to_string(i) + ".png");
  }

  const InputList inputs = list_inputs(named({"in"}), "out");

  ASSERT_EQ(inputs.size(), 100'000U);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    ASSERT_EQ(inputs.path(i), "in/" + std::to_string(i) + ".png");
  }
  EXPECT_NO_THROW(check_output_names(inputs, {"out", "png", false}));
}

}  // namespace
}  // namespace pixmill::pipeline

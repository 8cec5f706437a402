#include "pipeline/inputs/input_list.hpp"
#include "tests/pipeline/inputs/input_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace pixmill::pipeline {
namespace {

InputList list_of(const std::vector<std::pair<std::string, std::string>>& paths_and_kept) {
  InputList list;
  for (const auto& [path, kept] : paths_and_kept) list.append(path, std::string_view(kept), 0);
  return list;
}

std::string output_of(const std::string& kept, const OutputNaming& naming) {
  return output_path(list_of({{kept, kept}}), 0, naming);
}

/// Expects a usage error of one line that has all the words.
void refuses(const InputList& inputs, const OutputNaming& naming, const std::vector<std::string>& words) {
  const std::optional<Error> error = error_of([&] { check_output_names(inputs, naming); });
  ASSERT_TRUE(error.has_value()) << "no error that says " << words.front();
  EXPECT_EQ(error->code(), ErrorCode::usage);
  const std::string message = error->what();
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  for (const std::string& word : words) EXPECT_NE(message.find(word), std::string::npos) << message;
}

const OutputNaming kPng{"out", "png", false};

TEST(OutputNames, ReplaceTheLastExtension) {
  EXPECT_EQ(output_of("a.jpg", kPng), "out/a.png");
  EXPECT_EQ(output_of("a.b.jpg", kPng), "out/a.b.png");
  EXPECT_EQ(output_of("noext", kPng), "out/noext.png");
  EXPECT_EQ(output_of(".hidden", kPng), "out/.hidden.png");
  EXPECT_EQ(output_of(".hidden.jpg", kPng), "out/.hidden.png");
  EXPECT_EQ(output_of("...", kPng), "out/....png");
  EXPECT_EQ(output_of("a.", kPng), "out/a.png");
  EXPECT_EQ(output_of("v1.2/noext", kPng), "out/v1.2/noext.png");
  EXPECT_EQ(output_of("\xff.jpg", kPng), "out/\xff.png");
}

TEST(OutputNames, KeepTheExtensionWhenAsked) {
  EXPECT_EQ(output_of("a.jpg", {"out", "png", true}), "out/a.jpg.png");
  EXPECT_EQ(output_of("noext", {"out", "png", true}), "out/noext.png");
  EXPECT_EQ(output_of("a.jpg", {"out", "", false}), "out/a.jpg");
  EXPECT_EQ(output_of("a.jpg", {"out", "", true}), "out/a.jpg");
}

TEST(OutputNames, JoinTheFolderWithOneSlash) {
  EXPECT_EQ(output_of("a.jpg", {"out//", "png", false}), "out/a.png");
  EXPECT_EQ(output_of("a.jpg", {"/", "png", false}), "/a.png");
  EXPECT_EQ(output_of("a.jpg", {".", "png", false}), "./a.png");
  EXPECT_EQ(output_path(list_of({{"-", "stdin"}}), 0, kPng), "out/stdin.png");
}

TEST(OutputNames, AreFineWhenTheyDiffer) {
  const InputFolder folder;
  folder.write_image("a.jpg");
  folder.write_image("out/a.png");  // an earlier run's

  EXPECT_NO_THROW(check_output_names(list_of({{"a.jpg", "a.jpg"}, {"b/a2.jpg", "a2.jpg"}, {"-", "stdin"}}), kPng));
  EXPECT_NO_THROW(check_output_names(InputList(), kPng));
}

TEST(OutputNames, RefuseOneNameForTwoInputs) {
  const InputFolder folder;

  refuses(list_of({{"x/a.jpg", "a.jpg"}, {"x/b.jpg", "b.jpg"}, {"x/a.tif", "a.tif"}}), kPng,
          {"x/a.jpg and x/a.tif", "out/a.png", "--keep-ext"});
  refuses(list_of({{"x/a.jpg", "a.jpg"}, {"y/a.jpg", "a.jpg"}}), kPng, {"x/a.jpg and y/a.jpg", "out/a.png", "--root"});
  refuses(list_of({{"x/a.jpg", "a.jpg"}, {"y/a.png", "a.png"}}), kPng, {"--root", "--keep-ext"});
  refuses(list_of({{"-", "stdin"}, {"stdin.jpg", "stdin.jpg"}}), kPng, {"standard input", "stdin.jpg", "--keep-ext"});
}

TEST(OutputNames, DoNotOfferWhatWouldNotHelp) {
  const InputFolder folder;
  const InputList inputs = list_of({{"x/a.jpg", "a.jpg"}, {"y/a.jpg", "a.jpg"}});
  const Error error = error_of([&] { check_output_names(inputs, kPng); }).value();

  EXPECT_EQ(std::string(error.what()).find("--keep-ext"), std::string::npos) << error.what();
}

TEST(OutputNames, RefuseOneNameThroughALinkInTheOutputFolder) {
  const InputFolder folder;
  folder.make_folder("out/one");
  folder.link("one", "out/two");

  refuses(list_of({{"one/a.jpg", "one/a.jpg"}, {"two/a.jpg", "two/a.jpg"}}), kPng, {"one/a.jpg", "two/a.jpg"});
}

TEST(OutputNames, RefuseANameThatIsNeededAsFileAndFolder) {
  const InputFolder folder;

  refuses(list_of({{"in/x.jpg", "x.jpg"}, {"in/x.png/y.jpg", "x.png/y.jpg"}}), kPng,
          {"in/x.jpg", "in/x.png/y.jpg", "out/x.png"});
  refuses(list_of({{"in/x.png/deep/y.jpg", "x.png/deep/y.jpg"}, {"in/x.jpg", "x.jpg"}}), kPng, {"out/x.png"});
  folder.make_folder("out/x.png");
  refuses(list_of({{"in/x.jpg", "x.jpg"}}), kPng, {"in/x.jpg", "out/x.png", "is a folder"});
}

TEST(OutputNames, RefuseAFileWhereAFolderIsNeeded) {
  const InputFolder folder;
  folder.write("out/sub", "a file");

  refuses(list_of({{"in/sub/a.jpg", "sub/a.jpg"}}), kPng, {"out/sub/a.png", "file stands"});
  refuses(list_of({{"in/a.jpg", "a.jpg"}}), {"out/sub", "png", false}, {"file stands"});
}

TEST(OutputNames, RefuseToOverwriteAnInput) {
  const InputFolder folder;
  folder.write_image("in/a.png");
  folder.write_image("in/b.png");
  folder.link("in", "linked");

  refuses(list_of({{"in/a.png", "a.png"}}), {"in", "png", false}, {"in/a.png", "the input itself"});
  refuses(list_of({{"in/a.png", "a.png"}}), {"linked", "", false}, {"in/a.png", "linked/a.png"});
  refuses(list_of({{"in/a.jpg", "a.jpg"}, {"in/a.png", "x.png"}}), {"in", "png", false}, {"in/a.jpg", "in/a.png"});
}

TEST(OutputNames, RefuseToOverwriteAnInputThroughLinks) {
  const InputFolder folder;
  folder.write_image("in/a.png");
  folder.make_folder("out");
  std::filesystem::create_hard_link("in/a.png", "out/hard.png");
  folder.link("../in/a.png", "out/soft.png");

  refuses(list_of({{"in/a.png", "a.png"}, {"x/hard.jpg", "hard.jpg"}}), kPng,
          {"x/hard.jpg", "out/hard.png", "in/a.png"});
  refuses(list_of({{"in/a.png", "a.png"}, {"x/soft.jpg", "soft.jpg"}}), kPng,
          {"x/soft.jpg", "out/soft.png", "in/a.png"});
}

TEST(OutputNames, RefuseThePlaceOfAnInputThatDoesNotExist) {
  const InputFolder folder;

  refuses(list_of({{"out/./sub/a.png", "a.png"}}), {"out/sub", "png", false}, {"out/./sub/a.png", "the input itself"});
}

TEST(OutputNames, RefuseOurOwnFiles) {
  const InputFolder folder;
  const OutputNaming same{"out", "", false};

  for (const char* name :
       {"pixmill.jsonl", "pixmill.state.jsonl", "pixmill.3-of-8.jsonl", ".pixmill-1.png", "sub/.pixmill-x"}) {
    refuses(list_of({{name, name}}), same, {name, "its own files"});
  }
  EXPECT_NO_THROW(check_output_names(list_of({{"pixmill.png", "pixmill.png"}}), same));
  EXPECT_NO_THROW(check_output_names(list_of({{"sub/pixmill.jsonl", "sub/pixmill.jsonl"}}), same));
}

TEST(OutputNames, RefuseNamesThatGrowTooLong) {
  const InputFolder folder;
  const std::string longest(251, 'n');

  EXPECT_NO_THROW(check_output_names(list_of({{longest, longest}}), kPng));
  refuses(list_of({{longest + "n", longest + "n"}}), kPng, {"too long", "256"});
  std::string deep = "a.jpg";
  for (int i = 0; i < 30; ++i) deep.insert(0, std::string(200, 'd') + "/");
  refuses(list_of({{"x", deep}}), kPng, {"too long"});
}

TEST(OutputNames, AreCheckedAcrossManyFolders) {
  const InputFolder folder;
  std::vector<std::pair<std::string, std::string>> paths;
  for (int i = 0; i < 100'000; ++i) {
    const std::string path = std::to_string(i) + "/x/a.jpg";
    paths.emplace_back("in/" + path, path);
  }
  EXPECT_NO_THROW(check_output_names(list_of(paths), kPng));

  paths.emplace_back("in/7/x.jpg", "7/x.jpg");
  paths.emplace_back("in/7/x.png/b.jpg", "7/x.png/b.jpg");
  refuses(list_of(paths), kPng, {"out/7/x.png"});
}

}  // namespace
}  // namespace pixmill::pipeline

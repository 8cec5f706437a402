#include "pipeline/inputs/input_list.hpp"
#include "tests/pipeline/inputs/input_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

class ListInputsRefusals : public ::testing::Test {
 protected:
  ListInputsRefusals() {
    folder_.write_image("dir/a.jpg");
    folder_.write_image("b.jpg");
    folder_.link("dir", "linked");
  }
  /// Expects a usage error of one line that has all the words.
  static void refuses(const InputOptions& options, const std::vector<std::string>& words,
                      const std::string& output = "out") {
    const std::optional<Error> error = error_of([&] { (void)list_inputs(options, output); });
    ASSERT_TRUE(error.has_value()) << "no error that says " << words.front();
    EXPECT_EQ(error->code(), ErrorCode::usage);
    const std::string message = error->what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& word : words) EXPECT_NE(message.find(word), std::string::npos) << message;
  }
  static InputOptions named(std::vector<std::string> paths) {
    InputOptions options;
    options.paths = std::move(paths);
    return options;
  }
  [[nodiscard]] InputOptions listed(const std::string& text) const {
    folder_.write("list", text);
    InputOptions options;
    options.files_from = "list";
    return options;
  }
  InputFolder folder_;
};

TEST_F(ListInputsRefusals, NothingNamed) { refuses({}, {"no input", "--files-from"}); }

TEST_F(ListInputsRefusals, APathThatIsNotThere) {
  refuses(named({"b.jpg", "/no/such/file.jpg"}), {"/no/such/file.jpg: No such file or directory", "spelling"});
  refuses(named({"b.jpg/x.jpg"}), {"b.jpg/x.jpg: Not a directory"});
  refuses(named({""}), {"empty"});
  refuses(named({"no\nsuch"}), {"no\\x0asuch"});
}

TEST_F(ListInputsRefusals, ALinkToNothing) {
  folder_.link("nowhere", "dangling.jpg");
  refuses(named({"dangling.jpg"}), {"dangling.jpg", "link to nothing"});
}

TEST_F(ListInputsRefusals, AGlobThatMatchesNothing) {
  refuses(named({"b.jpg", "*.tif"}), {"*.tif", "matches nothing"});
  refuses(named({"missing/*.jpg"}), {"missing/*.jpg"});
}

TEST_F(ListInputsRefusals, TheSameFileTwice) {
  refuses(named({"b.jpg", "b.jpg"}), {"b.jpg: named twice"});
  refuses(named({"b.jpg", "./b.jpg"}), {"b.jpg and ", "./b.jpg", "the same file"});
  refuses(named({"dir", "dir/a.jpg"}), {"dir/a.jpg", "named twice"});
  refuses(named({"dir/a.jpg", "linked"}), {"dir/a.jpg", "linked/a.jpg"});
  refuses(named({"dir", folder_.path() + "/dir"}), {"dir/a.jpg", folder_.path() + "/dir/a.jpg"});
  refuses(named({"*.jpg", "b.*"}), {"b.jpg"});
  refuses(named({"-", "-"}), {"standard input", "twice"});
}

TEST_F(ListInputsRefusals, TheSameFileTwiceInAList) {
  refuses(listed("x.jpg\ny.jpg\nx.jpg\n"), {"x.jpg: named twice"});
  refuses(listed("no/x.jpg\nno/./x.jpg\n"), {"no/x.jpg and no/./x.jpg"});
  InputOptions both = listed("./b.jpg\n");
  both.paths = {"b.jpg"};
  refuses(both, {"b.jpg and ./b.jpg"});
}

TEST_F(ListInputsRefusals, NoImageAmongWhatWasNamed) {
  folder_.write("empty/notes.txt", "words");
  folder_.write_image("empty/.hidden.jpg");
  folder_.write_image("empty/sub/a.jpg");

  refuses(named({"empty"}), {"empty: no image", "no images: 1", "-r", "--hidden"});

  InputOptions with_empty_list = listed("");
  with_empty_list.paths = {"empty"};
  refuses(with_empty_list, {"no image"});
}

TEST_F(ListInputsRefusals, AnInputFolderThatIsTheOutputFolder) {
  refuses(named({"dir"}), {"dir", "output folder"}, "dir/");
  refuses(named({"linked"}), {"linked", "output folder"}, folder_.path() + "/dir");
}

TEST_F(ListInputsRefusals, AListThatCannotBeRead) {
  InputOptions options;
  options.files_from = "missing-list";
  refuses(options, {"missing-list: No such file"});
  options.files_from = "dir";
  refuses(options, {"dir: Is a directory"});
}

TEST_F(ListInputsRefusals, StandardInputAsImageAndList) {
  InputOptions options = named({"-"});
  options.files_from = "-";
  refuses(options, {"standard input"});
}

TEST_F(ListInputsRefusals, AnInputThatIsNotBelowTheRoot) {
  InputOptions options = named({"dir/a.jpg", "b.jpg"});
  options.root = "dir";
  refuses(options, {"b.jpg", "--root dir"});
  options = named({"dir/a.jpg"});
  options.root = "di";
  refuses(options, {"di: No such file", "--root"});
  options.root = "b.jpg";
  refuses(options, {"b.jpg: Not a directory"});
  options = listed("dir/../b.jpg\n");
  options.root = "dir";
  refuses(options, {"dir/../b.jpg"});
  folder_.make_folder("dir2");
  options = listed("dir2/x.jpg\n");
  options.root = "dir";
  refuses(options, {"dir2/x.jpg"});
}

TEST_F(ListInputsRefusals, NothingForNamesOfOneFile) {
  std::filesystem::create_hard_link("b.jpg", "c.jpg");
  folder_.link("b.jpg", "d.jpg");
  EXPECT_EQ(list_inputs(named({"b.jpg", "c.jpg", "d.jpg"}), "").size(), 3U);
}

}  // namespace
}  // namespace pixmill::pipeline

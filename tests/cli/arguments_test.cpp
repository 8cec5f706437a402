#include "cli/arguments.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pixmill::cli {
namespace {

using Words = std::vector<std::string>;

class Arguments : public testing::Test {
 protected:
  Arguments() : parser_(page()) {
    parser_.group("all");
    parser_.flag("-r,--recursive", "descend", recursive_);
    parser_.flag("-0,--null", "NUL", nul_);
    parser_.option("-o,--output", "DIR", "folder", [this](const std::string& value) { output_ = value; });
    parser_.option("--ops", "CHAIN", "chain", [this](const std::string& value) { ops_ = value; });
    parser_.option("-j,--jobs", "N", "workers", [](const std::string& value) {
      if (value != "1") throw Error(ErrorCode::usage, "expected 1");
    });
    parser_.hidden_option("--secret", [](const std::string&) { throw Error(ErrorCode::usage, "not here"); });
  }

  static HelpPage page() {
    HelpPage page;
    page.usage = "pixmill run INPUT...";
    return page;
  }

  Words parsed(const Words& arguments) {
    Words positionals;
    EXPECT_TRUE(parser_.parse(arguments, positionals));
    return positionals;
  }

  std::string complaint(const Words& arguments) {
    Words positionals;
    try {
      static_cast<void>(parser_.parse(arguments, positionals));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      return error.what();
    }
    return "(none)";
  }

  ArgumentParser parser_;
  bool recursive_ = false;
  bool nul_ = false;
  std::string output_ = "unset";
  std::string ops_ = "unset";
};

TEST_F(Arguments, OptionsAndPositionalsMayMix) {
  EXPECT_EQ(parsed({"a", "-o", "out", "b", "-r", "--ops=gray,threshold=otsu", "-"}), (Words{"a", "b", "-"}));
  EXPECT_TRUE(recursive_);
  EXPECT_EQ(output_, "out");
  EXPECT_EQ(ops_, "gray,threshold=otsu");
}

TEST_F(Arguments, ShortOptionsMayBeJoined) {
  parsed({"-r0oout"});
  EXPECT_TRUE(recursive_);
  EXPECT_TRUE(nul_);
  EXPECT_EQ(output_, "out");
}

TEST_F(Arguments, AllAfterTwoDashesIsPositional) {
  EXPECT_EQ(parsed({"--", "-r", "--ops", "--"}), (Words{"-r", "--ops", "--"}));
  EXPECT_FALSE(recursive_);
}

TEST_F(Arguments, FileNamesAreNotInterpreted) {
  EXPECT_EQ(parsed({"[a,b]", "{}", "a b", "", "run", "%", "x=y"}),
            (Words{"[a,b]", "{}", "a b", "", "run", "%", "x=y"}));
  parsed({"--output", "[a,b]"});
  EXPECT_EQ(output_, "[a,b]");
}

TEST_F(Arguments, AnEmptyValueIsAValue) {
  parsed({"--ops=", "-o", ""});
  EXPECT_EQ(ops_, "");
  EXPECT_EQ(output_, "");
}

TEST_F(Arguments, TheLastValueCounts) {
  parsed({"-o", "a", "--output=b", "-r", "-r"});
  EXPECT_EQ(output_, "b");
}

TEST_F(Arguments, HelpSetsNothing) {
  Words positionals;
  EXPECT_FALSE(parser_.parse(Words{"-o", "x", "--help", "--jobs", "bad"}, positionals));
  EXPECT_EQ(output_, "unset");
}

TEST_F(Arguments, AnUnknownOptionNamesTheNearest) {
  EXPECT_EQ(complaint({"--ouput", "x"}),
            "unknown option --ouput; did you mean --output? 'pixmill run --help' lists them");
  EXPECT_NE(complaint({"-x"}).find("unknown option -x"), std::string::npos);
  EXPECT_EQ(complaint({"--secrte"}).find("--secret?"), std::string::npos) << "what is not offered is not suggested";
}

TEST_F(Arguments, AMissingValueSaysWhatToWrite) {
  EXPECT_EQ(complaint({"a", "-o"}), "--output needs a value; write -o DIR");
  EXPECT_EQ(complaint({"a", "-rj"}), "--jobs needs a value; write -j N");
  EXPECT_EQ(complaint({"a", "-o", "--ops", "gray"}), "--output needs a value, but --ops follows; write -o DIR");
}

TEST_F(Arguments, AFlagTakesNoValue) {
  EXPECT_EQ(complaint({"--recursive=yes"}), "--recursive takes no value; leave out '=yes'");
}

TEST_F(Arguments, AWrongValueNamesOptionAndValue) {
  EXPECT_EQ(complaint({"-j", "0"}), "--jobs 0: expected 1");
  EXPECT_EQ(complaint({"--secret", "5"}), "not here");
}

TEST(ExpectWord, NamesAllAndTheNearest) {
  EXPECT_NO_THROW(expect_word("png", {"png", "jpg"}));
  try {
    expect_word("pgn", {"png", "jpg", "same"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "expected one of png, jpg or same; did you mean png?");
  }
}

TEST(ListWords, JoinsAsPeopleDo) {
  EXPECT_EQ(list_words({"a"}), "a");
  EXPECT_EQ(list_words({"a", "b"}, "and"), "a and b");
  EXPECT_EQ(list_words({"a", "b", "c"}), "a, b or c");
}

}  // namespace
}  // namespace pixmill::cli

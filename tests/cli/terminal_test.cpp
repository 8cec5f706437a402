#include "cli/terminal.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pixmill::cli {
namespace {

TEST(EscapeForTerminal, LeavesPrintableTextAsItIs) {
  EXPECT_EQ(escape_for_terminal("a b/ü–日本🎉.jpg"), "a b/ü–日本🎉.jpg");
  EXPECT_EQ(escape_for_terminal(""), "");
}

TEST(EscapeForTerminal, WritesOutControlCharacters) {
  EXPECT_EQ(escape_for_terminal("\x1b[31mred\n\r\t\x7f"), "\\x1b[31mred\\n\\r\\t\\x7f");
  EXPECT_EQ(escape_for_terminal(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(EscapeForTerminal, WritesOutC1ControlsAndTurnsOfDirection) {
  EXPECT_EQ(escape_for_terminal("\xc2\x9b"
                                "31m"),
            "\\u009b31m");
  EXPECT_EQ(escape_for_terminal("gpj.\xe2\x80\xae"
                                "exe"),
            "gpj.\\u202eexe");
  EXPECT_EQ(escape_for_terminal("\xe2\x81\xa6"), "\\u2066");
}

TEST(EscapeForTerminal, WritesOutInvalidUtf8ByteByByte) {
  EXPECT_EQ(escape_for_terminal("caf\xe9.jpg"), "caf\\xe9.jpg");
  EXPECT_EQ(escape_for_terminal("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(escape_for_terminal("\xc0\xaf"), "\\xc0\\xaf") << "an overlong slash";
  EXPECT_EQ(escape_for_terminal("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(escape_for_terminal("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond U+10FFFF";
  EXPECT_EQ(escape_for_terminal("\xe2\x82"), "\\xe2\\x82") << "cut short";
}

TEST(Columns, CountsCharactersNotBytes) {
  EXPECT_EQ(columns("über"), 4U);
  EXPECT_EQ(columns(""), 0U);
}

TEST(Coloured, IsPlainUnlessEnabled) {
  EXPECT_EQ(coloured("x", Colour::red, false), "x");
  EXPECT_EQ(coloured("x", Colour::none, true), "x");
  EXPECT_EQ(coloured("x", Colour::red, true), "\x1b[31mx\x1b[0m");
}

TEST(Wrap, BreaksAtSpacesOnly) {
  EXPECT_EQ(wrap("one two three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrap("a verylongword b", 4), (std::vector<std::string>{"a", "verylongword", "b"}));
  EXPECT_EQ(wrap("", 10), (std::vector<std::string>{""}));
  EXPECT_EQ(wrap("  a   b ", 10), (std::vector<std::string>{"a b"}));
}

TEST(TwoColumns, WrapsTheSecondBelowItself) {
  EXPECT_EQ(two_columns("name", "what it is and does", 2, 8, 24), "  name  what it is and\n        does\n");
}

TEST(TwoColumns, GivesALongNameItsOwnLine) {
  EXPECT_EQ(two_columns("a-long-name", "what", 0, 6, 40), "a-long-name\n      what\n");
}

TEST(TwoColumns, LeavesNoTrailingSpaceWithoutText) { EXPECT_EQ(two_columns("name", "", 2, 8, 24), "  name\n"); }

}  // namespace
}  // namespace pixmill::cli

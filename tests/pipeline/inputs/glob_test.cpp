#include "pipeline/inputs/glob.hpp"

#include <fnmatch.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace pixmill::pipeline {
namespace {

TEST(Glob, KnowsWildcards) {
  for (const char* text : {"*", "a?", "[ab]", "a\\\\*"}) EXPECT_TRUE(has_wildcards(text)) << text;
  for (const char* text : {"", "a.jpg", "a\\*", "a\\?b\\[", "{a,b}", "~", "\\"})
    EXPECT_FALSE(has_wildcards(text)) << text;
}

TEST(Glob, MatchesCharactersNotBytes) {
  EXPECT_TRUE(glob_match("?.jpg", "\xc3\xa4.jpg"));
  EXPECT_FALSE(glob_match("??.jpg", "\xc3\xa4.jpg"));
  EXPECT_TRUE(glob_match("[\xc3\xa0-\xc3\xbc].jpg", "\xc3\xa4.jpg"));
  EXPECT_TRUE(glob_match("\xe2\x82\xac?", "\xe2\x82\xac\xf0\x9f\x98\x80"));
}

TEST(Glob, TakesBrokenUtf8ByteByByte) {
  EXPECT_TRUE(glob_match("a?b",
                         "a\xff"
                         "b"));
  EXPECT_TRUE(glob_match("??",
                         "\xc3"
                         "a"));
  EXPECT_TRUE(glob_match("*\xff", "a\xff"));
  EXPECT_FALSE(glob_match("[a-z]", "\xff"));
  EXPECT_TRUE(glob_match("?", "\xe2"));
}

TEST(Glob, ReadsSets) {
  EXPECT_TRUE(glob_match("[!a-c]x", "dx"));
  EXPECT_FALSE(glob_match("[!a-c]x", "bx"));
  EXPECT_TRUE(glob_match("[^a]", "b"));
  EXPECT_TRUE(glob_match("[]]", "]"));
  EXPECT_TRUE(glob_match("[!]]", "a"));
  EXPECT_TRUE(glob_match("[a-]", "-"));
  EXPECT_TRUE(glob_match("[\\]]", "]"));
  EXPECT_FALSE(glob_match("[a-c]", "B"));
}

TEST(Glob, TakesAnOpenSetAsText) {
  EXPECT_TRUE(glob_match("scan[1", "scan[1"));
  EXPECT_TRUE(glob_match("[*", "[anything"));
  EXPECT_FALSE(glob_match("[", "a"));
}

TEST(Glob, TakesEscapedCharactersAsText) {
  EXPECT_TRUE(glob_match("\\*", "*"));
  EXPECT_FALSE(glob_match("\\*", "a"));
  EXPECT_EQ(without_escapes("a\\*b\\\\\\["), "a*b\\[");
}

TEST(Glob, IsNotExponential) {
  const std::string name(5000, 'a');
  EXPECT_FALSE(glob_match("*a*a*a*a*a*a*a*a*a*a*b", name));
}

TEST(Glob, AgreesWithFnmatchOnPlainPatterns) {
  std::mt19937 random(11);
  const std::string pattern_letters = "ab*?c";
  const std::string name_letters = "abc";
  int matches = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string pattern(random() % 6, ' ');
    std::string name(random() % 6, ' ');
    for (char& c : pattern) c = pattern_letters[random() % pattern_letters.size()];
    for (char& c : name) c = name_letters[random() % name_letters.size()];
    if (random() % 3 == 0) pattern += "[!a-b]";
    const bool expected = ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
    matches += expected ? 1 : 0;
    ASSERT_EQ(glob_match(pattern, name), expected) << pattern << " on " << name;
  }
  EXPECT_GT(matches, 1000);
}

}  // namespace
}  // namespace pixmill::pipeline

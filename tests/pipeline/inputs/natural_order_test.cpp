#include "pipeline/inputs/natural_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

int sign(int value) { return (value > 0) - (value < 0); }

TEST(NaturalOrder, SortsAsPeopleExpect) {
  const std::vector<std::string> sorted = {"",
                                           "a",
                                           "a/b",
                                           "a/b2",
                                           "a/b10",
                                           "a b",
                                           "a-b",
                                           "a.jpg",
                                           "a1.jpg",
                                           "a01.jpg",
                                           "a001.jpg",
                                           "a2.jpg",
                                           "a10.jpg",
                                           "a10b",
                                           "b",
                                           "page9",
                                           "page99999999999999999999998",
                                           "page99999999999999999999999",
                                           "page100000000000000000000000",
                                           "\xc3\xa4",
                                           "\xff"};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t j = 0; j < sorted.size(); ++j) {
      EXPECT_EQ(sign(natural_compare(sorted[i], sorted[j])), (i > j) - (i < j)) << sorted[i] << " and " << sorted[j];
    }
  }
}

TEST(NaturalOrder, ComparesANumberAsAWholeWhereTextsPartInside) {
  EXPECT_LT(natural_compare("x19", "x110"), 0);
  EXPECT_LT(natural_compare("x1", "x12"), 0);
  EXPECT_GT(natural_compare("x100", "x99"), 0);
}

TEST(NaturalOrder, LetsLeadingZerosDecideOnlyWhenNothingElseDoes) {
  EXPECT_LT(natural_compare("a01b1", "a1b2"), 0);
  EXPECT_GT(natural_compare("a01b1", "a1b1"), 0);
  EXPECT_GT(natural_compare("a01b1", "a1b01"), 0);
  EXPECT_LT(natural_compare("a0", "a00"), 0);
}

TEST(NaturalOrder, IsATotalOrder) {
  std::mt19937 random(7);
  const std::string letters = "019a/.";
  std::vector<std::string> texts;
  for (int i = 0; i < 120; ++i) {
    std::string text(random() % 7, ' ');
    for (char& c : text) c = letters[random() % letters.size()];
    texts.push_back(text);
  }
  for (const std::string& a : texts) {
    for (const std::string& b : texts) {
      ASSERT_EQ(sign(natural_compare(a, b)), -sign(natural_compare(b, a))) << a << " and " << b;
      ASSERT_EQ(natural_compare(a, b) == 0, a == b) << a << " and " << b;
      for (const std::string& c : texts) {
        if (natural_compare(a, b) <= 0 && natural_compare(b, c) <= 0) {
          ASSERT_LE(natural_compare(a, c), 0) << a << ", " << b << ", " << c;
        }
      }
    }
  }
}

}  // namespace
}  // namespace pixmill::pipeline

#include "pipeline/inputs/input_list.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace pixmill::pipeline {
namespace {

TEST(InputList, IsEmptyAtFirst) {
  const InputList list;

  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.size(), 0U);
  EXPECT_EQ(list.total_bytes(), 0U);
  EXPECT_EQ(list.passed_over(), 0U);
}

TEST(InputList, GivesBackWhatItGot) {
  InputList list;
  list.append("photos/a/b.jpg", 7, 100);
  list.append("-", std::string_view("stdin"), 20);
  list.append("x/../../y.png", std::string_view("y.png"), 3);

  EXPECT_EQ(list.path(0), "photos/a/b.jpg");
  EXPECT_EQ(list.kept_path(0), "a/b.jpg");
  EXPECT_EQ(list.bytes(0), 100U);
  EXPECT_EQ(list.path(1), "-");
  EXPECT_EQ(list.kept_path(1), "stdin");
  EXPECT_EQ(list.path(2), "x/../../y.png");
  EXPECT_EQ(list.kept_path(2), "y.png");
  EXPECT_EQ(list.total_bytes(), 123U);
}

TEST(InputList, HasNoTotalWhenASizeIsUnknown) {
  InputList list;
  list.append("a", 1, 5);
  list.append("b", 1, InputList::kUnknownSize);

  EXPECT_EQ(list.bytes(1), 0U);
  EXPECT_EQ(list.total_bytes(), 0U);
}

}  // namespace
}  // namespace pixmill::pipeline

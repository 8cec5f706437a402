#include "pipeline/frame_answer.hpp"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include <array>
#include <cstring>
#include <limits>
#include <string>

namespace pixmill::pipeline {
namespace {

using Head = std::array<std::byte, kAnswerHeadBytes>;

ProgramResult good(int rows, int columns, int type) {
  ProgramResult result;
  result.detail = "what there is to know";
  result.frame = cv::Mat(rows, columns, type, cv::Scalar(0));
  return result;
}

Head head_of(const ProgramResult& result) {
  Head head;
  head.fill(std::byte{0xFF});
  write_answer_head(result, head);
  return head;
}

// The word of the head at this place.
void set(Head& head, std::size_t word, std::int32_t value) { std::memcpy(head.data() + 4 * word, &value, 4); }

TEST(FrameAnswer, IsReadAsWritten) {
  const Head head = head_of(good(7, 5, CV_16UC3));
  const auto read = read_answer_head(head, kAnswerHeadBytes + 7 * 5 * 6);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->verdict, Verdict::ok);
  EXPECT_EQ(read->detail, "what there is to know");
  EXPECT_EQ(read->rows, 7);
  EXPECT_EQ(read->columns, 5);
  EXPECT_EQ(read->type, CV_16UC3);
}

TEST(FrameAnswer, AFailureHasNoPixels) {
  ProgramResult failed;
  failed.verdict = Verdict::kernel_failed;
  failed.detail = std::string(10000, 'x');
  const Head head = head_of(failed);
  const auto read = read_answer_head(head, kAnswerHeadBytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->verdict, Verdict::kernel_failed);
  EXPECT_GT(read->detail.size(), 4000U);
  EXPECT_LT(read->detail.size(), kAnswerHeadBytes);
  EXPECT_FALSE(read_answer_head(head, kAnswerHeadBytes + 1));
}

TEST(FrameAnswer, SizesMustAgreeToTheLastByte) {
  const Head head = head_of(good(7, 5, CV_8UC1));
  EXPECT_TRUE(read_answer_head(head, kAnswerHeadBytes + 35));
  EXPECT_FALSE(read_answer_head(head, kAnswerHeadBytes + 34));
  EXPECT_FALSE(read_answer_head(head, kAnswerHeadBytes + 36));
  EXPECT_FALSE(read_answer_head(head, kAnswerHeadBytes));
  EXPECT_FALSE(read_answer_head(head, 35));
  EXPECT_FALSE(read_answer_head(std::span(head).first(kAnswerHeadBytes - 1), kAnswerHeadBytes + 35));
  EXPECT_FALSE(read_answer_head({}, 0));
}

TEST(FrameAnswer, NonsenseIsNone) {
  const Head head = head_of(good(7, 5, CV_8UC1));
  const auto refused = [&](std::size_t word, std::int32_t value) {
    Head bad = head;
    set(bad, word, value);
    return !read_answer_head(bad, kAnswerHeadBytes + 35);
  };
  for (std::int32_t verdict = -1; verdict < 40; ++verdict) {
    EXPECT_EQ(refused(0, verdict), verdict != static_cast<std::int32_t>(Verdict::ok)) << verdict;
  }
  constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
  for (const std::int32_t side : {0, -1, -7, kMost, -kMost - 1}) {
    EXPECT_TRUE(refused(1, side));
    EXPECT_TRUE(refused(2, side));
  }
  for (const std::int32_t type : {-1, CV_32FC1, CV_8UC(5), CV_16UC1, CV_8SC1, kMost}) EXPECT_TRUE(refused(3, type));
  EXPECT_TRUE(refused(4, -1));
  EXPECT_TRUE(refused(4, static_cast<std::int32_t>(kAnswerHeadBytes)));
  EXPECT_TRUE(refused(5, 1));
}

TEST(FrameAnswer, ItsPixelsHaveOneShape) {
  const auto read = read_answer_head(head_of(good(7, 5, CV_16UC3)), kAnswerHeadBytes + 7 * 5 * 6);
  ASSERT_TRUE(read);
  using kernels::Depth;
  EXPECT_TRUE(read->has({5, 7, 3, Depth::sixteen}));
  EXPECT_FALSE(read->has({7, 5, 3, Depth::sixteen}));
  EXPECT_FALSE(read->has({5, 7, 1, Depth::sixteen}));
  EXPECT_FALSE(read->has({5, 7, 3, Depth::eight}));
  EXPECT_FALSE(read->has({(std::int64_t{1} << 32) + 5, 7, 3, Depth::sixteen}));
}

// 2^62 pixels of eight bytes each: a product that would wrap to 0.
TEST(FrameAnswer, SizesThatDoNotFitANumberAreNonsense) {
  Head head = head_of(good(1, 1, CV_16UC4));
  set(head, 1, 1 << 30);
  set(head, 2, 1 << 30);
  EXPECT_FALSE(read_answer_head(head, kAnswerHeadBytes));
  EXPECT_FALSE(read_answer_head(head, kAnswerHeadBytes + 8));
}

}  // namespace
}  // namespace pixmill::pipeline

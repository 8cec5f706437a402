#include "pipeline/backends/answer.hpp"

#include "tests/support/sample_files.hpp"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

using kernels::Depth;

// Where things stand in the header.
constexpr std::size_t kMs = 16;
constexpr std::size_t kPixels = 24;
constexpr std::size_t kDetailBytes = 32;
constexpr std::size_t kEncodedBytes = 40;
constexpr std::size_t kVerdict = 48;
constexpr std::size_t kRows = 64;
constexpr std::size_t kColumns = 68;
constexpr std::size_t kType = 72;
constexpr std::size_t kSpans = 76;
constexpr std::size_t kOwnBytes = 80;
constexpr std::size_t kHeaderBytes = 88;

/// An answer's bytes in memory of exactly that size, so that a sanitizer sees each byte beyond.
class Sent {
 public:
  explicit Sent(const std::vector<std::byte>& bytes) : memory_(new std::byte[bytes.size()]), size_(bytes.size()) {
    if (!bytes.empty()) std::memcpy(memory_.get(), bytes.data(), bytes.size());
  }
  [[nodiscard]] Bytes bytes() const { return {memory_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> memory_;
  std::size_t size_;
};

std::vector<std::byte> joined(const std::vector<Bytes>& pieces) {
  std::vector<std::byte> whole;
  for (const Bytes& piece : pieces) whole.insert(whole.end(), piece.begin(), piece.end());
  return whole;
}

std::vector<std::byte> written(const ProgramResult& result, Bytes encoded) {
  AnswerWriter writer;
  return joined(writer.write(result, encoded));
}

/// What a worker has to say of one image, and what was asked of it.
struct Said {
  ProgramResult result;
  std::vector<std::byte> encoded;
  AnswerWish wish;

  [[nodiscard]] std::vector<std::byte> bytes() const { return written(result, encoded); }
};

Said said_of(const cv::Mat& frame, bool encoded, bool partial, bool histogram, bool with_frame) {
  Said said;
  said.wish = {{encoded, partial, with_frame}, histogram};
  said.result.verdict = Verdict::ok;
  said.result.width = 1234567890123;
  said.result.height = 7;
  said.result.ms = 1.0 / 3;
  said.result.detail = "a note in UTF-8: Größe";
  if (encoded) {
    const std::string text = "these would be the bytes of a PNG";
    said.encoded.assign(reinterpret_cast<const std::byte*>(text.data()),
                        reinterpret_cast<const std::byte*>(text.data() + text.size()));
  }
  if (partial) {
    kernels::Histogram counted;
    counted.reset(kernels::depth_of(frame), frame.channels());
    counted.add(frame);
    said.result.partial = kernels::make_partial(counted, histogram);
  }
  if (with_frame) said.result.frame = frame;
  return said;
}

Said usual() { return said_of(tests::noise_frame(5, 3, CV_8UC3, 1), true, true, true, true); }

void expect_same(const kernels::Partial& got, const kernels::Partial& want) {
  EXPECT_EQ(got.depth, want.depth);
  EXPECT_EQ(got.pixels, want.pixels);
  ASSERT_EQ(got.channels.size(), want.channels.size());
  for (std::size_t i = 0; i < got.channels.size(); ++i) {
    EXPECT_EQ(got.channels[i].min, want.channels[i].min);
    EXPECT_EQ(got.channels[i].max, want.channels[i].max);
    EXPECT_EQ(got.channels[i].sum, want.channels[i].sum);
    EXPECT_EQ(got.channels[i].sum_of_squares, want.channels[i].sum_of_squares);
    EXPECT_EQ(got.channels[i].histogram, want.channels[i].histogram);
  }
}

void expect_survives(const Said& said) {
  const Sent sent(said.bytes());
  const std::optional<ReadAnswer> got = read_answer(sent.bytes(), said.wish);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->result.verdict, said.result.verdict);
  EXPECT_EQ(got->result.detail, said.result.detail);
  EXPECT_EQ(got->result.width, said.result.width);
  EXPECT_EQ(got->result.height, said.result.height);
  EXPECT_EQ(got->result.ms, said.result.ms);
  EXPECT_EQ(std::vector(got->encoded.begin(), got->encoded.end()), said.encoded);
  ASSERT_EQ(got->result.partial.has_value(), said.result.partial.has_value());
  if (said.result.partial) expect_same(*got->result.partial, *said.result.partial);
  ASSERT_EQ(got->result.frame.empty(), said.result.frame.empty());
  if (said.result.frame.empty()) return;
  ASSERT_EQ(got->result.frame.type(), said.result.frame.type());
  ASSERT_EQ(got->result.frame.size(), said.result.frame.size());
  for (int y = 0; y < said.result.frame.rows; ++y) {
    EXPECT_EQ(std::memcmp(got->result.frame.ptr(y), said.result.frame.ptr(y),
                          static_cast<std::size_t>(said.result.frame.cols) * said.result.frame.elemSize()),
              0);
  }
}

TEST(Answer, EveryCombinationOfWhatCanBeWantedSurvivesTheWay) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_16UC1, CV_16UC3}) {
    for (const int wanted : {0, 1, 2, 3, 4, 5, 6, 7}) {
      for (const bool histogram : {false, true}) {
        SCOPED_TRACE(testing::Message() << "type " << type << ", wanted " << wanted << ", histogram " << histogram);
        expect_survives(said_of(tests::noise_frame(13, 9, type, 5), (wanted & 1) != 0, (wanted & 2) != 0, histogram,
                                (wanted & 4) != 0));
      }
    }
  }
}

TEST(Answer, FramesOfEveryKindAndShapeSurvive) {
  for (const int depth : {CV_8U, CV_16U}) {
    for (const int channels : {1, 2, 3, 4}) {
      for (const cv::Size size : {cv::Size(1, 1), cv::Size(1, 77), cv::Size(64, 1), cv::Size(31, 17)}) {
        cv::Mat frame(size, CV_MAKETYPE(depth, channels));
        cv::randu(frame, 0, 256);
        Said said = said_of(frame, false, false, false, true);
        expect_survives(said);
        said.result.frame = cv::Mat(size.height + 2, size.width + 5, frame.type(),
                                    cv::Scalar::all(9))(cv::Rect(3, 1, size.width, size.height));
        expect_survives(said);
      }
    }
  }
}

TEST(Answer, ConstantAndExtremeLevelsSurvive) {
  for (const int type : {CV_8UC1, CV_16UC1, CV_8UC3}) {
    for (const double level : {0.0, 1.0, type == CV_16UC1 ? 65535.0 : 255.0}) {
      expect_survives(said_of(cv::Mat(4, 4, type, cv::Scalar::all(level)), false, true, true, false));
    }
  }
}

TEST(Answer, AFailureComesWithItsDetailAlone) {
  for (const Verdict verdict : {Verdict::unsupported, Verdict::corrupt, Verdict::truncated, Verdict::too_large,
                                Verdict::out_of_memory, Verdict::kernel_failed, Verdict::write_failed}) {
    Said said;
    said.wish = {{true, true, true}, true};
    said.result.verdict = verdict;
    // What a library quotes from a file can be anything, in a process as in a thread.
    said.result.detail = "tag \"\xff\xfe\x01\"";
    expect_survives(said);
  }
}

TEST(Answer, ALongDetailIsCut) {
  Said said;
  said.result.verdict = Verdict::corrupt;
  said.result.detail = std::string(1000000, 'x');
  const Sent sent(said.bytes());
  const auto got = read_answer(sent.bytes(), said.wish);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->result.detail, std::string(65536, 'x'));
}

TEST(Answer, AWriterIsUsedAgain) {
  AnswerWriter writer;
  static_cast<void>(writer.write(usual().result, usual().encoded));
  Said small;
  small.result.verdict = Verdict::corrupt;
  EXPECT_EQ(joined(writer.write(small.result, {})), small.bytes());
}

TEST(Answer, WhatIsCutShortOrTooLongIsNothing) {
  const Said said = usual();
  const std::vector<std::byte> whole = said.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Sent cut(std::vector<std::byte>(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_FALSE(read_answer(cut.bytes(), said.wish)) << size;
  }
  std::vector<std::byte> longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(read_answer(Sent(longer).bytes(), said.wish));
}

TEST(Answer, AnyOtherByteOfTheHeaderIsNothingOrHarmless) {
  const Said said = usual();
  const std::vector<std::byte> whole = said.bytes();
  for (std::size_t at = 0; at < kHeaderBytes; ++at) {
    for (int value = 0; value < 256; ++value) {
      std::vector<std::byte> changed = whole;
      if (changed[at] == std::byte(value)) continue;
      changed[at] = std::byte(value);
      const Sent sent(changed);
      const auto got = read_answer(sent.bytes(), said.wish);
      // The size and the time are the worker's to say; a repaired image is as good; what is padding, and what is
      // detail and what encoded, is as the header has it.
      const bool free = at < kPixels || at == kVerdict || at == kDetailBytes || at == kEncodedBytes;
      if (!free) {
        EXPECT_FALSE(got) << "byte " << at << " = " << value;
      }
      if (got) {
        EXPECT_EQ(written(got->result, got->encoded), changed) << at;
      }
    }
  }
}

TEST(Answer, AnyByteBehindTheHeaderIsHarmless) {
  for (const bool histogram : {false, true}) {
    const Said said = said_of(tests::noise_frame(5, 3, CV_8UC3, 1), true, true, histogram, true);
    const std::vector<std::byte> whole = said.bytes();
    for (std::size_t at = kHeaderBytes; at < whole.size(); ++at) {
      for (const int flipped : {1, 128, 255}) {
        std::vector<std::byte> changed = whole;
        changed[at] ^= std::byte(flipped);
        const Sent sent(changed);
        const auto got = read_answer(sent.bytes(), said.wish);
        // What is believed is what was sent, to the byte.
        if (got) {
          EXPECT_EQ(written(got->result, got->encoded), changed) << at;
        }
        const std::size_t histograms_end = kHeaderBytes + std::size_t{3} * (24 + (histogram ? 1024 : 0));
        if (histogram && at < histograms_end) {
          EXPECT_FALSE(got) << "byte " << at << " of the levels";
        }
      }
    }
  }
}

template <typename Number>
std::vector<std::byte> with_number(std::vector<std::byte> bytes, std::size_t offset, Number number) {
  std::memcpy(bytes.data() + offset, &number, sizeof number);
  return bytes;
}

TEST(Answer, SizesNearTheEndOfNumbersAreNothing) {
  const Said said = usual();
  const std::vector<std::byte> whole = said.bytes();
  for (const std::size_t field : {kPixels, kDetailBytes, kEncodedBytes, kOwnBytes}) {
    for (const std::uint64_t size :
         {UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - kHeaderBytes, std::uint64_t{1} << 63U, std::uint64_t{1} << 32U}) {
      EXPECT_FALSE(read_answer(Sent(with_number(whole, field, size)).bytes(), said.wish)) << field << " " << size;
    }
  }
  // Together they would be right again if sums were taken modulo 2^64.
  const std::uint64_t encoded = said.encoded.size();
  const auto shifted =
      with_number(with_number(whole, kEncodedBytes, UINT64_MAX), kDetailBytes, said.result.detail.size() + encoded + 1);
  EXPECT_FALSE(read_answer(Sent(shifted).bytes(), said.wish));
}

TEST(Answer, AFrameWhoseBytesDoNotFitANumberIsNothing) {
  Said said = said_of(cv::Mat(1, 1, CV_16UC4, cv::Scalar::all(0)), false, false, false, true);
  const std::vector<std::byte> whole = said.bytes();
  constexpr std::int32_t kSides[][2] = {{1 << 30, 1 << 30},
                                        {INT32_MAX, INT32_MAX},
                                        {1 << 30, INT32_MAX},
                                        {1 << 30, (1 << 30) + 1},
                                        {-1, -1},
                                        {INT32_MIN, INT32_MIN},
                                        {1, INT32_MIN},
                                        {-1, 1},
                                        {1, 0},
                                        {0, 1}};
  for (const auto& [rows, columns] : kSides) {
    const auto huge = with_number(with_number(whole, kRows, rows), kColumns, columns);
    EXPECT_FALSE(read_answer(Sent(huge).bytes(), said.wish)) << rows << " x " << columns;
  }
  // The worst: sides whose product is 2^61 + k for a small k, so that the bytes modulo 2^64 are really there.
  const std::uint64_t target = std::uint64_t{1} << 61U;
  int tried = 0;
  for (std::uint64_t rows = 1518500250; rows > 1518400250 && tried < 20; --rows) {
    const std::uint64_t columns = (target + rows - 1) / rows;
    const std::uint64_t wrapped = rows * columns * 8;
    if (columns > INT32_MAX || wrapped == 0 || wrapped > 100000) continue;
    ++tried;
    auto bytes = with_number(with_number(whole, kRows, static_cast<std::int32_t>(rows)), kColumns,
                             static_cast<std::int32_t>(columns));
    bytes.resize(bytes.size() - 8 + wrapped);
    EXPECT_FALSE(read_answer(Sent(bytes).bytes(), said.wish)) << rows << " x " << columns;
  }
  EXPECT_GT(tried, 0);
}

TEST(Answer, AFrameOfAnotherTypeIsNothing) {
  const Said said = said_of(cv::Mat(8, 8, CV_8UC1, cv::Scalar::all(0)), false, false, false, true);
  for (const int type : {CV_8SC1, CV_32FC1, CV_8UC(5), -1, 1 << 30}) {
    EXPECT_FALSE(read_answer(Sent(with_number(said.bytes(), kType, type)).bytes(), said.wish)) << type;
  }
}

TEST(Answer, ATimeThatIsNoneIsNothing) {
  const Said said = usual();
  for (const double ms : {-1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_FALSE(read_answer(Sent(with_number(said.bytes(), kMs, ms)).bytes(), said.wish)) << ms;
  }
}

TEST(Answer, VerdictsThatNoProgramGivesAreNothing) {
  for (const Verdict verdict : all_verdicts()) {
    Said said;
    said.result.verdict = verdict;
    said.wish = {{false, false, false}, false};
    const bool of_others = verdict == Verdict::skipped || verdict == Verdict::unreadable ||
                           verdict == Verdict::timeout || verdict == Verdict::crashed || verdict == Verdict::cancelled;
    EXPECT_EQ(read_answer(Sent(said.bytes()).bytes(), said.wish).has_value(), !of_others) << to_string(verdict);
  }
}

TEST(Answer, WhatWasNotAskedForOrIsMissingIsNothing) {
  for (const int sent : {0, 1, 2, 3, 4, 5, 6, 7}) {
    const cv::Mat frame = tests::noise_frame(5, 3, CV_8UC1, 1);
    const Said said = said_of(frame, (sent & 1) != 0, (sent & 2) != 0, false, (sent & 4) != 0);
    const Sent bytes(said.bytes());
    for (const int asked : {0, 1, 2, 3, 4, 5, 6, 7}) {
      const AnswerWish wish{{(asked & 1) != 0, (asked & 2) != 0, (asked & 4) != 0}, false};
      EXPECT_EQ(read_answer(bytes.bytes(), wish).has_value(), asked == sent) << sent << " for " << asked;
    }
    // A histogram that is asked for and not there, and the other way round.
    AnswerWish other = said.wish;
    other.histogram = true;
    EXPECT_EQ(read_answer(bytes.bytes(), other).has_value(), (sent & 2) == 0);
  }
  Said failed = usual();
  failed.result.verdict = Verdict::corrupt;
  EXPECT_FALSE(read_answer(Sent(failed.bytes()).bytes(), failed.wish));
}

std::optional<ReadAnswer> sent_with(const std::vector<StageSpan>& spans, std::uint32_t stages) {
  Said said = usual();
  said.result.spans = spans;
  said.wish.stages = stages;
  return read_answer(Sent(said.bytes()).bytes(), said.wish);
}

TEST(Answer, SaysWhereTheTimeWent) {
  const auto got = sent_with({{100, 200, 1, 0}, {200, 200, 6, 0}, {250, 900, 3, 0}}, 7);
  ASSERT_TRUE(got);
  ASSERT_EQ(got->result.spans.size(), 3U);
  EXPECT_EQ(got->result.spans[2].begin_ns, 250U);
  EXPECT_EQ(got->result.spans[2].end_ns, 900U);
  EXPECT_EQ(got->result.spans[2].stage, 3U);
  EXPECT_TRUE(sent_with({}, 6));  // one that failed early
}

TEST(Answer, TimesThatCannotBeAreNothing) {
  EXPECT_FALSE(sent_with({{100, 200, 1, 0}}, 0)) << "nobody asked";
  EXPECT_FALSE(sent_with({{100, 200, 6, 0}}, 6)) << "no such stage";
  EXPECT_FALSE(sent_with({{100, 200, static_cast<std::uint32_t>(Stage::lost), 0}}, 7)) << "then it would not speak";
  EXPECT_FALSE(sent_with({{200, 100, 1, 0}}, 6)) << "ends before it begins";
  EXPECT_FALSE(sent_with({{100, 200, 1, 0}, {150, 300, 2, 0}}, 6)) << "two at a time";
  EXPECT_FALSE(sent_with({{100, 200, 1, 1}}, 6)) << "more than is said";
  EXPECT_FALSE(sent_with(std::vector<StageSpan>(7, StageSpan{100, 100, 1, 0}), 6)) << "more than there are stages";
}

TEST(Answer, MoreTimesThanItHasRoomForAreNothing) {
  Said said = usual();
  said.wish.stages = UINT32_MAX;
  EXPECT_FALSE(read_answer(Sent(with_number(said.bytes(), kSpans, UINT32_MAX)).bytes(), said.wish));
}

TEST(Answer, StatesOfOwnReductionsMustFit) {
  ReductionDefinition definition;
  definition.descriptor.name = "states";
  definition.state_bytes = 20;
  definition.add = [](const cv::Mat&, std::span<std::byte> state) { state[19] = std::byte{7}; };
  definition.merge = [](std::span<const std::byte>, std::span<std::byte>) {};
  definition.report = [](std::span<const std::byte>, std::uint64_t) { return std::vector<double>{1}; };
  const UserReduction reduction(definition);
  const OwnReductions own({&reduction});
  const cv::Mat frame = tests::noise_frame(5, 3, CV_8UC1, 1);
  Said said = said_of(frame, true, true, true, true);
  said.wish.own = &own;
  EXPECT_FALSE(read_answer(Sent(said.bytes()).bytes(), said.wish));  // wanted, and not there
  said.result.partial->own = own.of_image(frame);
  const Sent sent(said.bytes());
  const auto got = read_answer(sent.bytes(), said.wish);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->result.partial->own, said.result.partial->own);
  EXPECT_EQ(own.state(0, std::span<const std::byte>(got->result.partial->own))[19], std::byte{7});
  for (std::size_t size = 0; size < said.bytes().size(); ++size) {
    std::vector<std::byte> cut = said.bytes();
    cut.resize(size);
    EXPECT_FALSE(read_answer(Sent(cut).bytes(), said.wish)) << size;
  }
  AnswerWish none = said.wish;
  none.own = nullptr;
  EXPECT_FALSE(read_answer(sent.bytes(), none));  // there, and not wanted
  said.result.partial->own[0] ^= std::byte{1};
  EXPECT_FALSE(read_answer(Sent(said.bytes()).bytes(), said.wish));  // of other reductions
}

TEST(Answer, SumsThatNoLevelsHaveAreNothing) {
  const auto refused = [](void (*spoil)(kernels::ChannelPartial&), bool histogram) {
    Said said = said_of(tests::noise_frame(50, 40, CV_16UC1, 1), false, true, histogram, false);
    spoil(said.result.partial->channels[0]);
    return !read_answer(Sent(said.bytes()).bytes(), said.wish);
  };
  for (const bool histogram : {false, true}) {
    EXPECT_TRUE(refused([](kernels::ChannelPartial& c) { std::swap(c.min, c.max); }, histogram));
    EXPECT_TRUE(refused([](kernels::ChannelPartial& c) { c.max = 65536; }, histogram));
    EXPECT_TRUE(refused([](kernels::ChannelPartial& c) { c.sum = UINT64_MAX; }, histogram));
    EXPECT_TRUE(refused([](kernels::ChannelPartial& c) { c.sum = 0; }, histogram));
    EXPECT_TRUE(refused([](kernels::ChannelPartial& c) { c.sum_of_squares = UINT64_MAX; }, histogram));
    EXPECT_TRUE(refused([](kernels::ChannelPartial& c) { c.sum_of_squares = c.sum; }, histogram));
  }
  EXPECT_TRUE(refused([](kernels::ChannelPartial& c) { c.sum += 1; }, true));
  EXPECT_TRUE(refused([](kernels::ChannelPartial& c) { c.sum_of_squares += 1; }, true));
  EXPECT_TRUE(refused([](kernels::ChannelPartial& c) { c.max += 1; }, true));
  EXPECT_TRUE(refused([](kernels::ChannelPartial& c) { c.histogram[0] = UINT32_MAX; }, true));
}

}  // namespace
}  // namespace pixmill::pipeline

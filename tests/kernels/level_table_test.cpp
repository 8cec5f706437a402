#include "kernels/level_rows.hpp"
#include "kernels/simd.hpp"
#include "tests/kernels/images.hpp"

namespace pixmill::kernels::testing {
namespace {

/// Tables of every kind for a depth: steps at the edges and inside, pieces, and one that is neither.
std::vector<LevelTable> tables(Depth depth) {
  const int largest = max_level(depth);
  std::vector<LevelTable> all;
  const auto add = [&](auto function) {
    all.emplace_back(depth);
    all.back().then(function);
  };
  add([](int level) { return level; });
  add([=](int level) { return largest - level; });
  add([](int) { return 0; });
  add([=](int) { return largest; });
  add([](int) { return 9; });
  for (const int limit : {0, 1, largest / 2, largest / 2 + 1, largest - 1}) {
    add([=](int level) { return level > limit ? largest : 0; });
    add([=](int level) { return level > limit ? 0 : largest; });
    add([=](int level) { return level > limit ? 100 : 7; });
    add([=](int level) { return level > limit ? limit : level; });
    add([=](int level) { return level > limit ? level : 0; });
    add([=](int level) { return level > limit ? largest - level : level; });
    add([=](int level) { return level > limit ? 0 : level; });
  }
  add([=](int level) { return level % 3 == 0 ? largest : 0; });
  add([=](int level) { return level / 2; });
  return all;
}

template <typename T>
void expect_mapped(const LevelTable& table, const cv::Mat& in, const cv::Mat& out) {
  const int channels = in.channels();
  ASSERT_EQ(in.size(), out.size());
  for (int y = 0; y < in.rows; ++y) {
    for (int i = 0; i < in.cols * channels; ++i) {
      const T level = in.ptr<T>(y)[i];
      const bool alpha = has_alpha(channels) && i % channels == channels - 1;
      ASSERT_EQ(out.ptr<T>(y)[i], alpha ? level : table[level]) << "column " << i;
    }
  }
}

TEST(LevelTable, MapsEveryLevelOfEveryChannelButAlpha) {
  for_each_simd_target([] {
    for (const int depth : {CV_8U, CV_16U}) {
      for (int channels = 1; channels <= 4; ++channels) {
        const cv::Mat in = padded(noise(3, 167, CV_MAKETYPE(depth, channels), 3));
        for (const LevelTable& table : tables(depth_of(in))) {
          cv::Mat out = padded(cv::Mat(in.size(), in.type()));
          apply_table(table, in, out);
          depth == CV_8U ? expect_mapped<std::uint8_t>(table, in, out) : expect_mapped<std::uint16_t>(table, in, out);
        }
      }
    }
  });
}

TEST(LevelTable, MapsAFrameOntoItself) {
  for (const LevelTable& table : tables(Depth::eight)) {
    cv::Mat frame = noise(5, 99, CV_8UC1, 1);
    const cv::Mat before = frame.clone();
    apply_table(table, frame, frame);
    expect_mapped<std::uint8_t>(table, before, frame);
  }
}

TEST(LevelTable, SplitsAreLookups) {
  for_each_simd_target([] {
    for (const Depth depth : {Depth::eight, Depth::sixteen}) {
      std::vector<std::uint16_t> words(65536 + 37);
      for (std::size_t i = 0; i < words.size(); ++i) words[i] = static_cast<std::uint16_t>(i);
      const std::size_t count = depth == Depth::eight ? words.size() * 2 : words.size();
      for (const LevelTable& table : tables(depth)) {
        if (!table.as_split()) continue;
        std::vector<std::uint16_t> fast(words.size());
        std::vector<std::uint16_t> plain(words.size());
        map_row(*table.as_split(), depth, words.data(), count, fast.data());
        map_row_by_lookup(table, words.data(), count, plain.data());
        ASSERT_EQ(fast, plain);
      }
    }
  });
}

TEST(LevelTable, PacksMostSignificantBitFirstOnEveryTarget) {
  for_each_simd_target([] {
    for (const Depth depth : {Depth::eight, Depth::sixteen}) {
      const cv::Mat row = noise(1, 1000, depth == Depth::eight ? CV_8UC1 : CV_16UC1, 7);
      for (const LevelTable& table : tables(depth)) {
        if (!table.is_two_level()) continue;
        for (const int width : {1, 7, 8, 9, 31, 64, 100, 127, 128, 515, 1000}) {
          std::vector<std::uint8_t> bits(static_cast<std::size_t>(width + 7) / 8 + 1, 0xA5);
          pack_row(table, row.data, width, bits.data());
          ASSERT_EQ(bits.back(), 0xA5) << "written beyond the row";
          for (int x = 0; x < width; ++x) {
            const unsigned level = depth == Depth::eight ? row.ptr<std::uint8_t>()[x] : row.ptr<std::uint16_t>()[x];
            ASSERT_EQ((bits[static_cast<std::size_t>(x / 8)] >> (7 - x % 8)) & 1, table[level] != 0)
                << width << " " << x;
          }
          const int spare = (width + 7) / 8 * 8 - width;
          ASSERT_EQ(bits[bits.size() - 2] & ((1 << spare) - 1), 0) << width;
        }
      }
    }
  });
}

TEST(LevelTable, KnowsWhatItIs) {
  LevelTable table(Depth::eight);
  EXPECT_TRUE(table.is_identity());
  EXPECT_FALSE(table.is_two_level());
  EXPECT_FALSE(table.as_step());

  table.then([](int level) { return level > 100 ? 255 : 0; });
  EXPECT_FALSE(table.is_identity());
  EXPECT_TRUE(table.is_two_level());
  ASSERT_TRUE(table.as_step());
  EXPECT_EQ(table.as_step()->threshold, 100);
  EXPECT_FALSE(table.as_step()->inverted);

  table.then([](int level) { return 255 - level; });
  ASSERT_TRUE(table.as_step());
  EXPECT_EQ(table.as_step()->threshold, 100);
  EXPECT_TRUE(table.as_step()->inverted);

  table.then([](int level) { return level / 2; });
  EXPECT_FALSE(table.is_two_level());
  EXPECT_FALSE(table.as_step());
  EXPECT_TRUE(table.as_split());
}

TEST(LevelTable, AllBlackAndAllWhiteAreSteps) {
  for (const Depth depth : {Depth::eight, Depth::sixteen}) {
    for (const int level : {0, max_level(depth)}) {
      LevelTable table(depth);
      table.then([=](int) { return level; });
      ASSERT_TRUE(table.as_step());
      EXPECT_EQ(table.as_step()->threshold, level == 0 ? max_level(depth) : -1);
      EXPECT_FALSE(table.as_step()->inverted);
    }
  }
}

TEST(LevelTable, TwoStepsAreNoStep) {
  LevelTable table(Depth::sixteen);
  table.then([](int level) { return level > 100 && level < 200 ? 65535 : 0; });
  EXPECT_TRUE(table.is_two_level());
  EXPECT_FALSE(table.as_step());
  EXPECT_FALSE(table.as_split());
}

TEST(Simd, NamesWhatTheKernelsRunWith) {
  for_each_simd_target([] {
    const std::int64_t target = hwy::SupportedTargets();
    EXPECT_EQ(simd_target(), hwy::TargetName(target));
  });
}

}  // namespace
}  // namespace pixmill::kernels::testing

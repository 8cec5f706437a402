#include "tests/pipeline/codecs/gif_files.hpp"
#include "tests/pipeline/codecs/test_images.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace pixmill::pipeline {
namespace {

std::vector<std::array<std::uint8_t, 3>> make_colours(std::size_t entries, bool gray) {
  std::vector<std::array<std::uint8_t, 3>> colours;
  for (std::size_t i = 0; i < entries; ++i) {
    const auto level = static_cast<std::uint8_t>(i * 255 / (entries - 1));
    colours.push_back({level, gray ? level : static_cast<std::uint8_t>(i * 31), gray ? level : std::uint8_t{77}});
  }
  return colours;
}

std::vector<std::uint8_t> make_indexes(const GifSpec& spec) {
  std::vector<std::uint8_t> indexes(static_cast<std::size_t>(spec.width) * static_cast<std::size_t>(spec.height));
  std::uint32_t state = 7;
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    state = state * 1664525U + 1013904223U;
    // Stretches that repeat and stretches that do not, so that codes grow long and the table full.
    const std::uint32_t index = i / 300 % 2 == 0 ? static_cast<std::uint32_t>(i / 11) : state >> 20;
    indexes[i] = static_cast<std::uint8_t>(index & ((1U << spec.code_bits) - 1));
  }
  return indexes;
}

/// What the file shows, from its definition; B G R alpha.
cv::Mat reference(const GifSpec& spec, const std::vector<std::uint8_t>& indexes) {
  const auto& palette = spec.local.empty() ? spec.global : spec.local;
  const auto colour = [](const auto& colours, std::size_t i, int alpha) {
    const std::array<std::uint8_t, 3> rgb = i < colours.size() ? colours[i] : std::array<std::uint8_t, 3>{};
    return cv::Vec4b(rgb[2], rgb[1], rgb[0], static_cast<std::uint8_t>(alpha));
  };
  const int rows = std::max(spec.canvas_height, spec.top + spec.height);
  const int cols = std::max(spec.canvas_width, spec.left + spec.width);
  cv::Mat image(rows, cols, CV_8UC4);
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < cols; ++x) {
      const bool inside = x >= spec.left && x < spec.left + spec.width && y >= spec.top && y < spec.top + spec.height;
      if (!inside) {
        image.at<cv::Vec4b>(y, x) = colour(spec.global, static_cast<std::size_t>(spec.background), 0);
        continue;
      }
      const std::uint8_t index = indexes[static_cast<std::size_t>((y - spec.top) * spec.width + x - spec.left)];
      image.at<cv::Vec4b>(y, x) = colour(palette, index, spec.transparent == index ? 0 : 255);
    }
  }
  return image;
}

/// The reference without the channels that a reader need not give.
cv::Mat as_read(const cv::Mat& bgra, int channels) {
  cv::Mat out(bgra.size(), CV_8UC(channels));
  const std::vector<int> from_to = channels == 4   ? std::vector<int>{0, 0, 1, 1, 2, 2, 3, 3}
                                   : channels == 3 ? std::vector<int>{0, 0, 1, 1, 2, 2}
                                   : channels == 2 ? std::vector<int>{0, 0, 3, 1}
                                                   : std::vector<int>{0, 0};
  cv::mixChannels({bgra}, {out}, from_to);
  return out;
}

struct Kind {
  GifSpec spec;
  int channels;
};

std::vector<Kind> kinds() {
  const auto colours = make_colours(256, false);
  const auto grays = make_colours(256, true);
  return {
      {{.canvas_width = 50, .canvas_height = 70, .width = 50, .height = 70, .global = colours}, 3},
      {{.canvas_width = 50, .canvas_height = 70, .width = 50, .height = 70, .global = grays}, 1},
      {{.canvas_width = 1, .canvas_height = 1, .width = 1, .height = 1, .global = colours}, 3},
      {{.canvas_width = 33, .canvas_height = 41, .width = 33, .height = 41, .local = colours, .interlaced = true}, 3},
      {{.canvas_width = 7, .canvas_height = 3, .width = 7, .height = 3, .global = grays, .interlaced = true}, 1},
      {{.canvas_width = 40,
        .canvas_height = 40,
        .width = 40,
        .height = 40,
        .global = grays,
        .local = colours,
        .transparent = 3},
       4},
      {{.canvas_width = 40, .canvas_height = 40, .width = 40, .height = 40, .global = grays, .transparent = 0}, 2},
      {{.canvas_width = 40,
        .canvas_height = 50,
        .left = 5,
        .top = 9,
        .width = 20,
        .height = 30,
        .global = colours,
        .background = 9},
       4},
      {{.canvas_width = 40,
        .canvas_height = 50,
        .left = 5,
        .top = 9,
        .width = 20,
        .height = 30,
        .global = make_colours(4, true),
        .background = 200,
        .transparent = 1,
        .interlaced = true,
        .code_bits = 2},
       2},
      // The frame sticks out of the canvas, or there is no canvas at all.
      {{.canvas_width = 10, .canvas_height = 20, .left = 3, .top = 2, .width = 30, .height = 10, .global = colours}, 4},
      {{.canvas_width = 0, .canvas_height = 0, .width = 30, .height = 10, .global = colours}, 3},
      // Indexes beyond the palette.
      {{.canvas_width = 30, .canvas_height = 30, .width = 30, .height = 30, .global = make_colours(16, false)}, 3},
      {{.canvas_width = 200,
        .canvas_height = 300,
        .width = 200,
        .height = 300,
        .global = make_colours(128, false),
        .code_bits = 7},
       3},
  };
}

TEST(GifDecoder, ReadsEveryKindAsTheReferenceDoes) {
  int number = 0;
  for (const auto& [spec, channels] : kinds()) {
    const std::vector<std::uint8_t> indexes = make_indexes(spec);
    const std::vector<std::byte> file = make_gif(spec, indexes);
    for (const bool keep : {true, false}) {
      const Decoded read = decode(file, {.keep_alpha = keep});
      ASSERT_EQ(read.status.verdict, Verdict::ok) << number << ": " << read.status.detail;
      EXPECT_EQ(read.header.shape.channels, channels) << number;
      const int wanted = keep ? channels : kernels::colour_channels(channels);
      EXPECT_TRUE(same_pixels(read.frame, as_read(reference(spec, indexes), wanted))) << number;
      EXPECT_EQ(read.observed_pixels, read.frame.total());
      EXPECT_TRUE(read.observed_final);
    }
    ++number;
  }
}

GifSpec plain() {
  return {.canvas_width = 40, .canvas_height = 50, .width = 40, .height = 50, .global = make_colours(256, true)};
}

TEST(GifDecoder, KnowsBlackAndWhite) {
  GifSpec spec{.canvas_width = 9,
               .canvas_height = 9,
               .width = 9,
               .height = 9,
               .global = {{255, 255, 255}, {0, 0, 0}},
               .code_bits = 2};
  std::vector<std::uint8_t> indexes(81);
  for (std::size_t i = 0; i < indexes.size(); ++i) indexes[i] = static_cast<std::uint8_t>(i % 2);
  EXPECT_TRUE(decode(make_gif(spec, indexes)).header.two_level);
  spec.canvas_width = 10;
  EXPECT_FALSE(decode(make_gif(spec, indexes)).header.two_level);
}

TEST(GifDecoder, TakesBlocksOfAnyLength) {
  for (const std::size_t bytes : {1U, 2U, 3U, 100U, 254U, 255U}) {
    GifSpec spec = plain();
    spec.block_bytes = bytes;
    const std::vector<std::uint8_t> indexes = make_indexes(spec);
    const cv::Mat whole = as_read(reference(spec, indexes), 1);
    const std::vector<std::byte> file = make_gif(spec, indexes);
    const Decoded read = decode(file);
    EXPECT_EQ(read.status.verdict, Verdict::ok) << bytes << ": " << read.status.detail;
    EXPECT_EQ(cv::norm(read.frame, whole, cv::NORM_INF), 0) << bytes;
    const Decoded cut = decode(Bytes(file).first(file.size() / 2), {.lenient = true});
    ASSERT_EQ(cut.status.verdict, Verdict::repaired) << bytes;
    EXPECT_EQ(cv::norm(cut.frame.rowRange(0, 10), whole.rowRange(0, 10), cv::NORM_INF), 0) << bytes;
  }
}

TEST(GifDecoder, LenientKeepsNothingWhereNoLineIs) {
  const GifSpec spec = plain();
  const std::vector<std::byte> file = make_gif(spec, make_indexes(spec));
  const std::vector<std::byte> header(file.begin(), file.end() - static_cast<std::ptrdiff_t>(file.size() - 800));
  EXPECT_EQ(decode(header, {.lenient = true}).status.verdict, Verdict::truncated);
}

TEST(GifDecoder, TellsFilesThatAreCutShort) {
  const GifSpec spec = plain();
  const std::vector<std::uint8_t> indexes = make_indexes(spec);
  const std::vector<std::byte> file = make_gif(spec, indexes);
  const cv::Mat whole = as_read(reference(spec, indexes), 1);
  for (std::size_t size = 6; size < file.size() - 1; ++size) {
    EXPECT_EQ(decode(Bytes(file).first(size)).status.verdict, Verdict::truncated) << size;
  }
  EXPECT_EQ(decode(Bytes(file).first(file.size() - 1)).status.verdict, Verdict::ok);  // the trailer is not looked at
  int most = 0;
  for (std::size_t size = file.size() - 600; size < file.size() - 1; size += 50) {
    const Decoded read = decode(Bytes(file).first(size), {.lenient = true});
    ASSERT_EQ(read.status.verdict, Verdict::repaired);
    EXPECT_EQ(read.observed_pixels, whole.total());
    int rows = 0;
    while (rows < whole.rows && cv::norm(whole.row(rows), read.frame.row(rows), cv::NORM_INF) == 0) ++rows;
    EXPECT_GE(rows, most);  // nothing that is there is lost, whatever block the end is in
    most = rows;
    EXPECT_EQ(cv::norm(read.frame.rowRange(rows, whole.rows), cv::NORM_INF), 0) << rows;
  }
  EXPECT_GE(most, 40);
}

TEST(GifDecoder, TellsDamageFromAnEarlyEnd) {
  const GifSpec spec = plain();
  const std::vector<std::uint8_t> indexes = make_indexes(spec);
  std::vector<std::uint8_t> early = {8};
  const std::vector<std::uint8_t> code = compress_gif(std::span(indexes).first(100), 8);
  early.push_back(static_cast<std::uint8_t>(code.size()));
  early.insert(early.end(), code.begin(), code.end());
  early.push_back(0);
  struct Case {
    std::vector<std::uint8_t> data;
    const char* words;
  };
  for (const Case& wrong :
       {Case{early, "ends early: 48 of 50 lines are missing"}, Case{{8, 3, 0xFF, 0xFF, 0xFF, 0}, "damaged"},
        Case{{8, 0}, "lines are missing"}, Case{{13, 1, 0, 0}, "damaged"}}) {
    const Decoded read = decode(make_gif_with(spec, wrong.data));
    EXPECT_EQ(read.status.verdict, Verdict::corrupt) << read.status.detail;
    EXPECT_NE(read.status.detail.find(wrong.words), std::string::npos) << read.status.detail;
  }
}

TEST(GifDecoder, SaysWhatHasNoImage) {
  GifSpec spec = plain();
  spec.global.clear();
  EXPECT_EQ(decode(make_gif(spec, make_indexes(spec))).status.verdict, Verdict::unsupported);
  spec = plain();
  spec.width = 0;
  EXPECT_EQ(decode(make_gif_with(spec, std::vector<std::uint8_t>{8, 0})).status.verdict, Verdict::corrupt);
  std::vector<std::byte> none = make_gif(plain(), make_indexes(plain()));
  none.resize(6 + 7 + 768);
  none.push_back(std::byte{';'});
  EXPECT_EQ(decode(none).status.verdict, Verdict::corrupt);
  none.back() = std::byte{'?'};
  EXPECT_EQ(decode(none).status.verdict, Verdict::corrupt);
}

TEST(GifDecoder, RefusesBombsFromTheirHeader) {
  GifSpec spec = plain();
  spec.canvas_width = spec.canvas_height = 65535;
  EXPECT_EQ(decode(make_gif(spec, make_indexes(spec))).status.verdict, Verdict::too_large);
  spec = plain();
  const std::vector<std::uint8_t> few(100);
  spec.width = spec.height = 65535;
  const std::vector<std::byte> large_frame = make_gif_with(spec, few);
  EXPECT_EQ(decode(large_frame).status.verdict, Verdict::too_large);
  spec = plain();
  spec.left = spec.top = 65535;
  EXPECT_EQ(decode(make_gif_with(spec, few)).status.verdict, Verdict::too_large);
}

TEST(GifDecoder, ReadsWhatExpandsAThousandfold) {
  const GifSpec spec{.canvas_width = 2000,
                     .canvas_height = 1500,
                     .width = 2000,
                     .height = 1500,
                     .global = make_colours(4, true),
                     .code_bits = 2};
  const std::vector<std::uint8_t> indexes(3000000, 2);
  const std::vector<std::byte> file = make_gif(spec, indexes);
  EXPECT_LT(file.size(), 10000U);
  const Decoded read = decode(file);
  ASSERT_EQ(read.status.verdict, Verdict::ok);
  EXPECT_EQ(cv::countNonZero(read.frame != 170), 0);
}

TEST(GifDecoder, ReadsThousandsOfExtensionsInNoMemory) {
  std::vector<std::byte> file = make_gif(plain(), make_indexes(plain()));
  constexpr std::ptrdiff_t kBeforeExtensions = 6 + 7 + 768;
  std::vector<std::byte> extensions;
  for (int i = 0; i < 100000; ++i) {
    for (const int value : {0x21, 0xFE, 1, 0x78, 0}) extensions.push_back(static_cast<std::byte>(value));
  }
  file.insert(file.begin() + kBeforeExtensions, extensions.begin(), extensions.end());
  EXPECT_EQ(decode(file).status.verdict, Verdict::ok);
}

TEST(GifDecoder, CanDecodeTheSameFileAgain) {
  const std::vector<std::byte> file = make_gif(plain(), make_indexes(plain()));
  const std::unique_ptr<Decoder> decoder = find_codec("gif")->make_decoder();
  const Decoded first = decode(*decoder, file);
  cv::Mat again(first.frame.size(), first.frame.type());
  ASSERT_EQ(decoder->decode({}, again, {}).verdict, Verdict::ok);
  EXPECT_TRUE(same_pixels(again, first.frame));
  decoder->trim(0);
  EXPECT_TRUE(same_pixels(decode(*decoder, file).frame, first.frame));
}

TEST(GifDecoder, IsNotWritten) { EXPECT_EQ(find_codec("gif")->make_encoder, nullptr); }

}  // namespace
}  // namespace pixmill::pipeline

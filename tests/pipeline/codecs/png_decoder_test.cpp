#include "pipeline/codecs/png_decoder.hpp"

#include "tests/pipeline/codecs/jpeg_files.hpp"
#include "tests/pipeline/codecs/png_files.hpp"
#include "tests/pipeline/codecs/test_images.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace pixmill::pipeline {
namespace {

struct Kind {
  int colour_type;
  int bit_depth;
};

constexpr std::array<Kind, 15> kKinds{{{0, 1},
                                       {0, 2},
                                       {0, 4},
                                       {0, 8},
                                       {0, 16},
                                       {2, 8},
                                       {2, 16},
                                       {3, 1},
                                       {3, 2},
                                       {3, 4},
                                       {3, 8},
                                       {4, 8},
                                       {4, 16},
                                       {6, 8},
                                       {6, 16}}};

int stored_channels(int colour_type) { return colour_type == 2 ? 3 : colour_type == 4 ? 2 : colour_type == 6 ? 4 : 1; }

std::vector<std::uint16_t> make_samples(const PngSpec& spec) {
  std::vector<std::uint16_t> samples(std::size_t{spec.width} * spec.height *
                                     static_cast<std::size_t>(stored_channels(spec.colour_type)));
  std::uint32_t state = 99;
  for (std::uint16_t& sample : samples) {
    state = state * 1664525U + 1013904223U;
    sample = static_cast<std::uint16_t>((state >> 16) & ((1U << spec.bit_depth) - 1));
  }
  return samples;
}

/// Entry i is (r, g, b) = (i, 3i, 255 - i).
std::vector<std::byte> palette_chunk(int entries) {
  std::vector<std::byte> data;
  for (int i = 0; i < entries; ++i) append(data, to_bytes({i & 255, 3 * i & 255, 255 - i}));
  return png_chunk("PLTE", data);
}

/// What the samples mean, by the book: B, G, R order, 8 or 16 bits.
cv::Mat expected(const PngSpec& spec, const std::vector<std::uint16_t>& samples, bool keep_alpha) {
  const int stored = stored_channels(spec.colour_type);
  const int colours = spec.colour_type == 2 || spec.colour_type == 3 || spec.colour_type == 6 ? 3 : 1;
  const int channels = colours + (keep_alpha && spec.colour_type >= 4 ? 1 : 0);
  cv::Mat image(static_cast<int>(spec.height), static_cast<int>(spec.width),
                CV_MAKETYPE(spec.bit_depth == 16 ? CV_16U : CV_8U, channels));
  const unsigned scale = spec.bit_depth < 8 ? 255U / ((1U << spec.bit_depth) - 1) : 1;
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      for (int c = 0; c < channels; ++c) {
        const std::size_t pixel = static_cast<std::size_t>(y) * spec.width + static_cast<std::size_t>(x);
        unsigned level = 0;
        if (spec.colour_type == 3) {
          const unsigned index = samples[pixel];
          level = c == 0 ? 255 - index : c == 1 ? 3 * index & 255 : index;
        } else {
          const int from = colours == 3 && c < 3 ? 2 - c : c;
          level = samples[pixel * static_cast<std::size_t>(stored) + static_cast<std::size_t>(from)] * scale;
        }
        if (spec.bit_depth == 16) {
          image.ptr<std::uint16_t>(y)[x * channels + c] = static_cast<std::uint16_t>(level);
        } else {
          image.ptr<std::uint8_t>(y)[x * channels + c] = static_cast<std::uint8_t>(level);
        }
      }
    }
  }
  return image;
}

TEST(PngDecoder, SaysThatASignatureIsDamaged) {
  const std::vector<std::uint8_t> lines{0, 1, 2};
  const std::vector<std::byte> sound = make_png({.width = 2, .height = 1}, lines);
  ASSERT_EQ(decode(sound).status.verdict, Verdict::ok);
  for (std::size_t at = 0; at < 8; ++at) {
    std::vector<std::byte> damaged = sound;
    damaged[at] ^= std::byte{0x80};
    const CodecStatus status = decode(damaged).status;
    EXPECT_EQ(status.verdict, Verdict::corrupt) << at;
    EXPECT_NE(status.detail.find("text mode"), std::string::npos) << at;
  }
}

TEST(PngDecoder, ReadsEveryKindAsItIsMeant) {
  for (const Kind kind : kKinds) {
    for (const bool interlaced : {false, true}) {
      for (const std::uint32_t side : {1U, 2U, 3U, 5U, 37U}) {
        const PngSpec spec{side, side + side / 3, kind.bit_depth, kind.colour_type, interlaced};
        const std::vector<std::uint16_t> samples = make_samples(spec);
        const std::vector<std::byte> palette =
            kind.colour_type == 3 ? palette_chunk(1 << kind.bit_depth) : std::vector<std::byte>{};
        const std::vector<std::byte> file = make_png(spec, pack_lines(spec, samples), palette);
        for (const bool keep_alpha : {false, true}) {
          const Decoded read = decode(file, {.keep_alpha = keep_alpha});
          ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
          EXPECT_TRUE(same_pixels(read.frame, expected(spec, samples, keep_alpha)))
              << "colour type " << kind.colour_type << ", " << kind.bit_depth << " bits, side " << side
              << (interlaced ? ", interlaced" : "");
          EXPECT_EQ(read.observed_pixels, read.frame.total());
          EXPECT_TRUE(read.observed_final);
          EXPECT_EQ(read.header.two_level, kind.colour_type == 0 && kind.bit_depth == 1);
        }
      }
    }
  }
}

TEST(PngDecoder, MakesTransparentColoursAlpha) {
  for (const int depth : {1, 8, 16}) {
    const PngSpec spec{9, 4, depth, 0};
    const std::vector<std::uint16_t> samples = make_samples(spec);
    const std::vector<std::byte> key = png_chunk("tRNS", to_bytes({samples[3] >> 8, samples[3] & 255}));
    const std::vector<std::byte> file = make_png(spec, pack_lines(spec, samples), key);
    const Decoded kept = decode(file, {.keep_alpha = true});
    ASSERT_EQ(kept.status.verdict, Verdict::ok);
    ASSERT_EQ(kept.frame.channels(), 2);
    EXPECT_EQ(kept.header.shape.channels, 2);
    cv::Mat planes[2];
    cv::split(kept.frame, planes);
    EXPECT_TRUE(same_pixels(planes[0], expected(spec, samples, false)));
    for (int i = 0; i < 36; ++i) {
      const double alpha = depth == 16 ? planes[1].at<std::uint16_t>(i / 9, i % 9) : planes[1].at<uchar>(i / 9, i % 9);
      EXPECT_EQ(alpha == 0, samples[static_cast<std::size_t>(i)] == samples[3]);
    }
    EXPECT_EQ(decode(file).frame.channels(), 1);
  }
}

TEST(PngDecoder, MakesOneColourOfThreeTransparent) {
  for (const int depth : {8, 16}) {
    const PngSpec spec{3, 1, depth, 2};
    const std::vector<std::uint16_t> samples{10, 20, 30, 10, 20, 31, 10, 20, 30};
    const std::vector<std::byte> key = png_chunk("tRNS", to_bytes({0, 10, 0, 20, 0, 30}));
    const Decoded read = decode(make_png(spec, pack_lines(spec, samples), key), {.keep_alpha = true});
    ASSERT_EQ(read.frame.channels(), 4);
    if (depth == 8) {
      EXPECT_EQ(read.frame.at<cv::Vec4b>(0, 0), cv::Vec4b(30, 20, 10, 0));
      EXPECT_EQ(read.frame.at<cv::Vec4b>(0, 1), cv::Vec4b(31, 20, 10, 255));
    } else {
      EXPECT_EQ((read.frame.at<cv::Vec<std::uint16_t, 4>>(0, 0)), (cv::Vec<std::uint16_t, 4>(30, 20, 10, 0)));
      EXPECT_EQ((read.frame.at<cv::Vec<std::uint16_t, 4>>(0, 1)), (cv::Vec<std::uint16_t, 4>(31, 20, 10, 65535)));
    }
  }
}

TEST(PngDecoder, GivesPaletteEntriesTheirAlpha) {
  const PngSpec spec{4, 1, 8, 3};
  const std::vector<std::uint16_t> samples{0, 1, 2, 3};
  std::vector<std::byte> chunks = palette_chunk(4);
  append(chunks, png_chunk("tRNS", to_bytes({0, 128})));
  const std::vector<std::byte> file = make_png(spec, pack_lines(spec, samples), chunks);
  const Decoded read = decode(file, {.keep_alpha = true});
  ASSERT_EQ(read.frame.channels(), 4);
  EXPECT_EQ(read.frame.at<cv::Vec4b>(0, 0), cv::Vec4b(255, 0, 0, 0));
  EXPECT_EQ(read.frame.at<cv::Vec4b>(0, 1), cv::Vec4b(254, 3, 1, 128));
  EXPECT_EQ(read.frame.at<cv::Vec4b>(0, 3), cv::Vec4b(252, 9, 3, 255));
  EXPECT_EQ(decode(file).frame.channels(), 3);
}

TEST(PngDecoder, TakesAnIndexBeyondThePaletteForBlack) {
  const Decoded read = decode(make_png({2, 1, 8, 3}, std::vector<std::uint8_t>{0, 1, 200}, palette_chunk(2)));
  ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
  EXPECT_EQ(read.frame.at<cv::Vec3b>(0, 0), cv::Vec3b(254, 3, 1));
  EXPECT_EQ(read.frame.at<cv::Vec3b>(0, 1), cv::Vec3b(0, 0, 0));
}

TEST(PngDecoder, FindsTheOrientationBeforeAndAfterTheData) {
  const PngSpec spec{2, 1, 8, 0};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::vector<std::byte> exif = png_chunk("eXIf", exif_block(orientation, orientation % 2 == 0));
    const std::vector<std::byte> before = make_png(spec, std::vector<std::uint8_t>{0, 1, 2}, exif);
    EXPECT_EQ(decode(before).header.orientation, orientation);
    const std::vector<std::byte> plain = make_png(spec, std::vector<std::uint8_t>{0, 1, 2});
    EXPECT_EQ(decode(with_bytes_at(plain, plain.size() - 12, exif)).header.orientation, orientation);
  }
}

TEST(PngDecoder, PassesOverTextProfilesAndUnknownChunks) {
  std::vector<std::byte> junk = png_chunk("tEXt", to_bytes({0, 0, 0}));
  append(junk, png_chunk("iCCP", std::vector<std::byte>(100000, std::byte{7})));
  append(junk, png_chunk("zTXt", to_bytes({'a', 0, 0, 9, 9, 9})));
  for (int i = 0; i < 3000; ++i) append(junk, png_chunk("juNk", to_bytes({i & 255})));
  std::vector<std::byte> wrong_sum = png_chunk("tIME", to_bytes({1, 2, 3}));
  wrong_sum.back() ^= std::byte{1};
  append(junk, wrong_sum);
  const Decoded read = decode(make_png({2, 1, 8, 0}, std::vector<std::uint8_t>{0, 11, 22}, junk));
  ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
  EXPECT_EQ(read.frame.at<uchar>(0, 1), 22);
}

TEST(PngDecoder, NamesACriticalChunkThatItDoesNotKnow) {
  const std::vector<std::byte> file =
      make_png({2, 1, 8, 0}, std::vector<std::uint8_t>{0, 1, 2}, png_chunk("CgBI", to_bytes({1, 2, 3, 4})));
  const Decoded read = decode(file);
  EXPECT_EQ(read.status.verdict, Verdict::unsupported);
  EXPECT_NE(read.status.detail.find("CgBI"), std::string::npos) << read.status.detail;
}

std::vector<std::byte> sample_png(bool interlaced, std::size_t split) {
  const PngSpec spec{24, 20, 8, 2, interlaced};
  return make_png(spec, pack_lines(spec, make_samples(spec)), {}, split);
}

TEST(PngDecoder, CallsAFileCutAnywhereTruncated) {
  for (const bool interlaced : {false, true}) {
    for (const std::size_t split : {std::size_t{0}, std::size_t{100}}) {
      const std::vector<std::byte> file = sample_png(interlaced, split);
      const std::unique_ptr<Decoder> decoder = make_png_decoder();
      // With less than the signature it is not known to be a PNG.
      for (std::size_t size = 8; size < file.size(); ++size) {
        const std::vector<std::byte> cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
        const Decoded strict = decode(*decoder, cut);
        ASSERT_EQ(strict.status.verdict, Verdict::truncated) << size << ": " << strict.status.detail;
        const Decoded lenient = decode(*decoder, cut, {.lenient = true});
        ASSERT_NE(lenient.status.verdict, Verdict::ok) << size;
        if (lenient.status.usable()) {
          ASSERT_EQ(lenient.observed_pixels, 24U * 20U) << size;
        }
      }
    }
  }
}

TEST(PngDecoder, KeepsTheRowsBeforeACutWhenLenient) {
  const std::vector<std::byte> file = sample_png(false, 0);
  const cv::Mat whole = decode(file).frame;
  const std::vector<std::byte> cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(file.size() / 2));
  const Decoded read = decode(cut, {.lenient = true});
  ASSERT_EQ(read.status.verdict, Verdict::repaired);
  const std::size_t at = read.status.detail.find("lines ");
  ASSERT_NE(at, std::string::npos) << read.status.detail;
  const int first_missing = std::stoi(read.status.detail.substr(at + 6));
  ASSERT_GE(first_missing, 8);
  EXPECT_TRUE(same_pixels(read.frame.rowRange(0, first_missing), whole.rowRange(0, first_missing)));
  EXPECT_EQ(cv::norm(read.frame.rowRange(first_missing, 20), cv::NORM_INF), 0);
  EXPECT_TRUE(read.observed_final);
}

TEST(PngDecoder, NamesTheChunkWhoseChecksumIsWrong) {
  for (const std::size_t split : {std::size_t{0}, std::size_t{300}}) {
    std::vector<std::byte> file = sample_png(false, split);
    file[file.size() - 12 - 1] ^= std::byte{1};  // the last byte of the last IDAT
    const Decoded strict = decode(file);
    EXPECT_EQ(strict.status.verdict, Verdict::corrupt);
    EXPECT_NE(strict.status.detail.find("IDAT"), std::string::npos) << strict.status.detail;
    const Decoded lenient = decode(file, {.lenient = true});
    EXPECT_EQ(lenient.status.verdict, Verdict::repaired);
    EXPECT_TRUE(same_pixels(lenient.frame, decode(sample_png(false, split)).frame));
  }
}

TEST(PngDecoder, FindsEveryFlippedBitThatMatters) {
  const std::vector<std::byte> file = sample_png(false, 200);
  const cv::Mat whole = decode(file).frame;
  const std::unique_ptr<Decoder> decoder = make_png_decoder();
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (const int bit : {0, 5, 7}) {
      std::vector<std::byte> damaged = file;
      damaged[i] ^= static_cast<std::byte>(1 << bit);
      EXPECT_NE(decode(*decoder, damaged, {}, {.max_pixels = 1 << 20}).status.verdict, Verdict::ok) << i;
      const Decoded lenient = decode(*decoder, damaged, {.lenient = true}, {.max_pixels = 1 << 20});
      EXPECT_NE(lenient.status.verdict, Verdict::ok) << i;
    }
  }
}

TEST(PngDecoder, CallsWrongCompressedDataCorrupt) {
  const PngSpec spec{4, 2, 8, 0};
  const auto file_of = [&](Bytes data) {
    std::vector<std::byte> file = png_start(spec);
    append(file, png_chunk("IDAT", data));
    append(file, png_chunk("IEND", {}));
    return file;
  };
  const std::vector<std::uint8_t> lines{0, 1, 2, 3, 4, 0, 5, 6, 7, 8};
  std::vector<std::byte> data = deflated(lines);
  ASSERT_EQ(decode(file_of(data)).status.verdict, Verdict::ok);
  std::vector<std::byte> wrong_adler = data;
  wrong_adler.back() ^= std::byte{1};
  EXPECT_EQ(decode(file_of(wrong_adler)).status.verdict, Verdict::corrupt);
  std::vector<std::byte> nonsense = data;
  nonsense[2] = std::byte{0xFF};
  EXPECT_EQ(decode(file_of(nonsense)).status.verdict, Verdict::corrupt);
  EXPECT_EQ(decode(file_of(deflated(std::vector<std::uint8_t>{0, 1, 2, 3, 4}))).status.verdict, Verdict::corrupt);
  EXPECT_EQ(decode(file_of(deflated(std::vector<std::uint8_t>{9, 1, 2, 3, 4, 0, 5, 6, 7, 8}))).status.verdict,
            Verdict::corrupt);
  EXPECT_NE(decode(file_of({})).status.verdict, Verdict::ok);
}

TEST(PngDecoder, RefusesChunksOutOfPlace) {
  const std::vector<std::uint8_t> lines{0, 1, 2};
  const std::vector<std::byte> plain = make_png({2, 1, 8, 0}, lines);
  EXPECT_EQ(decode(make_png({2, 1, 8, 3}, lines)).status.verdict, Verdict::corrupt);  // no palette
  EXPECT_EQ(decode(with_bytes_at(plain, 33, png_chunk("IHDR", std::vector<std::byte>(13)))).status.verdict,
            Verdict::corrupt);
  std::vector<std::byte> apart = png_chunk("teXt", {});
  append(apart, png_chunk("IDAT", to_bytes({1})));
  EXPECT_EQ(decode(with_bytes_at(plain, plain.size() - 12, apart)).status.verdict, Verdict::corrupt);
  std::vector<std::byte> no_data = png_start({2, 1, 8, 0});
  append(no_data, png_chunk("IEND", {}));
  EXPECT_EQ(decode(no_data).status.verdict, Verdict::corrupt);
  EXPECT_EQ(decode(make_png({2, 1, 8, 3}, lines, png_chunk("PLTE", to_bytes({1, 2})))).status.verdict,
            Verdict::corrupt);
}

TEST(PngDecoder, SurvivesLengthsThatLie) {
  const std::vector<std::byte> file = sample_png(false, 200);
  const std::array<std::uint32_t, 5> lies{0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  for (const std::size_t at : {std::size_t{8}, std::size_t{33}, std::size_t{33 + 212}, file.size() - 12}) {
    for (const std::uint32_t lie : lies) {
      std::vector<std::byte> damaged = file;
      for (std::size_t i = 0; i < 4; ++i) damaged[at + i] = static_cast<std::byte>(lie >> (24 - 8 * i) & 255);
      if (damaged == file) continue;
      for (const bool lenient : {false, true}) {
        EXPECT_NE(decode(damaged, {.lenient = lenient}).status.verdict, Verdict::ok) << at << " " << lie;
      }
    }
  }
}

TEST(PngDecoder, AcceptsWhatComesAfterTheEnd) {
  std::vector<std::byte> file = sample_png(false, 0);
  append(file, to_bytes({1, 2, 3, 4, 5}));
  EXPECT_EQ(decode(file).status.verdict, Verdict::ok);
}

TEST(PngDecoder, ReadsTheSameAgainAfterTrim) {
  const std::vector<std::byte> file = sample_png(true, 0);
  const std::unique_ptr<Decoder> decoder = make_png_decoder();
  const Decoded before = decode(*decoder, file);
  decoder->trim(0);
  EXPECT_TRUE(same_pixels(decode(*decoder, file).frame, before.frame));
}

}  // namespace
}  // namespace pixmill::pipeline

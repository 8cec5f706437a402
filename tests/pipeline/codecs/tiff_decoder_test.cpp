#include "pipeline/codecs/tiff_decoder.hpp"

#include "tests/pipeline/codecs/test_images.hpp"
#include "tests/pipeline/codecs/tiff_files.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

constexpr int kNone = 1;
constexpr int kLzw = 5;
constexpr int kJpeg = 7;
constexpr int kDeflate = 8;
constexpr int kPackBits = 32773;
constexpr int kOldDeflate = 32946;
constexpr int kZstd = 50000;

std::string describe(const TiffSpec& s) {
  return std::to_string(s.width) + "x" + std::to_string(s.height) + " bits " + std::to_string(s.bits) + " samples " +
         std::to_string(s.samples) + " photometric " + std::to_string(s.photometric) + " compression " +
         std::to_string(s.compression) + " predictor " + std::to_string(s.predictor) + " tile " +
         std::to_string(s.tile) + " rows " + std::to_string(s.rows_per_strip) + (s.separate ? " separate" : "") +
         (s.big_endian ? " big-endian" : "") + (s.big_tiff ? " BigTIFF" : "") + (s.reversed_bits ? " reversed" : "");
}

/// The plain reading of the samples: gray, inverse, RGB and inks of whole numbers.
cv::Mat expected(const TiffSpec& spec, const std::vector<std::uint64_t>& samples) {
  const bool colour = spec.samples >= 3 && spec.photometric != 1;
  const bool wide = spec.bits > 8;
  cv::Mat image(static_cast<int>(spec.height), static_cast<int>(spec.width),
                CV_MAKETYPE(wide ? CV_16U : CV_8U, colour ? 3 : 1));
  const double largest = std::pow(2.0, spec.bits) - 1;
  const std::uint32_t most = wide ? 65535 : 255;
  const auto level_at = [&](int x, int y, int s) {
    const std::size_t pixel = static_cast<std::size_t>(y) * spec.width + static_cast<std::size_t>(x);
    const auto sample =
        static_cast<double>(samples[pixel * static_cast<std::size_t>(spec.samples) + static_cast<std::size_t>(s)]);
    return static_cast<std::uint32_t>(std::floor(sample * most / largest + 0.5));
  };
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      for (int c = 0; c < image.channels(); ++c) {
        std::uint32_t level = level_at(x, y, colour ? 2 - c : 0);
        if (spec.photometric == 0) level = most - level;
        if (spec.photometric == 5) level = (most - level) * (most - level_at(x, y, 3)) / most;
        const int i = x * image.channels() + c;
        if (wide) {
          image.ptr<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(level);
        } else {
          image.ptr<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(level);
        }
      }
    }
  }
  return image;
}

void expect_as_meant(const TiffSpec& spec) {
  const std::vector<std::uint64_t> samples = make_tiff_samples(spec);
  const Decoded read = decode(make_tiff(spec, samples));
  ASSERT_EQ(read.status.verdict, Verdict::ok) << describe(spec) << ": " << read.status.detail;
  EXPECT_TRUE(same_pixels(read.frame, expected(spec, samples))) << describe(spec);
  EXPECT_EQ(read.observed_pixels, read.frame.total()) << describe(spec);
  EXPECT_TRUE(read.observed_final) << describe(spec);
}

TEST(TiffDecoder, ReadsEveryDepthAndColourInEveryArrangement) {
  for (int bits = 1; bits <= 16; ++bits) {
    for (const int photometric : {0, 1, 2, 5}) {
      for (const bool separate : {false, true}) {
        for (const std::uint32_t tile : {0U, 16U}) {
          for (const bool big_endian : {false, true}) {
            const int samples = photometric == 2 ? 3 : photometric == 5 ? 4 : separate ? 2 : 1;
            TiffSpec spec{.width = 37, .height = 21, .bits = bits, .samples = samples, .photometric = photometric};
            spec.separate = separate;
            spec.tile = tile;
            spec.rows_per_strip = 8;
            spec.big_endian = big_endian;
            spec.big_tiff = bits % 2 == 0;
            if (photometric < 2 && separate) spec.extra_samples = {0};
            expect_as_meant(spec);
          }
        }
      }
    }
  }
}

TEST(TiffDecoder, ReadsEveryLosslessCompressionAtEveryDepth) {
  for (const int compression : {kLzw, kDeflate, kOldDeflate, kPackBits, kZstd}) {
    for (const int bits : {1, 3, 4, 8, 12, 16}) {
      for (const std::uint32_t tile : {0U, 16U}) {
        for (const bool big_endian : {false, true}) {
          for (const bool separate : {false, true}) {
            TiffSpec spec{.width = 35, .height = 40, .bits = bits, .samples = 3, .photometric = 2};
            spec.compression = compression;
            spec.tile = tile;
            spec.rows_per_strip = 16;
            spec.big_endian = big_endian;
            spec.separate = separate;
            expect_as_meant(spec);
            spec.reversed_bits = true;
            expect_as_meant(spec);
          }
        }
      }
    }
  }
}

TEST(TiffDecoder, UndoesPredictors) {
  for (const int compression : {kLzw, kDeflate, kZstd}) {
    for (const int bits : {8, 16}) {
      for (const int samples : {1, 3}) {
        for (const bool separate : {false, true}) {
          for (const bool big_endian : {false, true}) {
            TiffSpec spec{.width = 50, .height = 33, .bits = bits, .samples = samples};
            spec.photometric = samples == 3 ? 2 : 1;
            spec.compression = compression;
            spec.predictor = 2;
            spec.separate = separate && samples > 1;
            spec.big_endian = big_endian;
            spec.rows_per_strip = 7;
            expect_as_meant(spec);
            spec.tile = 32;
            expect_as_meant(spec);
          }
        }
      }
    }
  }
}

TEST(TiffDecoder, ReadsFax) {
  for (const int compression : {2, 3, 4}) {
    for (const int options : {0, 1, 4, 5}) {
      if (options != 0 && compression != 3) continue;
      for (const std::uint32_t width : {1U, 9U, 31U, 64U, 1728U}) {
        for (const int photometric : {0, 1}) {
          for (const bool reversed : {false, true}) {
            TiffSpec spec{.width = width, .height = 19, .bits = 1, .photometric = photometric};
            spec.compression = compression;
            spec.rows_per_strip = photometric == 0 ? 0 : 7;
            spec.reversed_bits = reversed;
            spec.group3_options = options;
            expect_as_meant(spec);
            if (width < 64) continue;
            spec.tile = 64;
            expect_as_meant(spec);
          }
        }
      }
    }
  }
}

TEST(TiffDecoder, ReadsBlocksThatAreTooLargeToDecodeAtOnceRowByRow) {
  // 17 MiB in one strip; the rows differ.
  for (const int compression : {kLzw, kDeflate}) {
    TiffSpec spec{.width = 4096, .height = 4352};
    spec.compression = compression;
    spec.predictor = 2;
    std::vector<std::uint64_t> samples(std::size_t{spec.width} * spec.height);
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = (i / spec.width + i % 7) & 0xFF;
    const std::vector<std::byte> file = make_tiff(spec, samples);
    const Decoded read = decode(file);
    ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
    EXPECT_TRUE(same_pixels(read.frame, expected(spec, samples)));
    EXPECT_EQ(read.observed_pixels, read.frame.total());
    // No buffer of the size of the strip.
    EXPECT_LT(read.header.decoder_bytes, (4U << 20) + 2 * file.size());
  }
}

TEST(TiffDecoder, ReadsGrayOf1BitAsTwoLevels) {
  for (const int photometric : {0, 1}) {
    const Decoded read =
        decode(make_tiff({.width = 9, .height = 2, .bits = 1, .photometric = photometric},
                         std::vector<std::uint64_t>{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0}));
    ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
    EXPECT_TRUE(read.header.two_level);
    EXPECT_EQ(read.frame.at<uchar>(0, 0), photometric == 1 ? 255 : 0);
    EXPECT_EQ(read.frame.at<uchar>(0, 1), photometric == 1 ? 0 : 255);
    EXPECT_EQ(read.frame.at<uchar>(0, 8), photometric == 1 ? 255 : 0);
  }
}

TEST(TiffDecoder, ReadsPalettesOfWideAndOfNarrowColours) {
  for (const int bits : {1, 2, 4, 8, 16}) {
    for (const bool wide : {true, false}) {
      const std::size_t entries = std::size_t{1} << bits;
      TiffSpec spec{.width = 23, .height = 5, .bits = bits, .photometric = 3};
      for (std::size_t i = 0; i < 3 * entries; ++i) {
        const auto value = static_cast<std::uint16_t>(i * 37 & 0xFF);
        spec.colour_map.push_back(wide ? static_cast<std::uint16_t>(value << 8 | 0x80) : value);
      }
      const std::vector<std::uint64_t> samples = make_tiff_samples(spec);
      const Decoded read = decode(make_tiff(spec, samples));
      ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
      ASSERT_EQ(read.frame.type(), CV_8UC3);
      for (int i = 0; i < 23 * 5; ++i) {
        const std::size_t index = samples[static_cast<std::size_t>(i)];
        const cv::Vec3b pixel = read.frame.at<cv::Vec3b>(i / 23, i % 23);
        ASSERT_EQ(pixel[2], index * 37 & 0xFF) << bits;
        ASSERT_EQ(pixel[1], (entries + index) * 37 & 0xFF);
        ASSERT_EQ(pixel[0], (2 * entries + index) * 37 & 0xFF);
      }
    }
  }
}

TEST(TiffDecoder, DropsOrKeepsAlphaAndDropsOtherSamples) {
  const std::vector<std::uint64_t> samples{100, 50, 25, 128, 7, 10, 20, 30, 0, 7, 1, 2, 3, 255, 7};
  TiffSpec spec{.width = 3, .height = 1, .bits = 8, .samples = 5, .photometric = 2};
  spec.extra_samples = {2, 0};
  const std::vector<std::byte> straight = make_tiff(spec, samples);
  const Decoded dropped = decode(straight);
  ASSERT_EQ(dropped.frame.type(), CV_8UC3) << dropped.status.detail;
  EXPECT_EQ(dropped.frame.at<cv::Vec3b>(0, 0), cv::Vec3b(25, 50, 100));  // not composited
  const Decoded kept = decode(straight, {.keep_alpha = true});
  ASSERT_EQ(kept.frame.type(), CV_8UC4);
  EXPECT_EQ(kept.frame.at<cv::Vec4b>(0, 0), cv::Vec4b(25, 50, 100, 128));
  EXPECT_EQ(kept.frame.at<cv::Vec4b>(0, 1), cv::Vec4b(30, 20, 10, 0));
  spec.extra_samples = {1, 0};
  const Decoded divided = decode(make_tiff(spec, samples), {.keep_alpha = true});
  EXPECT_EQ(divided.frame.at<cv::Vec4b>(0, 0), cv::Vec4b(50, 100, 199, 128));
  EXPECT_EQ(divided.frame.at<cv::Vec4b>(0, 1), cv::Vec4b(30, 20, 10, 0));
  EXPECT_EQ(divided.frame.at<cv::Vec4b>(0, 2), cv::Vec4b(3, 2, 1, 255));
  spec.extra_samples = {0, 0};
  EXPECT_EQ(decode(make_tiff(spec, samples), {.keep_alpha = true}).frame.type(), CV_8UC3);
}

TEST(TiffDecoder, KeepsAlphaOfGrayIn16BitsAndSeparatePlanes) {
  TiffSpec spec{.width = 2, .height = 1, .bits = 16, .samples = 2, .photometric = 0};
  spec.extra_samples = {2};
  for (const bool separate : {false, true}) {
    spec.separate = separate;
    const std::vector<std::byte> file = make_tiff(spec, std::vector<std::uint64_t>{1000, 40000, 65535, 1});
    const Decoded read = decode(file, {.keep_alpha = true});
    ASSERT_EQ(read.frame.type(), CV_16UC2) << read.status.detail;
    EXPECT_EQ((read.frame.at<cv::Vec<std::uint16_t, 2>>(0, 0)), (cv::Vec<std::uint16_t, 2>(64535, 40000)));
    EXPECT_EQ((read.frame.at<cv::Vec<std::uint16_t, 2>>(0, 1)), (cv::Vec<std::uint16_t, 2>(0, 1)));
    EXPECT_EQ(decode(file).frame.type(), CV_16UC1);
  }
}

TEST(TiffDecoder, ReadsFloatingPointAs16BitsAndSaysSo) {
  const std::vector<double> values{0, 1, 0.5, 0.25, -3, 7, std::nan(""), HUGE_VAL};
  const std::vector<std::uint16_t> levels{0, 65535, 32768, 16384, 0, 65535, 0, 65535};
  const std::vector<std::uint64_t> halves{0, 0x3C00, 0x3800, 0x3400, 0xC200, 0x4700, 0x7E00, 0x7C00};
  for (const int bits : {16, 32, 64}) {
    for (const int compression : {kNone, kDeflate}) {
      for (const int predictor : {1, 3}) {
        for (const bool big_endian : {false, true}) {
          if (predictor == 3 && compression == kNone) continue;
          TiffSpec spec{.width = 8, .height = 1, .bits = bits};
          spec.sample_format = 3;
          spec.compression = compression;
          spec.predictor = predictor;
          spec.big_endian = big_endian;
          std::vector<std::uint64_t> samples;
          for (std::size_t i = 0; i < values.size(); ++i) {
            samples.push_back(bits == 16   ? halves[i]
                              : bits == 32 ? std::bit_cast<std::uint32_t>(static_cast<float>(values[i]))
                                           : std::bit_cast<std::uint64_t>(values[i]));
          }
          const Decoded read = decode(make_tiff(spec, samples));
          ASSERT_EQ(read.status.verdict, Verdict::ok) << describe(spec) << read.status.detail;
          EXPECT_NE(read.status.detail.find("floating-point samples of " + std::to_string(bits)), std::string::npos);
          EXPECT_NE(read.status.detail.find("4 outside"), std::string::npos) << read.status.detail;
          for (int x = 0; x < 8; ++x) {
            EXPECT_EQ(read.frame.at<std::uint16_t>(0, x), levels[static_cast<std::size_t>(x)]) << describe(spec) << x;
          }
        }
      }
    }
  }
}

TEST(TiffDecoder, MovesSignedSamplesUpAndSaysSo) {
  TiffSpec spec{.width = 3, .height = 1, .bits = 16};
  spec.sample_format = 2;
  const Decoded wide = decode(make_tiff(spec, std::vector<std::uint64_t>{0x8000, 0, 0x7FFF}));
  EXPECT_NE(wide.status.detail.find("32768"), std::string::npos) << wide.status.detail;
  EXPECT_EQ(wide.frame.at<std::uint16_t>(0, 0), 0);
  EXPECT_EQ(wide.frame.at<std::uint16_t>(0, 1), 32768);
  EXPECT_EQ(wide.frame.at<std::uint16_t>(0, 2), 65535);
  spec.bits = 8;
  const Decoded narrow = decode(make_tiff(spec, std::vector<std::uint64_t>{0x80, 0, 0x7F}));
  EXPECT_EQ(narrow.frame.at<uchar>(0, 0), 0);
  EXPECT_EQ(narrow.frame.at<uchar>(0, 1), 128);
  EXPECT_EQ(narrow.frame.at<uchar>(0, 2), 255);
}

TEST(TiffDecoder, ReadsJpegData) {
  for (const int photometric : {1, 2, 6}) {
    for (const std::uint32_t tile : {0U, 32U}) {
      TiffSpec spec{.width = 70, .height = 50, .bits = 8, .samples = photometric == 1 ? 1 : 3};
      spec.photometric = photometric;
      spec.compression = kJpeg;
      spec.tile = tile;
      spec.rows_per_strip = 16;
      std::vector<std::uint64_t> samples;
      for (std::uint64_t i = 0; i < std::uint64_t{70} * 50; ++i) {
        const std::uint64_t x = i % 70;
        const std::uint64_t y = i / 70;
        samples.push_back(x * 3);
        if (photometric != 1) samples.insert(samples.end(), {y * 5, 255 - x * 2});
      }
      const Decoded read = decode(make_tiff(spec, samples));
      ASSERT_EQ(read.status.verdict, Verdict::ok) << describe(spec) << read.status.detail;
      EXPECT_LE(cv::norm(read.frame, expected(spec, samples), cv::NORM_INF), 12) << describe(spec);
    }
  }
}

TEST(TiffDecoder, ReadsYcbcrThatNoJpegHolds) {
  for (const int compression : {kNone, kLzw}) {
    for (const std::uint32_t tile : {0U, 16U}) {
      TiffSpec spec{.width = 20, .height = 18, .bits = 8, .samples = 3, .photometric = 6};
      spec.compression = compression;
      spec.tile = tile;
      spec.rows_per_strip = 5;
      std::vector<std::uint64_t> samples;
      for (int i = 0; i < 20 * 18; ++i) samples.insert(samples.end(), {static_cast<std::uint64_t>(i % 256), 128, 128});
      const Decoded read = decode(make_tiff(spec, samples));
      ASSERT_EQ(read.status.verdict, Verdict::ok) << describe(spec) << read.status.detail;
      for (int i = 0; i < 20 * 18; ++i) {
        const auto v = static_cast<uchar>(i % 256);
        ASSERT_EQ(read.frame.at<cv::Vec3b>(i / 20, i % 20), cv::Vec3b(v, v, v)) << describe(spec) << " " << i;
      }
    }
  }
}

TEST(TiffDecoder, HeedsTheWhitePointOfLab) {
  TiffSpec spec{.width = 8, .height = 1, .bits = 8, .samples = 3, .photometric = 8};
  std::vector<std::uint64_t> samples;
  for (int i = 0; i < 8; ++i) samples.insert(samples.end(), {static_cast<std::uint64_t>(255 - 20 * i), 0, 0});
  const auto blue_of_white = [&](std::vector<float> white_point) {
    spec.white_point = std::move(white_point);
    const Decoded read = decode(make_tiff(spec, samples));
    EXPECT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
    return read.frame.empty() ? 0 : static_cast<int>(read.frame.at<cv::Vec3b>(0, 0)[0]);
  };
  // What is neutral in the light of D65, which screens have for white, is yellow in that of D50.
  EXPECT_GE(blue_of_white({0.3127F, 0.3290F}), 250);
  EXPECT_LE(blue_of_white({}), 230);
  EXPECT_EQ(blue_of_white({0.F, 0.F}), blue_of_white({}));
}

TEST(TiffDecoder, TellsTheOrientation) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    TiffSpec spec{.width = 2, .height = 1};
    spec.orientation = orientation;
    spec.big_endian = orientation % 2 == 0;
    EXPECT_EQ(decode(make_tiff(spec, std::vector<std::uint64_t>{1, 2})).header.orientation, orientation);
  }
}

TEST(TiffDecoder, ReadsWhatLeavesTagsOut) {
  const std::vector<std::byte> data{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  TiffBuilder bare;  // no compression, photometric, samples, rows or byte counts
  bare.tag(256, 3, {2}).tag(257, 3, {2}).tag(258, 3, {8}).tag(273, 4, {8});
  const Decoded read = decode(bare.file(data));
  ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
  EXPECT_EQ(read.frame.at<uchar>(1, 1), 4);
}

TEST(TiffDecoder, NamesWhatItDoesNotRead) {
  const std::vector<std::byte> data(64);
  const auto detail_of = [&](const TiffBuilder& builder) {
    const Decoded read = decode(builder.file(data));
    EXPECT_EQ(read.status.verdict, Verdict::unsupported) << read.status.detail;
    return read.status.detail;
  };
  EXPECT_NE(detail_of(gray_tiff(8, 8, 64, 6)).find("old-style JPEG"), std::string::npos);
  EXPECT_NE(detail_of(gray_tiff(8, 8, 64, 34661)).find("JBIG"), std::string::npos);
  EXPECT_NE(detail_of(gray_tiff(8, 8, 64, 34925)).find("LZMA"), std::string::npos);
  EXPECT_NE(detail_of(gray_tiff(8, 8, 64, 50001)).find("WebP"), std::string::npos);
  EXPECT_NE(detail_of(gray_tiff(8, 8, 64, 4711)).find("compression 4711"), std::string::npos);
  TiffBuilder filter;
  filter.tag(256, 3, {8}).tag(257, 3, {8}).tag(258, 3, {8}).tag(262, 3, {32803}).tag(273, 4, {8}).tag(279, 4, {64});
  EXPECT_NE(detail_of(filter).find("colour filter array"), std::string::npos);
  TiffBuilder wide;
  wide.tag(256, 3, {2}).tag(257, 3, {2}).tag(258, 3, {32}).tag(262, 3, {1}).tag(273, 4, {8}).tag(279, 4, {16});
  EXPECT_NE(detail_of(wide).find("32 bits"), std::string::npos);
  EXPECT_NE(detail_of(gray_tiff(8, 8, 64, 32766)).find("NeXT encoding of samples of 8"), std::string::npos);
  EXPECT_NE(detail_of(gray_tiff(8, 8, 64, 32809)).find("ThunderScan encoding of samples of 8"), std::string::npos);
  TiffBuilder uneven;
  uneven.tag(256, 3, {2}).tag(257, 3, {2}).tag(258, 3, {5, 6, 5}).tag(262, 3, {2}).tag(273, 4, {8}).tag(277, 3, {3});
  EXPECT_NE(detail_of(uneven).find("different depths"), std::string::npos);
}

TEST(TiffDecoder, ReadsTheProfileAndTheResolution) {
  // Four pixels, then 300 / 1.
  std::vector<std::byte> data(12);
  data[4] = std::byte{300 & 0xFF};
  data[5] = std::byte{300 >> 8};
  data[8] = std::byte{1};
  const auto metadata_of = [&](int unit) {
    TiffBuilder builder = gray_tiff(2, 2, 4);
    builder.lie(282, 5, 1, 12).lie(283, 5, 1, 12).tag(296, 3, {static_cast<std::uint64_t>(unit)});
    const std::vector<std::byte> file = builder.tag(34675, 7, {10, 20, 30, 40, 50}).file(data);
    const std::unique_ptr<Decoder> decoder = make_tiff_decoder();
    ImageHeader header;
    EXPECT_TRUE(decoder->read_header(file, {}, header).usable());
    Metadata metadata;
    decoder->read_metadata(metadata);
    return metadata;
  };
  const Metadata inches = metadata_of(2);
  EXPECT_NEAR(inches.pixels_per_metre_x, 300 / 0.0254, 1e-6);
  EXPECT_NEAR(inches.pixels_per_metre_y, 300 / 0.0254, 1e-6);
  ASSERT_EQ(inches.icc.size(), 5U);
  EXPECT_EQ(inches.icc[4], std::byte{50});
  EXPECT_NEAR(metadata_of(3).pixels_per_metre_x, 30000, 1e-6);
  EXPECT_EQ(metadata_of(1).pixels_per_metre_x, 0);
}

TEST(TiffDecoder, LeavesOutAProfileThatIsTooLargeOrNotAllThere) {
  const auto metadata_of = [](std::uint64_t claimed, std::size_t there) {
    const std::vector<std::byte> file =
        gray_tiff(2, 2, 4).lie(34675, 7, claimed, 8).file(std::vector<std::byte>(there));
    const std::unique_ptr<Decoder> decoder = make_tiff_decoder();
    ImageHeader header;
    EXPECT_TRUE(decoder->read_header(file, {}, header).usable());
    Metadata metadata;
    decoder->read_metadata(metadata);
    return metadata;
  };
  EXPECT_EQ(metadata_of(kMostMetadataBytes, kMostMetadataBytes).icc.size(), kMostMetadataBytes);
  const Metadata large = metadata_of(kMostMetadataBytes + 1, kMostMetadataBytes + 1);
  EXPECT_TRUE(large.icc.empty());
  EXPECT_NE(large.left_out.find("too large"), std::string::npos) << large.left_out;
  const Metadata cut = metadata_of(1000, 4);
  EXPECT_TRUE(cut.icc.empty());
  EXPECT_NE(cut.left_out.find("damaged"), std::string::npos) << cut.left_out;
}

TEST(TiffDecoder, ReadsTheSameAgainAfterTrim) {
  TiffSpec spec{.width = 40, .height = 30, .bits = 16, .samples = 3, .photometric = 2, .compression = kDeflate};
  const std::vector<std::byte> file = make_tiff(spec, make_tiff_samples(spec));
  const std::unique_ptr<Decoder> decoder = make_tiff_decoder();
  const Decoded before = decode(*decoder, file);
  decoder->trim(0);
  EXPECT_TRUE(same_pixels(decode(*decoder, file).frame, before.frame));
}

/// 8 x 3 pixels, white is 0: a white line, three white and five black pixels, a black line. Without end-of-line codes,
/// a line after the other.
constexpr std::array<std::uint8_t, 4> kThreeLines{0x9C, 0x19, 0xA8, 0xA0};

TiffBuilder fax_tiff(std::uint64_t bytes, std::uint64_t fill_order, std::uint64_t height = 3) {
  TiffBuilder builder;
  builder.tag(256, 4, {8}).tag(257, 4, {height}).tag(258, 3, {1}).tag(259, 3, {3}).tag(262, 3, {0});
  return builder.tag(266, 3, {fill_order}).tag(273, 4, {8}).tag(277, 3, {1}).tag(278, 4, {height}).tag(279, 4, {bytes});
}

void expect_three_lines(const Decoded& read) {
  ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
  cv::Mat want(3, 8, CV_8UC1, cv::Scalar(0));
  want.row(0) = 255;
  want(cv::Rect(0, 1, 3, 1)) = 255;
  EXPECT_TRUE(same_pixels(read.frame, want));
}

TEST(TiffDecoder, ReadsGroup3WithoutEndOfLineCodes) {
  expect_three_lines(decode(fax_tiff(4, 1).file(std::as_bytes(std::span(kThreeLines)))));
  std::array<std::uint8_t, 4> reversed{};
  for (std::size_t i = 0; i < 32; ++i) {
    reversed[i / 8] |= static_cast<std::uint8_t>((kThreeLines[i / 8] >> (7 - i % 8) & 1) << i % 8);
  }
  expect_three_lines(decode(fax_tiff(4, 2).file(std::as_bytes(std::span(reversed)))));
  // The same with each line in bytes of its own, which T4Options tell.
  constexpr std::array<std::uint8_t, 4> kAligned{0x98, 0x83, 0x35, 0x14};
  expect_three_lines(decode(fax_tiff(4, 1).tag(292, 4, {4}).file(std::as_bytes(std::span(kAligned)))));
}

TEST(TiffDecoder, ReadsASingleStripWhoseSizeWasNeverFilledIn) {
  // PackBits: four pixels of 7, then 1, 2, 3, 4.
  const std::vector<std::byte> packed{std::byte{0xFD}, std::byte{7}, std::byte{3}, std::byte{1},
                                      std::byte{2},    std::byte{3}, std::byte{4}};
  TiffBuilder builder;
  builder.tag(256, 4, {4}).tag(257, 4, {2}).tag(258, 3, {8}).tag(259, 3, {32773}).tag(262, 3, {1});
  builder.tag(273, 4, {8}).tag(277, 3, {1}).tag(278, 4, {2}).tag(279, 4, {0});
  const Decoded read = decode(builder.file(packed));
  ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
  EXPECT_TRUE(same_pixels(read.frame, (cv::Mat_<std::uint8_t>(2, 4) << 7, 7, 7, 7, 1, 2, 3, 4)));
}

TEST(TiffDecoder, SaysAtWhichLineAFaxIsDamaged) {
  // A fourth line is white as well, and a fifth too long.
  constexpr std::array<std::uint8_t, 6> kTooLong{0x9C, 0x19, 0xA8, 0xB3, 0x66, 0xA0};
  for (const bool lenient : {false, true}) {
    const Decoded read = decode(fax_tiff(6, 1, 5).file(std::as_bytes(std::span(kTooLong))), {.lenient = lenient});
    EXPECT_EQ(read.status.verdict, lenient ? Verdict::repaired : Verdict::corrupt);
    EXPECT_NE(read.status.detail.find("at scan line 4"), std::string::npos) << read.status.detail;
  }
}

}  // namespace
}  // namespace pixmill::pipeline

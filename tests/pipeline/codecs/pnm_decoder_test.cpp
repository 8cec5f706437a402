#include "tests/pipeline/codecs/test_images.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>

namespace pixmill::pipeline {
namespace {

using namespace std::string_view_literals;

Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// One of P1–P7 with samples from 0 to `most`, and what it shows.
struct PnmFile {
  std::string text;
  cv::Mat image;
};

PnmFile make_pnm(int kind, int width, int height, int channels, std::uint32_t most) {
  PnmFile file;
  const bool bitmap = kind == 1 || kind == 4;
  if (kind == 7) {
    file.text = fmt::format("P7\n# by hand\nWIDTH {}\nHEIGHT {}\n\nDEPTH {}\nMAXVAL {}\nENDHDR\n", width, height,
                            channels, most);
  } else {
    file.text = fmt::format("P{}\n# by hand\n{} {}\n", kind, width, height);
    if (!bitmap) file.text += fmt::format("{}\n", most);
  }
  file.image = cv::Mat(height, width, CV_MAKETYPE(most > 255 ? CV_16U : CV_8U, channels));
  const double full = most > 255 ? 65535 : 255;
  std::uint32_t state = 99;
  for (int y = 0; y < height; ++y) {
    std::uint8_t packed = 0;
    for (int i = 0; i < width * channels; ++i) {
      state = state * 1664525U + 1013904223U;
      const std::uint32_t sample = i == 0 ? most : (state >> 8) % (most + 1);
      const int channel = i % channels;
      const int at = channels >= 3 && channel < 3 ? i - channel + 2 - channel : i;
      const double share = bitmap ? 1 - sample : static_cast<double>(sample) / most;
      const auto level = static_cast<int>(std::floor(share * full + 0.5));
      if (most > 255) {
        file.image.ptr<std::uint16_t>(y)[at] = static_cast<std::uint16_t>(level);
      } else {
        file.image.ptr<std::uint8_t>(y)[at] = static_cast<std::uint8_t>(level);
      }
      if (kind == 1) {
        file.text += static_cast<char>('0' + sample);
        if (i % 3 == 0) file.text += '\n';
      } else if (kind == 4) {
        packed = static_cast<std::uint8_t>(packed << 1 | sample);
        if (i % 8 == 7 || i == width - 1) {
          file.text += static_cast<char>(packed << (7 - i % 8));
          packed = 0;
        }
      } else if (kind <= 3) {
        file.text += fmt::format("{}{}", sample, i % 7 == 0 ? " # so far\n" : " ");
      } else {
        if (most > 255) file.text += static_cast<char>(sample >> 8);
        file.text += static_cast<char>(sample & 0xFF);
      }
    }
  }
  return file;
}

TEST(PnmDecoder, ReadsEveryKindAsTheReferenceDoes) {
  struct Kind {
    int kind;
    int channels;
  };
  for (const auto& [kind, channels] :
       {Kind{1, 1}, {2, 1}, {3, 3}, {4, 1}, {5, 1}, {6, 3}, {7, 1}, {7, 2}, {7, 3}, {7, 4}}) {
    for (const std::uint32_t most : {1U, 2U, 15U, 100U, 254U, 255U, 256U, 1000U, 4095U, 65534U, 65535U}) {
      if ((kind == 1 || kind == 4) && most > 1) continue;
      for (const auto& [width, height] : {std::pair{1, 1}, {7, 5}, {9, 33}, {64, 40}}) {
        const PnmFile file = make_pnm(kind, width, height, channels, most);
        const Decoded read = decode(bytes_of(file.text), {.keep_alpha = true});
        ASSERT_EQ(read.status.verdict, Verdict::ok) << kind << ": " << read.status.detail;
        EXPECT_TRUE(same_pixels(read.frame, file.image)) << "P" << kind << ", largest " << most;
        EXPECT_EQ(read.observed_pixels, file.image.total());
        EXPECT_TRUE(read.observed_final);
        EXPECT_EQ(read.header.two_level, channels == 1 && most == 1);
      }
    }
  }
}

TEST(PnmDecoder, DropsAlphaUnlessItIsKept) {
  for (const int channels : {2, 4}) {
    for (const std::uint32_t most : {255U, 65535U}) {
      const PnmFile file = make_pnm(7, 20, 40, channels, most);
      const Decoded read = decode(bytes_of(file.text));
      ASSERT_EQ(read.frame.channels(), channels - 1);
      for (int y = 0; y < file.image.rows; ++y) {
        for (int x = 0; x < file.image.cols; ++x) {
          for (int c = 0; c < channels - 1; ++c) {
            if (most > 255) {
              ASSERT_EQ(read.frame.ptr<std::uint16_t>(y)[x * (channels - 1) + c],
                        file.image.ptr<std::uint16_t>(y)[x * channels + c]);
            } else {
              ASSERT_EQ(read.frame.ptr(y)[x * (channels - 1) + c], file.image.ptr(y)[x * channels + c]);
            }
          }
        }
      }
    }
  }
}

std::vector<int> levels_of(std::string_view file) {
  const Decoded read = decode(bytes_of(file));
  EXPECT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
  if (!read.status.usable()) return {};
  const cv::Mat whole = read.frame.clone();
  return {whole.datastart, whole.dataend};
}

TEST(PnmDecoder, TakesWhatNetpbmTakes) {
  EXPECT_EQ(levels_of("P1\n5 1\n10110"sv), (std::vector<int>{0, 255, 0, 0, 255}));
  EXPECT_EQ(levels_of("P1 5 1 1 0#half\n1 1\t0\n"sv), (std::vector<int>{0, 255, 0, 0, 255}));
  EXPECT_EQ(levels_of("P2#here\n2 # there\n1\r\n255 # and\n7 8"sv), (std::vector<int>{7, 8}));
  EXPECT_EQ(levels_of("P5 2 1 255 ab"sv), (std::vector<int>{'a', 'b'}));
  EXPECT_EQ(levels_of("P5 2 1 255#the line ends the header\nab"sv), (std::vector<int>{'a', 'b'}));
  EXPECT_EQ(levels_of("P5 2 1 255\n#b"sv), (std::vector<int>{'#', 'b'}));
  EXPECT_EQ(levels_of("P2\n2 1\n0255\n00007 255"sv), (std::vector<int>{7, 255}));
  EXPECT_EQ(levels_of("P7\nHEIGHT 1\nWIDTH 2\nMAXVAL 1\nTUPLTYPE BLACKANDWHITE\nDEPTH 1\nENDHDR\n\1\0"sv),
            (std::vector<int>{255, 0}));
}

TEST(PnmDecoder, ReadsTheFirstOfSeveralImages) {
  EXPECT_EQ(levels_of("P5 2 1 255\nabP5 1 1 255\nc"sv), (std::vector<int>{'a', 'b'}));
}

struct Case {
  std::string_view file;
  Verdict verdict;
  std::string_view words;
};

TEST(PnmDecoder, TellsWhatIsWrong) {
  for (const Case& wrong : {
           Case{"P5\n"sv, Verdict::unsupported, ""sv},  // too short to be told from text
           Case{"P5\n2 "sv, Verdict::truncated, "in its header"sv},
           Case{"P5\n2 2 255"sv, Verdict::truncated, "in its header"sv},
           Case{"P5\n2 x 255\nabcd"sv, Verdict::corrupt, "byte 5 is no number"sv},
           Case{"P5\n2 2 255abcd"sv, Verdict::corrupt, "white space"sv},
           Case{"P5\n0 2 255\nabcd"sv, Verdict::corrupt, "0 x 2 pixels"sv},
           Case{"P5\n2 2 0\nabcd"sv, Verdict::corrupt, "claims 0 as the largest"sv},
           Case{"P5\n2 2 65536\nabcd"sv, Verdict::corrupt, "claims 65536"sv},
           Case{"P5\n2 2 100\nabce"sv, Verdict::corrupt, "101 at column 1 of row 1, where 100"sv},
           Case{"P5\n2 2 255\nabc"sv, Verdict::truncated, "3 bytes of pixels"sv},
           Case{"P5\n1 2 999\n\3\xe7\3\xe8"sv, Verdict::corrupt, "1000 at column 0 of row 1"sv},
           Case{"P2\n2 2 255\n1 2 3 "sv, Verdict::truncated, ""sv},
           Case{"P2\n2 2 255\n1 2 3       "sv, Verdict::truncated, "at column 1 of row 1"sv},
           Case{"P2\n2 2 255\n1 2 300 4"sv, Verdict::corrupt, "300 at column 0 of row 1, where 255"sv},
           Case{"P2\n2 2 65535\n1 2 99999999999999999999999999 4"sv, Verdict::corrupt, "at column 0 of row 1"sv},
           Case{"P2\n2 2 255\n1 2 -3 4"sv, Verdict::corrupt, "byte 15, at column 0 of row 1, is no number"sv},
           Case{"P1\n2 2\n0120"sv, Verdict::corrupt, "is no 0 or 1"sv},
           Case{"P4\n9 2\nabc"sv, Verdict::truncated, ""sv},
           Case{"P5\n99999999999999999999 1 255\n"sv, Verdict::too_large, ""sv},
           Case{"P7\nWIDTH 2\nHEIGHT 2\n"sv, Verdict::truncated, "in its header"sv},
           Case{"P7\nWIDTH 2\nHEIGHT 2\nENDHDR\nabcd"sv, Verdict::corrupt, "largest value"sv},
           Case{"P7\nWIDTH 2\nHEIGHT two\nENDHDR\nabcd"sv, Verdict::corrupt, "HEIGHT"sv},
           Case{"P7\nWIDTH 2\nGIRTH 2\nENDHDR\nabcd"sv, Verdict::corrupt, "no meaning"sv},
           Case{"P7\nWIDTH 2\nHEIGHT 2\nMAXVAL 255\nENDHDR\nabcd"sv, Verdict::corrupt, "0 samples"sv},
           Case{"P7\nWIDTH 2\nHEIGHT 2\nMAXVAL 255\nDEPTH 5\nENDHDR\nabcd"sv, Verdict::unsupported, "5 samples"sv},
           Case{"P7\nWIDTH 2\nHEIGHT 2\nMAXVAL 255\nDEPTH 1\nTUPLTYPE HEAT\nENDHDR\nabcd"sv, Verdict::unsupported,
                "neither gray nor RGB"sv},
           Case{"P7\nWIDTH 2\nHEIGHT 2\nMAXVAL 255\nDEPTH 1\nTUPLTYPE RGB\nENDHDR\nabcd"sv, Verdict::corrupt,
                "RGB has 3"sv},
       }) {
    const Decoded read = decode(bytes_of(wrong.file));
    EXPECT_EQ(read.status.verdict, wrong.verdict) << wrong.file << ": " << read.status.detail;
    EXPECT_NE(read.status.detail.find(wrong.words), std::string::npos) << wrong.file << ": " << read.status.detail;
  }
}

TEST(PnmDecoder, RefusesBombsFromTheirHeader) {
  for (const std::string_view bomb :
       {"P6 65535 65535 65535\n"sv, "P4 65535 65535\n"sv, "P1 4294967297 4294967297\n1"sv, "P2 65535 65535 1 1"sv,
        "P7\nWIDTH 65535\nHEIGHT 65535\nDEPTH 4\nMAXVAL 65535\nENDHDR\n"sv}) {
    EXPECT_EQ(decode(bytes_of(bomb)).status.verdict, Verdict::too_large) << bomb;
  }
}

TEST(PnmDecoder, KeepsWhatItCanLeniently) {
  const auto lenient = [](std::string_view file) { return decode(bytes_of(file), {.lenient = true}); };
  const Decoded cut = lenient("P5 2 3 255\nabcde"sv);
  EXPECT_EQ(cut.status.verdict, Verdict::repaired);
  EXPECT_EQ(cut.observed_pixels, 6U);
  EXPECT_TRUE(same_pixels(cut.frame, (cv::Mat_<std::uint8_t>(3, 2) << 'a', 'b', 'c', 'd', 0, 0)));
  const Decoded text = lenient("P2 2 3 255 1 2 3 x 5 6"sv);
  EXPECT_EQ(text.status.verdict, Verdict::repaired);
  EXPECT_TRUE(same_pixels(text.frame, (cv::Mat_<std::uint8_t>(3, 2) << 1, 2, 3, 0, 0, 0)));
  // A value that is too large is white; what follows is read on.
  const Decoded clipped = lenient("P2 2 3 51 1 2 300 10 5 51"sv);
  EXPECT_EQ(clipped.status.verdict, Verdict::repaired);
  EXPECT_NE(clipped.status.detail.find("300 at column 0 of row 1"), std::string::npos) << clipped.status.detail;
  EXPECT_TRUE(same_pixels(clipped.frame, (cv::Mat_<std::uint8_t>(3, 2) << 5, 10, 255, 50, 25, 255)));
  EXPECT_TRUE(clipped.observed_final);
}

TEST(PnmDecoder, IsSafeOnEveryBeginning) {
  for (const int kind : {1, 2, 3, 4, 5, 6, 7}) {
    const int channels = kind == 3 || kind == 6 ? 3 : 1;
    const PnmFile file = make_pnm(kind, 9, 4, channels, kind == 1 || kind == 4 ? 1 : 300);
    // Text may lose the white space and a part of the number at its end.
    for (std::size_t size = 4; size + 6 < file.text.size(); ++size) {
      EXPECT_EQ(decode(bytes_of(file.text).first(size)).status.verdict, Verdict::truncated) << kind << ", " << size;
    }
  }
}

TEST(PnmDecoder, DoesNotCallRepairedWhatHasNoRow) {
  const auto lenient = [](std::string_view file) { return decode(bytes_of(file), {.lenient = true}).status.verdict; };
  for (const std::string_view none : {"P5 2 3 255\n"sv, "P5 4 1 255\nabc"sv, "P6 2 2 65535\nabcdefg"sv, "P4 9 2\na"sv,
                                      "P2 2 3 255 "sv, "P3 2 2 255 1 2 "sv, "P1 2 2 "sv}) {
    EXPECT_EQ(lenient(none), Verdict::truncated) << none;
  }
  EXPECT_EQ(lenient("P2 2 3 255 x"sv), Verdict::corrupt);
  EXPECT_EQ(lenient("P5 2 2 255\nabc"sv), Verdict::repaired);
  EXPECT_EQ(lenient("P3 2 2 255 1 2 3 "sv), Verdict::repaired);
  EXPECT_EQ(lenient("P2 1 1 51 52"sv), Verdict::repaired);
}

}  // namespace
}  // namespace pixmill::pipeline

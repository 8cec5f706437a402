#include "tests/pipeline/codecs/bmp_files.hpp"
#include "tests/pipeline/codecs/test_images.hpp"

#include <gtest/gtest.h>

namespace pixmill::pipeline {
namespace {

using Code = std::vector<std::uint8_t>;

/// What BMP Suite calls good, and what it calls questionable but all readers that we look to read.
std::vector<BmpSpec> readable_kinds() {
  return {
      {.name = "1 bit", .bits = 1, .palette = make_palette(2, true)},
      {.name = "1 bit, colours", .bits = 1, .palette = make_palette(2, false)},
      {.name = "1 bit, one colour", .bits = 1, .palette = make_palette(1, true)},
      {.name = "2 bits", .bits = 2, .palette = make_palette(4, true)},
      {.name = "4 bits", .bits = 4, .palette = make_palette(12, false)},
      {.name = "4 bits, gray", .bits = 4, .palette = make_palette(12, true)},
      {.name = "8 bits", .bits = 8, .palette = make_palette(252, false)},
      {.name = "8 bits, gray", .bits = 8, .palette = make_palette(252, true)},
      {.name = "8 bits, 0 colours for all", .bits = 8, .palette = make_palette(256, false), .colours_field = 0},
      {.name = "8 bits, 300 colours", .bits = 8, .palette = make_palette(300, false)},
      {.name = "8 bits, top down", .bits = 8, .palette = make_palette(200, false), .height = -5},
      {.name = "8 bits, a gap", .bits = 8, .palette = make_palette(200, false), .gap = 100},
      {.name = "8 bits, fewer colours than claimed", .bits = 8, .palette = make_palette(20, false), .colours_field = 0},
      {.name = "OS/2 1", .bits = 8, .info_bytes = 12, .palette = make_palette(256, false)},
      {.name = "OS/2 1, short palette", .bits = 8, .info_bytes = 12, .palette = make_palette(31, false)},
      {.name = "OS/2 1, 24 bits", .bits = 24, .info_bytes = 12},
      {.name = "OS/2 2", .bits = 8, .info_bytes = 64, .palette = make_palette(252, false)},
      {.name = "OS/2 2, 16 bytes", .bits = 8, .info_bytes = 16, .palette = make_palette(256, false)},
      {.name = "version 4", .bits = 8, .info_bytes = 108, .palette = make_palette(252, false)},
      {.name = "version 5", .bits = 8, .info_bytes = 124, .palette = make_palette(252, true)},
      {.name = "16 bits", .bits = 16},
      {.name = "16 bits, 555 masks", .bits = 16, .compression = 3, .masks = {0x7C00, 0x3E0, 0x1F}},
      {.name = "16 bits, 565", .bits = 16, .compression = 3, .masks = {0xF800, 0x7E0, 0x1F}},
      {.name = "16 bits, 231", .bits = 16, .compression = 3, .masks = {0x3000, 0x0E00, 0x0100}},
      {.name = "16 bits, 3-10-3", .bits = 16, .compression = 3, .masks = {0xE000, 0x1FF8, 0x0007}},
      {.name = "16 bits, no blue", .bits = 16, .compression = 3, .masks = {0xFF00, 0x00FF, 0}},
      {.name = "16 bits, 4444", .bits = 16, .info_bytes = 124, .compression = 3, .masks = {0xF00, 0xF0, 0xF, 0xF000}},
      {.name = "24 bits", .bits = 24},
      {.name = "24 bits, a palette", .bits = 24, .palette = make_palette(256, false)},
      {.name = "24 bits, top down", .bits = 24, .height = -5},
      {.name = "32 bits", .bits = 32},
      {.name = "32 bits, masks", .bits = 32, .compression = 3, .masks = {0xFF00, 0xFF0000, 0xFF000000}},
      {.name = "32 bits, plain masks", .bits = 32, .compression = 3, .masks = {0xFF0000, 0xFF00, 0xFF}},
      {.name = "32 bits, 11-11-10", .bits = 32, .compression = 3, .masks = {0xFFE00000, 0x1FFC00, 0x3FF}},
      {.name = "32 bits, 7-18-7", .bits = 32, .compression = 3, .masks = {0xFE000000, 0x01FFFF80, 0x7F}},
      {.name = "52 bytes", .bits = 32, .info_bytes = 52, .compression = 3, .masks = {0xFF, 0xFF00, 0xFF0000}},
      {.name = "56 bytes",
       .bits = 32,
       .info_bytes = 56,
       .compression = 3,
       .masks = {0xFF, 0xFF00, 0xFF0000, 0xFF000000}},
      {.name = "alpha masks behind", .bits = 32, .compression = 6, .masks = {0xFF, 0xFF00, 0xFF0000, 0xFF000000}},
      {.name = "alpha, usual order",
       .bits = 32,
       .info_bytes = 108,
       .compression = 3,
       .masks = {0xFF0000, 0xFF00, 0xFF, 0xFF000000}},
      {.name = "1010102",
       .bits = 32,
       .info_bytes = 124,
       .compression = 3,
       .masks = {0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000}},
      {.name = "32 bits, one field", .bits = 32, .compression = 3, .masks = {0xFFFFFFFF, 0, 0}},
  };
}

Decoded decode_kept(Bytes file) { return decode(file, {.keep_alpha = true}); }

TEST(BmpDecoder, ReadsEveryKindAsTheReferenceDoes) {
  for (BmpSpec spec : readable_kinds()) {
    const int sign = spec.height < 0 ? -1 : 1;
    for (const auto& [width, height] : {std::pair{1, 1}, {7, 5}, {8, 3}, {33, 34}, {127, 64}, {600, 2}}) {
      spec.width = width;
      spec.height = sign * height;
      const std::vector<std::uint32_t> pixels = make_bmp_pixels(spec);
      const cv::Mat reference = bmp_reference(spec, pixels);
      const Decoded read = decode_kept(make_bmp(spec, pixels));
      ASSERT_EQ(read.status.verdict, Verdict::ok) << spec.name << ": " << read.status.detail;
      EXPECT_TRUE(same_pixels(read.frame, reference)) << spec.name << ", " << width << " x " << height;
      EXPECT_EQ(read.observed_pixels, reference.total()) << spec.name;
      EXPECT_TRUE(read.observed_final) << spec.name;
    }
  }
}

TEST(BmpDecoder, DropsAlphaUnlessItIsKept) {
  const BmpSpec spec{.bits = 32, .info_bytes = 108, .compression = 3, .masks = {0xFF0000, 0xFF00, 0xFF, 0xFF000000}};
  const std::vector<std::uint32_t> pixels = make_bmp_pixels(spec);
  BmpSpec opaque = spec;
  opaque.masks.pop_back();
  EXPECT_TRUE(same_pixels(decode(make_bmp(spec, pixels)).frame, bmp_reference(opaque, pixels)));
}

TEST(BmpDecoder, KnowsBlackAndWhite) {
  BmpSpec spec{.bits = 1, .palette = {{255, 255, 255}, {0, 0, 0}}};
  EXPECT_TRUE(decode(make_bmp(spec, make_bmp_pixels(spec))).header.two_level);
  spec.palette[0] = {254, 254, 254};
  EXPECT_FALSE(decode(make_bmp(spec, make_bmp_pixels(spec))).header.two_level);
}

TEST(BmpDecoder, TakesIndexesBeyondThePaletteForBlack) {
  const BmpSpec spec{.bits = 8, .palette = make_palette(3, false), .width = 4, .height = 1};
  const Decoded read = decode(make_bmp(spec, std::array<std::uint32_t, 4>{0, 2, 3, 255}));
  ASSERT_EQ(read.status.verdict, Verdict::ok);
  EXPECT_EQ(read.frame.at<cv::Vec3b>(0, 1)[2], 200);
  EXPECT_EQ(read.frame.at<cv::Vec3b>(0, 2), cv::Vec3b(0, 0, 0));
  EXPECT_EQ(read.frame.at<cv::Vec3b>(0, 3), cv::Vec3b(0, 0, 0));
}

TEST(BmpDecoder, ReadsABitmapArrayAsItsFirstImage) {
  const BmpSpec spec{.bits = 8, .info_bytes = 64, .palette = make_palette(252, false)};
  const std::vector<std::uint32_t> pixels = make_bmp_pixels(spec);
  std::vector<std::byte> file(14);
  file[0] = std::byte{'B'};
  file[1] = std::byte{'A'};
  BmpSpec inner = spec;
  inner.offset_field = 14 + 14 + 64 + 4 * 252;
  const std::vector<std::byte> bmp = make_bmp(inner, pixels);
  file.insert(file.end(), bmp.begin(), bmp.end());
  EXPECT_TRUE(same_pixels(decode(file).frame, bmp_reference(spec, pixels)));
}

std::vector<BmpSpec> run_kinds() {
  return {{.name = "RLE4", .bits = 4, .compression = 2, .palette = make_palette(16, false)},
          {.name = "RLE4 gray", .bits = 4, .compression = 2, .palette = make_palette(7, true)},
          {.name = "RLE8", .bits = 8, .compression = 1, .palette = make_palette(5, false)},
          {.name = "RLE24", .bits = 24, .info_bytes = 64, .compression = 4}};
}

TEST(BmpRuns, AreReadAsTheReferenceDoes) {
  for (BmpSpec spec : run_kinds()) {
    for (const auto& [width, height] : {std::pair{1, 1}, {7, 5}, {64, 33}, {127, 64}, {700, 3}}) {
      spec.width = width;
      spec.height = height;
      const std::vector<std::uint32_t> pixels = make_bmp_pixels(spec);
      const Decoded read = decode(make_bmp_with(spec, encode_runs(spec, pixels)));
      ASSERT_EQ(read.status.verdict, Verdict::ok) << spec.name << ": " << read.status.detail;
      EXPECT_TRUE(same_pixels(read.frame, bmp_reference(spec, pixels))) << spec.name << width;
      EXPECT_EQ(read.observed_pixels, pixels.size());
      EXPECT_TRUE(read.observed_final);
    }
  }
}

BmpSpec small_runs() {
  return {.bits = 8, .compression = 1, .palette = {{9, 9, 9}, {50, 50, 50}, {70, 70, 70}}, .width = 4, .height = 3};
}

/// Indexes from the uppermost row to the lowest.
std::vector<int> indexes_of(const Decoded& read) {
  std::vector<int> indexes;
  for (int y = 0; y < read.frame.rows; ++y) {
    for (int x = 0; x < read.frame.cols; ++x) {
      const int level = read.frame.at<std::uint8_t>(y, x);
      indexes.push_back(level == 9 ? 0 : level == 50 ? 1 : level == 70 ? 2 : -level);
    }
  }
  return indexes;
}

TEST(BmpRuns, GivePixelsThatAreSkippedTheFirstColour) {
  // Two pixels, two to the right and one up, one pixel, the end.
  const Decoded read = decode(make_bmp_with(small_runs(), Code{2, 1, 0, 2, 1, 1, 1, 2, 0, 1}));
  ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
  EXPECT_EQ(indexes_of(read), (std::vector<int>{0, 0, 0, 0, 0, 0, 0, 2, 1, 1, 0, 0}));
}

TEST(BmpRuns, MayEndLinesAndImageEarly) {
  const Decoded read = decode(make_bmp_with(small_runs(), Code{1, 1, 0, 0, 0, 0, 2, 2, 0, 1}));
  ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
  EXPECT_EQ(indexes_of(read), (std::vector<int>{2, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(decode(make_bmp_with(small_runs(), Code{0, 2, 0, 3})).status.verdict, Verdict::ok);
}

TEST(BmpRuns, MayHoldThePaddingOfTheirLines) {
  BmpSpec spec = small_runs();
  spec.width = 3;
  spec.height = 2;
  // A run of four, and four literal pixels, though a line has three; then a skip of nothing to the end.
  const Decoded read = decode(make_bmp_with(spec, Code{4, 1, 0, 0, 0, 4, 2, 1, 2, 0, 0, 0, 0, 1}));
  ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
  EXPECT_EQ(indexes_of(read), (std::vector<int>{2, 1, 2, 1, 1, 1}));
  EXPECT_EQ(decode(make_bmp_with(spec, Code{4, 1, 0, 2, 0, 1, 0, 1})).status.verdict, Verdict::ok);
  EXPECT_EQ(decode(make_bmp_with(spec, Code{5, 1, 0, 0, 3, 1, 0, 1})).status.verdict, Verdict::corrupt);
}

TEST(BmpRuns, TellWhatIsWrongWithThem) {
  struct Case {
    Code code;
    Verdict verdict;
    const char* words;
  };
  for (const Case& wrong : {Case{{5, 1}, Verdict::corrupt, "a run goes beyond the end of the line at column 0"},
                            Case{{0, 5, 1, 1, 1, 1, 1, 0}, Verdict::corrupt, "more pixels than the line has"},
                            Case{{4, 1, 0, 0, 0, 2, 5, 0, 0, 1}, Verdict::corrupt, "skips out of the image"},
                            Case{{0, 2, 0, 4, 0, 1}, Verdict::corrupt, "skips out of the image"},
                            Case{{4, 1, 0, 0, 4}, Verdict::truncated, "column 0 of scan line 1"},
                            Case{{4, 1, 0, 0, 0, 4, 1, 2}, Verdict::truncated, "in the pixels that follow"},
                            Case{{4, 1, 0, 0, 0, 2, 1}, Verdict::truncated, "the file ends"}}) {
    const Decoded strict = decode(make_bmp_with(small_runs(), wrong.code));
    EXPECT_EQ(strict.status.verdict, wrong.verdict);
    EXPECT_NE(strict.status.detail.find(wrong.words), std::string::npos) << strict.status.detail;
    const Decoded lenient = decode(make_bmp_with(small_runs(), wrong.code), {.lenient = true});
    if (wrong.code[0] == 0 && wrong.code[1] == 2) {  // a skip first: there is no pixel
      EXPECT_EQ(lenient.status.verdict, wrong.verdict);
      continue;
    }
    EXPECT_EQ(lenient.status.verdict, Verdict::repaired);
    EXPECT_EQ(lenient.observed_pixels, 12U);
    EXPECT_TRUE(lenient.observed_final);
  }
}

TEST(BmpRuns, NeedNoMarkOfAnEndThatIsReached) {
  EXPECT_EQ(decode(make_bmp_with(small_runs(), Code{4, 1, 0, 0, 4, 2, 0, 0, 4, 1})).status.verdict, Verdict::ok);
}

TEST(BmpRuns, OfEndlessSkipsCostNoMoreThanTheirBytes) {
  Code code;
  for (int i = 0; i < 200000; ++i) code.insert(code.end(), {0, 2, 0, 0});
  BmpSpec spec = small_runs();
  spec.width = 2000;
  spec.height = 1000;
  EXPECT_EQ(decode(make_bmp_with(spec, code)).status.verdict, Verdict::truncated);
}

TEST(BmpDecoder, TellsFilesThatAreCutShort) {
  const BmpSpec spec{.bits = 24, .width = 5, .height = 40};
  const std::vector<std::uint32_t> pixels = make_bmp_pixels(spec);
  const std::vector<std::byte> file = make_bmp(spec, pixels);
  for (std::size_t size = 18; size < file.size() - 1; ++size) {
    const Bytes part = Bytes(file).first(size);
    EXPECT_EQ(decode(part).status.verdict, Verdict::truncated) << size;
  }
  EXPECT_EQ(decode(Bytes(file).first(file.size() - 1)).status.verdict, Verdict::ok);  // padding
  const Decoded lenient = decode(Bytes(file).first(54 + 16 * 10 + 3), {.lenient = true});
  EXPECT_EQ(lenient.status.verdict, Verdict::repaired);
  EXPECT_EQ(lenient.status.detail, "cut short: the upper 30 of 40 scan lines are missing");
  cv::Mat expected = bmp_reference(spec, pixels);
  expected.rowRange(0, 30).setTo(cv::Scalar::all(0));
  EXPECT_TRUE(same_pixels(lenient.frame, expected));
  EXPECT_EQ(lenient.observed_pixels, expected.total());
}

TEST(BmpDecoder, SaysWhatItDoesNotRead) {
  struct Case {
    BmpSpec spec;
    const char* words;
  };
  for (const Case& other :
       {Case{{.bits = 0, .info_bytes = 124, .compression = 4}, "wraps a JPEG"},
        Case{{.bits = 24, .info_bytes = 124, .compression = 5}, "wraps a PNG"},
        Case{{.bits = 1, .info_bytes = 64, .compression = 3, .palette = make_palette(2, true)}, "Huffman 1D"},
        Case{{.bits = 64}, "64 bits a pixel"}, Case{{.bits = 32, .compression = 11}, "CMYK"}}) {
    const Decoded read = decode(make_bmp_with(other.spec, Code(1000)));
    EXPECT_EQ(read.status.verdict, Verdict::unsupported);
    EXPECT_NE(read.status.detail.find(other.words), std::string::npos) << read.status.detail;
  }
}

TEST(BmpDecoder, RefusesHeadersThatContradictThemselves) {
  const std::vector<std::array<std::uint8_t, 3>> gray = make_palette(4, true);
  for (const BmpSpec& spec : std::initializer_list<BmpSpec>{
           {.name = "negative width", .width = -7},
           {.name = "no width", .width = 0},
           {.name = "no height", .height = 0},
           {.name = "planes", .planes = 3},
           {.name = "depth", .bits = 5},
           {.name = "absurd depth", .bits = 30000},
           {.name = "66 bytes", .info_bytes = 66},
           {.name = "RLE8 of 4 bits", .bits = 4, .compression = 1, .palette = gray},
           {.name = "RLE top down", .bits = 8, .compression = 1, .palette = gray, .height = -5},
           {.name = "masks of 24 bits", .bits = 24, .compression = 3, .masks = {1, 2, 4}},
           {.name = "masks with holes", .bits = 16, .compression = 3, .masks = {0xF0F0, 1, 2}},
           {.name = "masks that overlap", .bits = 32, .compression = 3, .masks = {0xFF, 0x1FF00, 0xF0000}},
           {.name = "masks beyond the pixel", .bits = 16, .compression = 3, .masks = {0xFF0000, 0xFF00, 0xFF}},
           {.name = "no masks", .bits = 16, .compression = 3, .masks = {0, 0, 0}},
           {.name = "unknown compression", .compression = 99},
           {.name = "pixels in the header", .bits = 24, .offset_field = 50},
           {.name = "pixels far away", .bits = 24, .offset_field = 0x7FFFFFFF},
           {.name = "no palette", .bits = 8, .offset_field = 54},
           {.name = "2^32 colours", .bits = 8, .palette = gray, .colours_field = 0xFFFFFFFF},
       }) {
    const Decoded read = decode(make_bmp_with(spec, Code(2000)));
    EXPECT_EQ(read.status.verdict, Verdict::corrupt) << spec.name << ": " << read.status.detail;
    EXPECT_FALSE(read.status.detail.empty()) << spec.name;
  }
}

TEST(BmpDecoder, RefusesBombsFromTheirHeader) {
  constexpr std::int32_t kLeast = std::numeric_limits<std::int32_t>::min();
  for (const BmpSpec& spec : std::initializer_list<BmpSpec>{
           {.width = 65535, .height = 65535},
           {.width = 0x7FFFFFFF, .height = 0x7FFFFFFF},
           {.width = 1, .height = kLeast},
           {.bits = 32, .width = 0x7FFFFFFF, .height = kLeast},
           {.bits = 1, .palette = make_palette(2, true), .width = 65535, .height = -65535},
           {.bits = 8, .compression = 1, .palette = make_palette(4, true), .width = 60000, .height = 60000}}) {
    EXPECT_EQ(decode(make_bmp_with(spec, Code(100))).status.verdict, Verdict::too_large);
  }
}

TEST(BmpDecoder, IgnoresSizesThatNobodyNeeds) {
  BmpSpec spec{.bits = 24, .file_bytes_field = 0xFFFFFFFF};
  const std::vector<std::uint32_t> pixels = make_bmp_pixels(spec);
  EXPECT_TRUE(same_pixels(decode(make_bmp(spec, pixels)).frame, bmp_reference(spec, pixels)));
  spec.file_bytes_field = 0;
  spec.offset_field = 0;  // they follow the header
  EXPECT_TRUE(same_pixels(decode(make_bmp(spec, pixels)).frame, bmp_reference(spec, pixels)));
}

TEST(BmpDecoder, TellsTheResolution) {
  const BmpSpec spec{.bits = 24};
  const std::vector<std::byte> file = make_bmp(spec, make_bmp_pixels(spec));
  const std::unique_ptr<Decoder> decoder = find_codec("bmp")->make_decoder();
  ASSERT_TRUE(decode(*decoder, file).status.usable());
  Metadata metadata;
  decoder->read_metadata(metadata);
  EXPECT_EQ(metadata.pixels_per_metre_x, 5000);
  EXPECT_EQ(metadata.pixels_per_metre_y, 6000);
  EXPECT_TRUE(metadata.icc.empty());
}

TEST(BmpRuns, AreNotCalledRepairedWithoutAPixel) {
  for (const Code& none : {Code{}, Code{4}, Code{0, 4}, Code{0, 2, 1}, Code{0, 0, 0, 0}, Code{0, 2, 0, 1, 0}}) {
    const std::vector<std::byte> file = make_bmp_with(small_runs(), none);
    EXPECT_EQ(decode(file).status.verdict, Verdict::truncated) << none.size();
    EXPECT_EQ(decode(file, {.lenient = true}).status.verdict, Verdict::truncated) << none.size();
  }
  EXPECT_EQ(decode(make_bmp_with(small_runs(), Code{1, 1}), {.lenient = true}).status.verdict, Verdict::repaired);
}

TEST(BmpDecoder, LeavesAProfileOutThatIsTooLarge) {
  for (const std::size_t bytes : {kMostMetadataBytes, kMostMetadataBytes + 1}) {
    const BmpSpec spec{.bits = 24, .info_bytes = 124};
    std::vector<std::byte> file = make_bmp(spec, make_bmp_pixels(spec));
    const auto put = [&](std::size_t at, std::uint32_t value) {
      for (std::size_t i = 0; i < 4; ++i) file[at + i] = static_cast<std::byte>(value >> 8 * i & 0xFF);
    };
    constexpr std::size_t kInfo = 14;
    constexpr std::uint32_t kEmbedded = 0x4D424544;  // "MBED"
    put(kInfo + 56, kEmbedded);
    put(kInfo + 112, static_cast<std::uint32_t>(file.size() - kInfo));
    put(kInfo + 116, static_cast<std::uint32_t>(bytes));
    file.resize(file.size() + bytes);
    const std::unique_ptr<Decoder> decoder = find_codec("bmp")->make_decoder();
    ASSERT_EQ(decode(*decoder, file).status.verdict, Verdict::ok);
    Metadata metadata;
    decoder->read_metadata(metadata);
    const bool fits = bytes == kMostMetadataBytes;
    EXPECT_EQ(metadata.icc.size(), fits ? bytes : 0);
    EXPECT_EQ(metadata.left_out, fits ? "" : "its ICC profile is too large and was left out");
  }
}

}  // namespace
}  // namespace pixmill::pipeline

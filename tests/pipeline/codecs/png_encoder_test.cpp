#include "pipeline/codecs/png_encoder.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/codecs/png_chunks.hpp"
#include "pipeline/codecs/png_filter.hpp"

#include "tests/pipeline/codecs/png_files.hpp"
#include "tests/pipeline/codecs/test_images.hpp"
#include "tests/support/allocations.hpp"

#include <gtest/gtest.h>
#include <libdeflate.h>
#include <spng.h>
#include <zlib.h>
#include <opencv2/imgproc.hpp>

#include <numeric>

namespace pixmill::pipeline {
namespace {

TEST(PngEncoder, WritesEveryKindWithoutLoss) {
  for (const int depth : {CV_8U, CV_16U}) {
    for (int channels = 1; channels <= 4; ++channels) {
      for (const cv::Size size : {cv::Size(1, 1), cv::Size(1, 40), cv::Size(53, 1), cv::Size(131, 67)}) {
        const cv::Mat image = make_padded_image(size.width, size.height, CV_MAKETYPE(depth, channels));
        for (int compression = 0; compression <= 9; ++compression) {
          const std::vector<std::byte> file = encode("png", {&image}, {.compression = compression});
          const Decoded read = decode(file, {.keep_alpha = true});
          ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
          ASSERT_TRUE(same_pixels(read.frame, image)) << channels << " channels, level " << compression;
          ASSERT_LE(file.size(), make_png_encoder()->need(kernels::shape_of(image), false).output_bytes);
        }
      }
    }
  }
}

TEST(PngEncoder, PacksTwoLevelsIntoBits) {
  for (const int type : {CV_8UC1, CV_16UC1}) {
    for (const int width : {1, 7, 8, 9, 64, 203}) {
      const cv::Mat image = make_padded_image(width, 31, type);
      const int largest = kernels::max_level(kernels::depth_of(image));
      kernels::LevelTable table(kernels::depth_of(image));
      table.then([&](int level) { return level > largest / 3 ? largest : 0; });
      const std::vector<std::byte> file = encode("png", {&image, &table, true});
      const Decoded read = decode(file);
      ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
      EXPECT_TRUE(read.header.two_level);
      for (int y = 0; y < image.rows; ++y) {
        for (int x = 0; x < image.cols; ++x) {
          const int level = type == CV_16UC1 ? image.at<std::uint16_t>(y, x) : image.at<uchar>(y, x);
          ASSERT_EQ(read.frame.at<uchar>(y, x), level > largest / 3 ? 255 : 0);
        }
      }
      EXPECT_LE(file.size(), make_png_encoder()->need(kernels::shape_of(image), true).output_bytes);
    }
  }
}

TEST(PngEncoder, PacksAFrameThatIsTwoLevelItself) {
  const cv::Mat image = make_image(45, 20, CV_8UC1) > 100;
  const Decoded read = decode(encode("png", {&image, nullptr, true}));
  EXPECT_TRUE(read.header.two_level);
  EXPECT_TRUE(same_pixels(read.frame, image));
}

TEST(PngEncoder, SeesTheFrameThroughTheTable) {
  for (int channels = 1; channels <= 4; ++channels) {
    const cv::Mat image = make_image(40, 35, CV_8UC(channels));
    kernels::LevelTable table(kernels::Depth::eight);
    table.then([](int level) { return (level * 7) & 255; });
    cv::Mat mapped;
    kernels::apply_table(table, image, mapped);
    EXPECT_TRUE(same_pixels(decode(encode("png", {&image, &table}), {.keep_alpha = true}).frame, mapped));
  }
}

TEST(PngEncoder, WritesTheSameBytesAgain) {
  const cv::Mat first = make_image(64, 48, CV_8UC3);
  const cv::Mat other = make_image(301, 77, CV_16UC4);
  const std::unique_ptr<Encoder> encoder = make_png_encoder();
  std::vector<std::byte> out;
  ASSERT_TRUE(encoder->encode({&other}, {.compression = 7}, out).usable());
  encoder->trim(0);
  ASSERT_TRUE(encoder->encode({&first}, {}, out).usable());
  EXPECT_EQ(out, encode("png", {&first}));
}

TEST(PngEncoder, LeavesTheFrameAlone) {
  const cv::Mat image = make_padded_image(50, 40, CV_16UC3);
  const cv::Mat before = image.clone();
  static_cast<void>(encode("png", {&image}));
  EXPECT_TRUE(same_pixels(image, before));
}

/// Every line is the one above with a few pixels turned over.
cv::Mat make_drifting_bits(int width, int height) {
  cv::Mat image = make_image(width, height, CV_8UC1) > 128;
  cv::RNG random(11);
  random.fill(image.row(0), cv::RNG::UNIFORM, 0, 256);
  image.row(0).setTo(255, image.row(0) > 127);
  image.row(0).setTo(0, image.row(0) < 255);
  for (int y = 1; y < height; ++y) {
    image.row(y - 1).copyTo(image.row(y));
    for (int i = 0; i < width / 64 + 1; ++i) image.at<uchar>(y, random.uniform(0, width)) ^= 255;
  }
  return image;
}

/// The filter of the second line of a 1-bit file with one IDAT.
int second_filter(Bytes file, const cv::Mat& image) {
  const std::size_t line = static_cast<std::size_t>(image.cols + 7) / 8 + 1;
  std::vector<std::uint8_t> lines(line * static_cast<std::size_t>(image.rows));
  libdeflate_decompressor* decompressor = libdeflate_alloc_decompressor();
  const libdeflate_result result =
      libdeflate_zlib_decompress(decompressor, file.data() + kPngDataStart, read_big32(file, kPngDataStart - 8),
                                 lines.data(), lines.size(), nullptr);
  libdeflate_free_decompressor(decompressor);
  return result == LIBDEFLATE_SUCCESS ? lines[line] : -1;
}

TEST(PngEncoder, WritesDifferencesOfBitsWhereTheyAreSmaller) {
  const cv::Mat large = make_drifting_bits(1024, 700);
  const cv::Mat small = make_drifting_bits(512, 300);
  const cv::Mat waves = make_image(1024, 700, CV_8UC1) > 128;
  for (const cv::Mat& image : {large, small, waves}) {
    for (const int compression : {0, 1, 6}) {
      const std::vector<std::byte> file = encode("png", {&image, nullptr, true}, {.compression = compression});
      EXPECT_TRUE(same_pixels(decode(file).frame, image));
      const bool differs = image.data == large.data ? compression > 0 : image.data == small.data && compression == 6;
      EXPECT_EQ(second_filter(file, image), differs ? 2 : 0) << image.size() << " at " << compression;
      EXPECT_LE(file.size(), make_png_encoder()->need(kernels::shape_of(image), true).output_bytes);
    }
  }
}

TEST(PngEncoder, TakesNoMoreForBitsThanItNeeds) {
  for (const cv::Size size : {cv::Size(1024, 700), cv::Size(9, 130), cv::Size(8000, 65)}) {
    const cv::Mat image = make_drifting_bits(size.width, size.height);
    const Encoder::Need need = make_png_encoder()->need(kernels::shape_of(image), true);
    std::vector<std::byte> out;
    out.reserve(need.output_bytes);
    const std::unique_ptr<Encoder> encoder = make_png_encoder();
    const tests::Allocations allocations;
    ASSERT_TRUE(encoder->encode({&image, nullptr, true}, {.compression = 9}, out).usable());
    EXPECT_LE(tests::Allocations::most(), need.scratch_bytes) << size;
    EXPECT_LE(out.size(), need.output_bytes);
  }
}

/// libspng's own encoder at its default: all filters, zlib at 6.
std::size_t size_by_libspng(const cv::Mat& image, int level) {
  spng_ctx* context = spng_ctx_new(SPNG_CTX_ENCODER);
  spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
  spng_set_option(context, SPNG_IMG_COMPRESSION_LEVEL, level);
  spng_ihdr header{static_cast<std::uint32_t>(image.cols),
                   static_cast<std::uint32_t>(image.rows),
                   8,
                   static_cast<std::uint8_t>(image.channels() == 1 ? 0 : 2),
                   0,
                   0,
                   0};
  spng_set_ihdr(context, &header);
  const int error =
      spng_encode_image(context, image.data, image.total() * image.elemSize(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
  std::size_t size = 0;
  int why = 0;
  std::free(spng_get_png_buffer(context, &size, &why));
  spng_ctx_free(context);
  return error == 0 ? size : 0;
}

TEST(PngEncoder, IsNoLargerThanZlibAtTheSameLevel) {
  for (const int type : {CV_8UC1, CV_8UC3}) {
    const cv::Mat image = make_image(320, 240, type);
    const std::size_t theirs = size_by_libspng(image, 6);
    ASSERT_GT(theirs, 0U);
    EXPECT_LE(encode("png", {&image}, {.compression = 6}).size(), theirs * 11 / 10);
  }
}

/// The smallest of libspng's and zlib's ways at that level: each strategy with each filter.
std::size_t best_bits_by_libspng(const cv::Mat& image, int level) {
  const std::size_t line = static_cast<std::size_t>(image.cols + 7) / 8;
  std::vector<std::uint8_t> bits(line * static_cast<std::size_t>(image.rows));
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      if (image.at<uchar>(y, x) != 0) bits[static_cast<std::size_t>(y) * line + x / 8U] |= 128U >> x % 8U;
    }
  }
  std::size_t best = 0;
  for (const int strategy : {Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE}) {
    for (const int filters : {SPNG_FILTER_CHOICE_NONE, SPNG_FILTER_CHOICE_UP, SPNG_FILTER_CHOICE_ALL}) {
      spng_ctx* context = spng_ctx_new(SPNG_CTX_ENCODER);
      spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
      spng_set_option(context, SPNG_IMG_COMPRESSION_LEVEL, level);
      spng_set_option(context, SPNG_IMG_COMPRESSION_STRATEGY, strategy);
      spng_set_option(context, SPNG_FILTER_CHOICE, filters);
      spng_ihdr header{static_cast<std::uint32_t>(image.cols), static_cast<std::uint32_t>(image.rows), 1, 0, 0, 0, 0};
      spng_set_ihdr(context, &header);
      EXPECT_EQ(spng_encode_image(context, bits.data(), bits.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
      std::size_t size = 0;
      int why = 0;
      std::free(spng_get_png_buffer(context, &size, &why));
      spng_ctx_free(context);
      if (best == 0 || size < best) best = size;
    }
  }
  return best;
}

TEST(PngEncoder, IsWithinATenthOfTheBestWayForBits) {
  const cv::Mat waves = make_image(500, 370, CV_8UC1);
  cv::Mat noise(370, 500, CV_8UC1);
  cv::RNG(7).fill(noise, cv::RNG::UNIFORM, 0, 256);
  cv::Mat dither;
  cv::addWeighted(waves, 0.7, noise, 0.3, 0, dither);
  cv::Mat blobs;
  cv::GaussianBlur(noise, blobs, {}, 3);
  for (const cv::Mat& image : {cv::Mat(waves > 128), cv::Mat(noise > 230), cv::Mat(noise > 128), cv::Mat(dither > 128),
                               cv::Mat(blobs > 127), make_drifting_bits(500, 370)}) {
    const std::vector<std::byte> file = encode("png", {&image, nullptr, true}, {.compression = 6});
    EXPECT_TRUE(same_pixels(decode(file).frame, image));
    EXPECT_LE(file.size() * 10, best_bits_by_libspng(image, 6) * 11);
  }
}

TEST(PngEncoder, StoresAtLevelZero) {
  const cv::Mat image(100, 100, CV_8UC1, cv::Scalar(5));
  EXPECT_GT(encode("png", {&image}, {.compression = 0}).size(), 10000U);
  EXPECT_LT(encode("png", {&image}).size(), 300U);
}

TEST(PngChunks, SplitLargeDataIntoChunksThatReadTheSame) {
  const std::vector<std::uint8_t> lines{0, 1, 2, 3, 0, 4, 5, 6};
  const std::vector<std::byte> data = deflated(lines);
  for (std::size_t most = 1; most <= data.size() + 1; ++most) {
    std::vector<std::byte> file(kPngDataStart);
    append(file, data);
    wrap_png({.width = 3, .height = 2}, kPngDataStart, data.size(), most, file);
    const Decoded read = decode(file);
    ASSERT_EQ(read.status.verdict, Verdict::ok) << most << ": " << read.status.detail;
    EXPECT_EQ(read.frame.at<uchar>(1, 2), 6);
  }
}

TEST(PngFilters, AreUndoneByTheirInverses) {
  const cv::Mat image = make_image(61, 2, CV_8UC3);
  const std::size_t bytes = 61 * 3;
  for (const PngFilter filter :
       {PngFilter::none, PngFilter::sub, PngFilter::up, PngFilter::average, PngFilter::paeth}) {
    std::vector<std::uint8_t> lines(2 * (bytes + 1), 0);
    const std::vector<std::uint8_t> zeros(bytes, 0);
    filter_row(filter, image.ptr(0), zeros.data(), bytes, 3, lines.data() + 1);
    filter_row(filter, image.ptr(1), image.ptr(0), bytes, 3, lines.data() + bytes + 2);
    lines[0] = lines[bytes + 1] = static_cast<std::uint8_t>(filter);
    const Decoded read = decode(make_png({61, 2, 8, 2}, lines));
    ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
    cv::Mat swapped;
    cv::Mat channels[3];
    cv::split(read.frame, channels);
    cv::merge(std::vector<cv::Mat>{channels[2], channels[1], channels[0]}, swapped);
    EXPECT_TRUE(same_pixels(swapped, image)) << static_cast<int>(filter);
  }
}

TEST(PngFilters, CostIsTheSumOfMagnitudes) {
  const std::vector<std::uint8_t> row{0, 1, 255, 128, 127};
  EXPECT_EQ(filter_cost(row.data(), row.size()), 1U + 1U + 128U + 127U);
  const std::vector<std::uint8_t> large(200001, 2);
  EXPECT_EQ(filter_cost(large.data(), large.size()), 400002U);
}

}  // namespace
}  // namespace pixmill::pipeline

#include "pipeline/program.hpp"
#include "tests/support/sample_files.hpp"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

namespace pixmill::pipeline {
namespace {

using tests::decoded;
using tests::encoded;
using tests::noise_frame;
using tests::same_pixels;
using namespace std::string_literals;

struct Outcome {
  ProgramResult result;
  cv::Mat image;
  std::string file;
};

Outcome run(const std::string& chain, const std::string& file, Program::Options options = {}) {
  options.write = true;
  if (options.format == nullptr) options.format = find_codec("png");
  options.reduce = true;
  options.reduce_histogram = true;
  const Program program(Plan::parse(chain), options);
  WorkerMemory memory;
  Outcome outcome;
  outcome.result = program.run(std::as_bytes(std::span(file)), {true, true}, memory);
  if (outcome.result.verdict != Verdict::ok) return outcome;
  outcome.file.assign(reinterpret_cast<const char*>(memory.encoded.data()), memory.encoded.size());
  outcome.image = decoded(outcome.file);
  return outcome;
}

// A smooth picture survives JPEG well enough that its levels still spread.
cv::Mat photo(int width, int height) {
  cv::Mat frame = noise_frame(width, height, CV_8UC3, 3);
  cv::GaussianBlur(frame, frame, {9, 9}, 0);
  cv::normalize(frame, frame, 0, 255, cv::NORM_MINMAX);
  return frame;
}

int bits_of_png(const std::string& file) { return static_cast<unsigned char>(file.at(24)); }

TEST(Program, FusedPathEqualsOpenCvStepByStep) {
  for (const auto& [width, height] : {std::pair{1, 1}, {7, 5}, {65, 33}, {200, 131}}) {
    const std::string file = encoded(photo(width, height), "png");
    cv::Mat gray;
    cv::cvtColor(decoded(file), gray, cv::COLOR_BGR2GRAY);
    cv::Mat want;
    cv::threshold(255 - gray, want, 0, 255, cv::THRESH_OTSU | cv::THRESH_BINARY_INV);
    const Outcome got = run("gray,invert,threshold=otsu:type=binary_inv", file);
    ASSERT_EQ(got.result.verdict, Verdict::ok) << got.result.detail;
    EXPECT_TRUE(same_pixels(got.image, want)) << width << "x" << height;
    EXPECT_EQ(bits_of_png(got.file), 1);
  }
}

TEST(Program, SeveralThresholdsInAChainSeeWhatTheOnesBeforeMade) {
  const std::string file = encoded(photo(90, 70), "png");
  cv::Mat want;
  cv::cvtColor(decoded(file), want, cv::COLOR_BGR2GRAY);
  cv::threshold(want, want, 0, 255, cv::THRESH_OTSU | cv::THRESH_TOZERO);
  cv::threshold(want, want, 0, 255, cv::THRESH_TRIANGLE | cv::THRESH_TRUNC);
  want = 255 - want;
  const Outcome got = run("gray,threshold=otsu:type=tozero,threshold=triangle:type=trunc,invert", file);
  EXPECT_TRUE(same_pixels(got.image, want));
  EXPECT_EQ(bits_of_png(got.file), 8);
}

TEST(Program, LumaOfAJpegIsWhatItStores) {
  const std::string file = encoded(photo(123, 77), "jpg");
  const Outcome fused = run("gray", file);
  const Outcome converted = run("gray=bt601", file);
  cv::Mat bt601;
  cv::cvtColor(decoded(file), bt601, cv::COLOR_BGR2GRAY);
  EXPECT_TRUE(same_pixels(converted.image, bt601));
  // The two differ by rounding alone.
  ASSERT_EQ(fused.image.type(), CV_8UC1);
  EXPECT_LE(cv::norm(fused.image, bt601, cv::NORM_L1) / static_cast<double>(bt601.total()), 1.0);
}

TEST(Program, FrameKernelsSeeTheTableBeforeThem) {
  const std::string file = encoded(photo(61, 47), "png");
  cv::Mat want;
  cv::cvtColor(decoded(file), want, cv::COLOR_BGR2GRAY);
  want = 255 - want;
  cv::resize(want, want, {30, 24}, 0, 0, cv::INTER_AREA);
  cv::adaptiveThreshold(want, want, 255, cv::ADAPTIVE_THRESH_MEAN_C, cv::THRESH_BINARY, 5, 2);
  cv::Mat inverted = 255 - want;
  const Outcome got = run("gray,invert,resize=30x24,adaptive=mean:window=5:c=2,invert", file);
  EXPECT_TRUE(same_pixels(got.image, inverted));
  EXPECT_EQ(bits_of_png(got.file), 1);
}

TEST(Program, SixteenBitsStaySixteen) {
  const cv::Mat frame = noise_frame(40, 30, CV_16UC3);
  const Outcome got = run("invert", encoded(frame, "png"));
  EXPECT_TRUE(same_pixels(got.image, cv::Scalar::all(65535) - frame));
  EXPECT_TRUE(got.result.detail.empty());
  const Outcome gray = run("gray", encoded(frame, "png"));
  cv::Mat want;
  cv::cvtColor(frame, want, cv::COLOR_BGR2GRAY);
  EXPECT_TRUE(same_pixels(gray.image, want));
}

TEST(Program, AKernelOfEightBitsSaysThatItReducedSixteen) {
  const cv::Mat frame = noise_frame(40, 30, CV_16UC1);
  cv::Mat eight(frame.size(), CV_8UC1);
  for (int i = 0; i < 40 * 30; ++i)
    eight.at<std::uint8_t>(i / 40, i % 40) =
        static_cast<std::uint8_t>((frame.at<std::uint16_t>(i / 40, i % 40) + 128) / 257);
  cv::Mat want;
  cv::adaptiveThreshold(eight, want, 255, cv::ADAPTIVE_THRESH_MEAN_C, cv::THRESH_BINARY, 11, 2);
  const Outcome got = run("adaptive=mean", encoded(frame, "png"));
  EXPECT_TRUE(same_pixels(got.image, want));
  EXPECT_NE(got.result.detail.find("8 bits"), std::string::npos) << got.result.detail;
}

TEST(Program, AlphaIsKeptWhereChainAndFormatKeepIt) {
  const cv::Mat frame = noise_frame(20, 10, CV_8UC4);
  const Outcome kept = run("invert", encoded(frame, "png"));
  ASSERT_EQ(kept.image.type(), CV_8UC4);
  std::vector<cv::Mat> in;
  std::vector<cv::Mat> out;
  cv::split(frame, in);
  cv::split(kept.image, out);
  EXPECT_TRUE(same_pixels(out[3], in[3]));
  EXPECT_TRUE(same_pixels(out[0], 255 - in[0]));
  EXPECT_EQ(run("gray", encoded(frame, "png")).image.type(), CV_8UC1);
  Program::Options jpg;
  jpg.format = find_codec("jpg");
  EXPECT_EQ(run("invert", encoded(frame, "png"), jpg).image.type(), CV_8UC3);
}

TEST(Program, TheSameFormatKeepsABitmapABitmap) {
  const std::string bitmap = "P4\n9 2\n\xAA\x80\x55\x00"s;
  Program::Options options;
  options.write = true;
  const auto kind_of = [&](const char* chain, const std::string& file) {
    WorkerMemory memory;
    const Program program(Plan::parse(chain), options);
    const ProgramResult result = program.run(std::as_bytes(std::span(file)), {true, false}, memory);
    if (result.verdict != Verdict::ok) return result.detail;
    return std::string(reinterpret_cast<const char*>(memory.encoded.data()), 2);
  };
  EXPECT_EQ(kind_of("invert", bitmap), "P4");
  EXPECT_EQ(kind_of("resize=50%", bitmap), "P5");
  EXPECT_EQ(kind_of("threshold=9", "P5 2 1 255 ab"s), "P5");
  EXPECT_EQ(kind_of("", "P6 1 1 255 abc"s), "P6");
  options.format = find_codec("pgm");
  EXPECT_EQ(kind_of("", bitmap), "P5");
  const std::string gif("GIF89a\1\0\1\0\x80\0\0abcdef,\0\0\0\0\1\0\1\0\0\2\2\x44\1\0;", 34);
  EXPECT_EQ(kind_of("", gif), "P6");
  options.format = nullptr;
  EXPECT_EQ(kind_of("", gif), "GIF files cannot be written; choose another --format");
}

TEST(Program, ColoursInAFileNamedPgmAreTold) {
  Program::Options pgm;
  pgm.format = find_codec("pgm");
  const Outcome colour = run("", "P6 1 1 255 abc"s, pgm);
  EXPECT_EQ(colour.result.verdict, Verdict::ok);
  EXPECT_NE(colour.result.detail.find("PPM"), std::string::npos) << colour.result.detail;
  EXPECT_EQ(run("gray", "P6 1 1 255 abc"s, pgm).result.detail, "");
}

TEST(Program, ReductionsAreOfWhatComesOut) {
  const std::string file = encoded(photo(50, 40), "png");
  for (const char* chain :
       {"gray", "gray,invert", "gray,threshold=otsu", "invert", "resize=50%", "gray,adaptive", ""}) {
    const Outcome got = run(chain, file);
    ASSERT_TRUE(got.result.partial) << chain;
    const auto& partial = *got.result.partial;
    std::vector<cv::Mat> planes;
    cv::split(got.image, planes);
    ASSERT_EQ(partial.channels.size(), planes.size()) << chain;
    for (std::size_t c = 0; c < planes.size(); ++c) {
      const cv::Mat& plane = planes[planes.size() - 1 - c];  // B, G, R in memory
      double least = 0;
      double most = 0;
      cv::minMaxLoc(plane, &least, &most);
      EXPECT_EQ(partial.channels[c].min, least) << chain;
      EXPECT_EQ(partial.channels[c].max, most) << chain;
      EXPECT_EQ(static_cast<double>(partial.channels[c].sum), cv::sum(plane)[0]) << chain;
    }
  }
}

TEST(Program, TheResultDoesNotDependOnWhatRanBefore) {
  Program::Options options;
  options.write = true;
  options.format = find_codec("png");
  const Program program(Plan::parse("gray,adaptive=gaussian:window=7"), options);
  const std::string small = encoded(photo(31, 17), "jpg");
  const std::string large = encoded(noise_frame(300, 200, CV_16UC3), "png");
  WorkerMemory fresh;
  ASSERT_EQ(program.run(std::as_bytes(std::span(small)), {true, false}, fresh).verdict, Verdict::ok);
  const std::vector<std::byte> want = fresh.encoded;
  WorkerMemory used;
  static_cast<void>(program.run(std::as_bytes(std::span(large)), {true, false}, used));
  const std::string cut = small.substr(0, small.size() / 2);
  static_cast<void>(program.run(std::as_bytes(std::span(cut)), {true, false}, used));
  used.trim(0);
  ASSERT_EQ(program.run(std::as_bytes(std::span(small)), {true, false}, used).verdict, Verdict::ok);
  EXPECT_EQ(used.encoded, want);
}

TEST(Program, WhatIsNoImageIsUnsupported) {
  EXPECT_EQ(run("gray", "").result.verdict, Verdict::unsupported);
  EXPECT_EQ(run("gray", "hello\nworld\n").result.verdict, Verdict::unsupported);
}

TEST(Program, MemoryIsRefusedFromTheHeader) {
  Program::Options options;
  options.limits.max_memory = std::uint64_t{1} << 20;
  const Outcome outcome = run("gray", encoded(noise_frame(1200, 1000, CV_8UC1), "png"), options);
  EXPECT_EQ(outcome.result.verdict, Verdict::too_large);
  EXPECT_NE(outcome.result.detail.find("--max-memory"), std::string::npos);
  EXPECT_EQ(outcome.result.width, 1200);
}

TEST(Program, ALevelBeyondTheImagesIsAKernelFailure) {
  const Outcome outcome = run("threshold=300", encoded(noise_frame(9, 9, CV_8UC1), "png"));
  EXPECT_EQ(outcome.result.verdict, Verdict::kernel_failed);
  EXPECT_NE(outcome.result.detail.find("300"), std::string::npos);
  EXPECT_EQ(run("threshold=300", encoded(noise_frame(9, 9, CV_16UC1), "png")).result.verdict, Verdict::ok);
}

TEST(Program, AShapeThatAKernelCannotTakeIsAKernelFailureOfAKnownSize) {
  const Outcome outcome = run("crop=40x10+0+0", encoded(noise_frame(30, 20, CV_8UC3), "png"));
  EXPECT_EQ(outcome.result.verdict, Verdict::kernel_failed);
  EXPECT_NE(outcome.result.detail.find("40x10+0+0"), std::string::npos) << outcome.result.detail;
  EXPECT_EQ(outcome.result.width, 30);
  EXPECT_EQ(outcome.result.height, 20);
}

TEST(Program, ATruncatedFileIsTruncatedUnlessLenient) {
  const std::string whole = encoded(photo(120, 90), "jpg");
  const std::string cut = whole.substr(0, whole.size() / 2);
  EXPECT_EQ(run("gray", cut).result.verdict, Verdict::truncated);
  Program::Options lenient;
  lenient.lenient = true;
  EXPECT_EQ(run("gray", cut, lenient).result.verdict, Verdict::repaired);
}

}  // namespace
}  // namespace pixmill::pipeline

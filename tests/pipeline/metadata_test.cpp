#include "pipeline/metadata.hpp"

#include "pipeline/codecs/exif.hpp"
#include "pipeline/codecs/exif_block.hpp"
#include "pipeline/codecs/exif_edit.hpp"
#include "pipeline/program.hpp"
#include "tests/support/metadata_blocks.hpp"
#include "tests/support/sample_files.hpp"

#include <gtest/gtest.h>

namespace pixmill::pipeline {
namespace {

using tests::camera_exif;
using tests::icc_profile;
using tests::noise_frame;

Metadata of_camera(int orientation) {
  Metadata metadata;
  metadata.icc = icc_profile("RGB ");
  metadata.exif = camera_exif({.orientation = orientation, .width = 30, .height = 20});
  metadata.pixels_per_metre_x = 300 / 0.0254;
  metadata.pixels_per_metre_y = 200 / 0.0254;
  return metadata;
}

std::string file_with(const Metadata& metadata, std::string_view format, int type = CV_8UC3) {
  const cv::Mat frame = noise_frame(30, 20, type);
  std::vector<std::byte> out;
  EncodeSource source{&frame};
  source.metadata = &metadata;
  EXPECT_TRUE(find_codec(format)->make_encoder()->encode(source, {}, out).usable());
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

struct Outcome {
  ProgramResult result;
  std::string file;
  Metadata metadata;
};

struct Wish {
  std::string chain;
  std::string_view format = "png";
  bool orient = true;
  bool keep = true;
};

Outcome run(const std::string& file, const Wish& wish) {
  Program::Options options;
  options.write = true;
  options.keep_metadata = wish.keep;
  options.apply_orientation = wish.orient;
  options.format = find_codec(wish.format);
  const Program program(Plan::parse(wish.chain), options);
  WorkerMemory memory;
  Outcome outcome;
  outcome.result = program.run(std::as_bytes(std::span(file)), {true, false}, memory);
  EXPECT_EQ(outcome.result.verdict, Verdict::ok) << outcome.result.detail;
  outcome.file.assign(reinterpret_cast<const char*>(memory.encoded.data()), memory.encoded.size());
  const auto decoder = find_codec(wish.format)->make_decoder();
  ImageHeader header;
  EXPECT_TRUE(decoder->read_header(memory.encoded, {}, header).usable());
  decoder->read_metadata(outcome.metadata);
  return outcome;
}

TEST(Metadata, GoesFromEachFormatToEach) {
  for (const std::string_view from : {"jpg", "png", "tiff"}) {
    for (const std::string_view to : {"jpg", "png", "tiff"}) {
      SCOPED_TRACE(testing::Message() << from << " to " << to);
      const Outcome outcome = run(file_with(of_camera(1), from), {"invert", to});
      EXPECT_EQ(outcome.result.detail, "");
      EXPECT_EQ(outcome.metadata.icc, icc_profile("RGB "));
      const ExifResolution said = exif_resolution(outcome.metadata.exif);
      EXPECT_DOUBLE_EQ(said.x, 300 / 0.0254);
      EXPECT_NEAR(outcome.metadata.pixels_per_metre_x, said.x, 0.5);
      EXPECT_NEAR(outcome.metadata.pixels_per_metre_y, said.y, 0.5);
    }
  }
}

TEST(Metadata, GoesAsFarAsAFormatHoldsIt) {
  struct Holds {
    std::string_view format;
    bool exif;
    bool resolution;
  };
  for (const Holds& holds : {Holds{"webp", true, false}, {"tiff", true, true}, {"bmp", false, true}}) {
    SCOPED_TRACE(holds.format);
    const Outcome there = run(file_with(of_camera(1), "jpg"), {"invert", holds.format});
    const Outcome back = run(there.file, {"invert", "png"});
    for (const Outcome* outcome : {&there, &back}) {
      EXPECT_EQ(outcome->metadata.icc, icc_profile("RGB "));
      EXPECT_EQ(outcome->metadata.exif.empty(), !holds.exif);
      if (holds.resolution) {
        EXPECT_NEAR(outcome->metadata.pixels_per_metre_x, 300 / 0.0254, 1);
      }
    }
  }
}

TEST(Metadata, OfTiffSaysTheOrientationThatIsLeft) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string file = file_with(of_camera(orientation), "jpg");
    const Outcome off = run(file, {.chain = "", .format = "tiff", .orient = false});
    const auto decoder = find_codec("tiff")->make_decoder();
    ImageHeader header;
    EXPECT_TRUE(decoder->read_header(std::as_bytes(std::span(off.file)), {}, header).usable());
    EXPECT_EQ(header.orientation, orientation);
  }
}

TEST(Metadata, OfATurnedTiffIsTrueOfTheResult) {
  for (const std::string_view from : {"jpg", "tiff"}) {
    for (const std::string_view to : {"jpg", "tiff"}) {
      SCOPED_TRACE(testing::Message() << from << " to " << to);
      const Outcome outcome = run(file_with(of_camera(6), from), {"resize=11x17", to});
      const ExifBlock block(outcome.metadata.exif);
      ASSERT_TRUE(block.has_header());
      const ExifDirectory image = block.first_directory();
      EXPECT_EQ(block.number(*block.find(image, exif_tags::kOrientation)), 1U);
      EXPECT_EQ(block.next_offset(image), 0U);  // no thumbnail
      const auto pointer = block.find(image, exif_tags::kExifDirectory);
      ASSERT_TRUE(pointer.has_value());
      const ExifDirectory exif = block.directory(*block.pointer(*pointer));
      EXPECT_EQ(block.number(*block.find(exif, exif_tags::kPixelXDimension)), 11U);
      EXPECT_EQ(block.number(*block.find(exif, exif_tags::kPixelYDimension)), 17U);  // 20 x 30, upright
      EXPECT_NEAR(outcome.metadata.pixels_per_metre_x, 200 / 0.0254, 1);
      EXPECT_NEAR(outcome.metadata.pixels_per_metre_y, 300 / 0.0254, 1);
    }
  }
}

TEST(Metadata, AQuarterTurnChangesWhichResolutionIsWhich) {
  const std::string file = file_with(of_camera(1), "png");
  for (const char* chain : {"rotate=90", "rotate=270", "rotate=180,rotate=90"}) {
    EXPECT_LT(run(file, {chain}).metadata.pixels_per_metre_x, run(file, {chain}).metadata.pixels_per_metre_y) << chain;
  }
  for (const char* chain : {"rotate=180", "rotate=90,rotate=90"}) {
    EXPECT_GT(run(file, {chain}).metadata.pixels_per_metre_x, run(file, {chain}).metadata.pixels_per_metre_y) << chain;
  }
}

TEST(Metadata, IsDroppedUnlessAskedFor) {
  for (const std::string_view format : {"jpg", "png"}) {
    const std::string file = file_with(of_camera(6), format);
    const Outcome outcome = run(file, {.chain = "invert", .format = format, .keep = false});
    EXPECT_TRUE(outcome.metadata.empty());
    // What is written is what a file without metadata gives.
    Metadata upright;
    upright.exif = orientation_exif(6);
    EXPECT_EQ(outcome.file, run(file_with(upright, format), {.chain = "invert", .format = format, .keep = false}).file);
  }
}

TEST(Metadata, SaysUprightOnceAnImageIs) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const std::string_view format : {"jpg", "png"}) {
      const Outcome once = run(file_with(of_camera(orientation), format), {.chain = "", .format = format});
      EXPECT_EQ(exif_orientation(once.metadata.exif), 1);
      const bool sideways = orientation >= 5;
      EXPECT_EQ(once.metadata.pixels_per_metre_x < once.metadata.pixels_per_metre_y, sideways);
      EXPECT_EQ(exif_resolution(once.metadata.exif).x < exif_resolution(once.metadata.exif).y, sideways);
      // Done again, nothing turns and nothing of the metadata changes.
      const Outcome twice = run(once.file, {.chain = "", .format = format});
      EXPECT_EQ(twice.metadata.exif, once.metadata.exif);
      EXPECT_EQ(twice.metadata.pixels_per_metre_x, once.metadata.pixels_per_metre_x);
      EXPECT_EQ(twice.result.width, once.result.width);
      if (format == "png") {
        EXPECT_EQ(twice.file, once.file);
      }
    }
  }
}

TEST(Metadata, KeepsAnOrientationThatIsLeftToTheReader) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string file = file_with(of_camera(orientation), "jpg");
    const Outcome off = run(file, {.chain = "", .orient = false});
    EXPECT_EQ(exif_orientation(off.metadata.exif), orientation);
    EXPECT_GT(off.metadata.pixels_per_metre_x, off.metadata.pixels_per_metre_y);
    // Whoever turns it then gets what turning it at once gives.
    const Outcome later = run(off.file, {.chain = ""});
    EXPECT_EQ(later.file, run(file, {.chain = ""}).file);
  }
}

TEST(Metadata, SaysAnOrientationThatWasLeftAndSaidElsewhere) {
  Metadata metadata;
  adapt_metadata(metadata, {{10, 10, 1, kernels::Depth::eight}, 6, false, false});
  EXPECT_EQ(exif_orientation(metadata.exif), 6);
  metadata.clear();
  adapt_metadata(metadata, {{10, 10, 1, kernels::Depth::eight}, 1, true, false});
  EXPECT_TRUE(metadata.empty());
}

TEST(Metadata, HasTheSizeOfWhatIsWrittenAndNoThumbnail) {
  const Outcome outcome = run(file_with(of_camera(6), "jpg"), {"resize=10x15"});
  const std::string exif(reinterpret_cast<const char*>(outcome.metadata.exif.data()), outcome.metadata.exif.size());
  EXPECT_EQ(exif.find("small picture"), std::string::npos);
  std::vector<std::byte> want = camera_exif({});
  ASSERT_TRUE(edit_exif(want, {.width = 10, .height = 15, .axes_swapped = true}));
  EXPECT_EQ(outcome.metadata.exif, want);
  EXPECT_NEAR(outcome.metadata.pixels_per_metre_y, 300 / 0.0254, 0.5);  // as it was, not as it was resized
}

TEST(Metadata, LeavesAProfileOutThatDoesNotFit) {
  for (const std::string_view format : {"jpg", "png"}) {
    const Outcome gray = run(file_with(of_camera(1), format), {"gray,threshold=otsu"});
    EXPECT_TRUE(gray.metadata.icc.empty());
    EXPECT_FALSE(gray.metadata.exif.empty());
    EXPECT_EQ(gray.result.detail, "its RGB profile does not fit the gray result and was left out");
  }
  Metadata metadata;
  metadata.icc = icc_profile("GRAY");
  EXPECT_EQ(run(file_with(metadata, "png", CV_8UC2), {""}).metadata.icc, metadata.icc);
  EXPECT_EQ(run(file_with(metadata, "png", CV_16UC1), {"", "jpg"}).metadata.icc, metadata.icc);
  EXPECT_TRUE(run(file_with(metadata, "png", CV_8UC3), {""}).metadata.icc.empty());
}

TEST(Metadata, ThatIsDamagedIsLeftOutAndSpoilsNoImage) {
  Metadata metadata = of_camera(6);
  metadata.icc[0] = std::byte{1};
  metadata.exif.resize(40);
  const Outcome outcome = run(file_with(metadata, "png"), {"invert"});
  EXPECT_TRUE(outcome.metadata.icc.empty());
  EXPECT_TRUE(outcome.metadata.exif.empty());
  EXPECT_NE(outcome.result.detail.find("ICC profile is damaged"), std::string::npos) << outcome.result.detail;
  EXPECT_NE(outcome.result.detail.find("EXIF block is damaged"), std::string::npos) << outcome.result.detail;
  EXPECT_GT(outcome.metadata.pixels_per_metre_x, 0);
}

TEST(Metadata, TakesTheResolutionFromExifWhereOnlyThatHasOne) {
  Metadata metadata;
  metadata.exif = camera_exif({.orientation = 1});
  const Outcome outcome = run(file_with(metadata, "jpg"), {""});
  EXPECT_EQ(outcome.metadata.pixels_per_metre_x, 11811);
  EXPECT_EQ(outcome.metadata.pixels_per_metre_y, 7874);
}

TEST(Metadata, OfAnEarlierImageIsNotGivenToTheNext) {
  Program::Options options;
  options.write = options.keep_metadata = true;
  options.format = find_codec("png");
  const Program program(Plan(), options);
  const std::string rich = file_with(of_camera(1), "png");
  const std::string plain = tests::encoded(noise_frame(9, 9, CV_8UC1), "png");
  WorkerMemory fresh;
  ASSERT_EQ(program.run(std::as_bytes(std::span(plain)), {true, false}, fresh).verdict, Verdict::ok);
  WorkerMemory used;
  ASSERT_EQ(program.run(std::as_bytes(std::span(rich)), {true, false}, used).verdict, Verdict::ok);
  ASSERT_EQ(program.run(std::as_bytes(std::span(plain)), {true, false}, used).verdict, Verdict::ok);
  EXPECT_EQ(used.encoded, fresh.encoded);
  used.trim(0);
  EXPECT_EQ(used.metadata.icc.capacity() + used.metadata.exif.capacity(), 0U);
}

TEST(Metadata, IsReckonedWithOnlyWhereItIsKept) {
  Program::Options options;
  options.write = true;
  options.format = find_codec("png");
  const std::string file = tests::encoded(noise_frame(9, 9, CV_8UC1), "png");
  WorkerMemory memory;
  const std::uint64_t without = Program(Plan(), options).reckon(std::as_bytes(std::span(file)), memory).memory_bytes;
  options.keep_metadata = true;
  const std::uint64_t with = Program(Plan(), options).reckon(std::as_bytes(std::span(file)), memory).memory_bytes;
  EXPECT_EQ(with, without + metadata_bytes(file.size()));
  EXPECT_GE(metadata_bytes(file.size()), 3 * 1032 * file.size());
  EXPECT_LE(metadata_bytes(std::uint64_t{1} << 40U), 7 * kMostMetadataBytes);
}

}  // namespace
}  // namespace pixmill::pipeline

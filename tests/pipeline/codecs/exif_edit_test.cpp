#include "pipeline/codecs/exif_edit.hpp"

#include "pipeline/codecs/exif.hpp"
#include "pipeline/codecs/exif_block.hpp"
#include "tests/support/metadata_blocks.hpp"

#include <gtest/gtest.h>

#include <random>

namespace pixmill::pipeline {
namespace {

using tests::camera_exif;
using tests::CameraExif;
using tests::ExifWriter;

constexpr ExifEdit kUpright{.width = 640, .height = 480};

std::string text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::uint32_t number_at(Bytes tiff, std::uint32_t tag, bool in_exif_directory) {
  const ExifBlock block(tiff);
  ExifDirectory directory = block.first_directory();
  if (in_exif_directory) directory = block.directory(*block.pointer(*block.find(directory, exif_tags::kExifDirectory)));
  return block.number(*block.find(directory, tag)).value_or(0);
}

TEST(ExifEdit, SetsOrientationAndSizeInBothByteOrders) {
  for (const bool little : {true, false}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      std::vector<std::byte> exif = camera_exif({.little_endian = little, .orientation = orientation});
      ASSERT_EQ(exif_orientation(exif), orientation);
      ASSERT_TRUE(edit_exif(exif, {.width = 70000, .height = 480}));
      EXPECT_EQ(exif_orientation(exif), 1);
      EXPECT_EQ(number_at(exif, exif_tags::kPixelXDimension, true), 70000U);
      EXPECT_EQ(number_at(exif, exif_tags::kPixelYDimension, true), 480U);
    }
  }
}

TEST(ExifEdit, LeavesAnOrientationThatWasNotApplied) {
  std::vector<std::byte> exif = camera_exif({.orientation = 8});
  ASSERT_TRUE(edit_exif(exif, {.width = 1, .height = 1, .upright = false}));
  EXPECT_EQ(exif_orientation(exif), 8);
}

TEST(ExifEdit, SetsEveryOrientationThatAReaderMightTake) {
  ExifWriter exif(true);
  exif.directory(4, 3);
  exif.number(0x0112, ExifWriter::kAscii, 6);
  exif.number(0x0112, ExifWriter::kLong, 6);
  exif.number(0x0112, ExifWriter::kShort, 9);
  std::vector<std::byte> block = exif.block();
  ASSERT_TRUE(edit_exif(block, kUpright));
  const ExifBlock edited(block);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(edited.number(edited.entry(edited.first_directory(), i)), 1U);
}

TEST(ExifEdit, CutsTheThumbnailOffAndKeepsAllElseInItsPlace) {
  const std::vector<std::byte> with = camera_exif({.orientation = 1, .width = 640, .height = 480});
  const std::vector<std::byte> without =
      camera_exif({.orientation = 1, .width = 640, .height = 480, .thumbnail = std::string()});
  std::vector<std::byte> edited = with;
  ASSERT_TRUE(edit_exif(edited, kUpright));
  EXPECT_EQ(text_of(edited).find("small picture"), std::string::npos);
  EXPECT_EQ(edited.size(), with.size() - CameraExif{}.thumbnail.size());
  const ExifBlock block(edited);
  EXPECT_EQ(block.next_offset(block.first_directory()), 0U);
  // What stays is where it was, maker note included. (The width became a LONG.)
  const std::size_t note = text_of(without).find("NOTE");
  EXPECT_EQ(text_of(edited).find("NOTE"), note);
  EXPECT_EQ(block.read32(note + 4), note);
  EXPECT_EQ(text_of(edited).find("pixmill"), text_of(without).find("pixmill"));
}

TEST(ExifEdit, BlanksAThumbnailThatSomethingLiesBehind) {
  std::vector<std::byte> exif = camera_exif({});
  const std::string behind = "behind it";
  for (const char c : behind) exif.push_back(static_cast<std::byte>(c));
  const std::size_t size = exif.size();
  ASSERT_TRUE(edit_exif(exif, kUpright));
  EXPECT_EQ(exif.size(), size);
  EXPECT_EQ(text_of(exif).find("small picture"), std::string::npos);
  EXPECT_EQ(text_of(exif).find(behind), size - behind.size());
}

TEST(ExifEdit, NeverBlanksWhatItKeeps) {
  // A thumbnail that claims to be the maker's name, the directory, the header.
  for (const std::uint32_t where : {0U, 4U, 8U, 20U, 90U}) {
    ExifWriter exif(false);
    exif.directory(4, 2);
    const std::size_t next = exif.next_pointer();
    exif.value(0x010F, ExifWriter::kAscii, 60, std::string(60, 'n'));
    exif.number(0x0112, ExifWriter::kShort, 6);
    exif.directory(next, 2);
    exif.number(0x0201, ExifWriter::kLong, where);
    exif.number(0x0202, ExifWriter::kLong, 5);
    std::vector<std::byte> block = exif.block();
    ASSERT_TRUE(edit_exif(block, kUpright));
    EXPECT_NE(text_of(block).find(std::string(60, 'n')), std::string::npos) << where;
    EXPECT_EQ(exif_orientation(block), 1);
  }
}

TEST(ExifEdit, SwapsTheResolutionsOfAPictureOnItsSide) {
  std::vector<std::byte> exif = camera_exif({});
  const ExifResolution before = exif_resolution(exif);
  EXPECT_NEAR(before.x, 300 / 0.0254, 1e-6);
  EXPECT_NEAR(before.y, 200 / 0.0254, 1e-6);
  ASSERT_TRUE(edit_exif(exif, {.width = 2, .height = 1, .axes_swapped = true}));
  EXPECT_EQ(exif_resolution(exif).x, before.y);
  EXPECT_EQ(exif_resolution(exif).y, before.x);
}

TEST(ExifEdit, FollowsNoDirectoryIntoAnother) {
  ExifWriter exif(true);
  exif.directory(4, 3);
  exif.number(0x0112, ExifWriter::kShort, 6);
  const std::size_t pointer = exif.number(0x8769, ExifWriter::kLong, 0);
  const std::size_t gps = exif.number(0x8825, ExifWriter::kLong, 0);
  for (std::uint32_t offset = 0; offset <= exif.size() + 4; ++offset) {
    exif.patch(pointer, offset);
    exif.patch(gps, 8);
    std::vector<std::byte> block = exif.block();
    const std::size_t size = block.size();
    ASSERT_TRUE(edit_exif(block, kUpright)) << offset;
    EXPECT_EQ(block.size(), size);
    EXPECT_EQ(exif_orientation(block), 1) << offset;
  }
}

TEST(ExifEdit, RefusesWhatIsNoTiffStructure) {
  std::vector<std::byte> none;
  EXPECT_FALSE(edit_exif(none, kUpright));
  const std::vector<std::byte> whole = camera_exif({});
  for (std::size_t size = 0; size < 86; ++size) {  // up to the end of the first directory, 8 + 2 + 6 * 12 + 4
    std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(edit_exif(cut, kUpright), size >= 82) << size;
  }
  for (const std::size_t at : {0U, 2U, 3U, 7U, 8U}) {  // the marks, the first directory's offset, its count
    std::vector<std::byte> broken = whole;
    broken[at] = std::byte{0xEE};
    EXPECT_FALSE(edit_exif(broken, kUpright)) << at;
  }
}

TEST(ExifEdit, IsSafeAndDoneOnceOnSpoiltBlocks) {
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::byte> exif = camera_exif({.little_endian = round % 2 == 0});
    for (unsigned i = random() % 4; i < 4; ++i) exif[random() % exif.size()] = static_cast<std::byte>(random() & 0xFF);
    if (round % 5 == 0) exif.resize(random() % exif.size());
    const std::size_t size = exif.size();
    if (!edit_exif(exif, kUpright)) continue;
    ASSERT_LE(exif.size(), size);
    ASSERT_EQ(exif_orientation(exif), 1);
    std::vector<std::byte> again = exif;
    ASSERT_TRUE(edit_exif(again, kUpright));
    ASSERT_EQ(again, exif) << round;
  }
}

TEST(ExifEdit, MakesABlockThatSaysAnOrientation) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    std::vector<std::byte> exif = orientation_exif(orientation);
    EXPECT_EQ(exif_orientation(exif), orientation);
    EXPECT_TRUE(edit_exif(exif, kUpright));
    EXPECT_EQ(exif_orientation(exif), 1);
  }
}

TEST(ExifResolution, IsSaidWholeOrNotAtAll) {
  const auto resolution = [](std::uint32_t unit, std::uint32_t x, std::uint32_t denominator, std::uint32_t y) {
    ExifWriter exif(true);
    exif.directory(4, 3);
    exif.rational(0x011A, x, denominator);
    exif.rational(0x011B, y, 1);
    exif.number(0x0128, ExifWriter::kShort, unit);
    return exif_resolution(exif.block());
  };
  EXPECT_EQ(resolution(3, 120, 2, 60).x, 6000);
  EXPECT_EQ(resolution(3, 120, 2, 60).y, 6000);
  EXPECT_EQ(resolution(1, 120, 2, 60).x, 0);
  EXPECT_EQ(resolution(2, 120, 0, 60).x, 0);
  EXPECT_EQ(resolution(2, 0, 1, 60).y, 0);
  EXPECT_EQ(exif_resolution({}).x, 0);
}

}  // namespace
}  // namespace pixmill::pipeline

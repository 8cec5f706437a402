#include "pipeline/codecs/exif.hpp"

#include "tests/pipeline/codecs/jpeg_files.hpp"

#include <gtest/gtest.h>

namespace pixmill::pipeline {
namespace {

TEST(Exif, GivesEachOrientationInBothByteOrders) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_EQ(exif_orientation(exif_block(orientation, true)), orientation);
    EXPECT_EQ(exif_orientation(exif_block(orientation, false)), orientation);
  }
}

TEST(Exif, TakesNonsenseForUpright) {
  EXPECT_EQ(exif_orientation({}), 1);
  EXPECT_EQ(exif_orientation(exif_block(0, true)), 1);
  EXPECT_EQ(exif_orientation(exif_block(9, false)), 1);
  std::vector<std::byte> wrong_mark = exif_block(6, true);
  wrong_mark[0] = std::byte{'X'};
  EXPECT_EQ(exif_orientation(wrong_mark), 1);
}

TEST(Exif, SurvivesBeingCutAtEveryByte) {
  const std::vector<std::byte> block = exif_block(6, true);
  // The value's last two bytes and the next directory's offset may be missing.
  const std::size_t enough = block.size() - 4;
  for (std::size_t size = 0; size <= block.size(); ++size) {
    const std::vector<std::byte> cut(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(exif_orientation(cut), size >= enough ? 6 : 1) << size;
  }
}

TEST(Exif, SurvivesOffsetsBeyondItsEnd) {
  for (const unsigned char far : {0x7F, 0xFF}) {
    std::vector<std::byte> block = exif_block(6, true);
    for (std::size_t i = 4; i < 8; ++i) block[i] = std::byte{far};
    EXPECT_EQ(exif_orientation(block), 1);
    block = exif_block(6, true);
    block[8] = block[9] = std::byte{far};  // 65,535 entries claimed; the second is still what it is
    EXPECT_EQ(exif_orientation(block), 6);
  }
}

}  // namespace
}  // namespace pixmill::pipeline

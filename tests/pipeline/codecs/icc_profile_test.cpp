#include "pipeline/codecs/icc_profile.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "tests/support/metadata_blocks.hpp"

#include <gtest/gtest.h>

namespace pixmill::pipeline {
namespace {

using tests::icc_profile;

TEST(IccProfile, FitsTheChannelsOfItsColourSpace) {
  for (int channels = 1; channels <= 4; ++channels) {
    EXPECT_EQ(icc_fit(icc_profile("GRAY"), channels), channels <= 2 ? IccFit::fits : IccFit::other_channels);
    EXPECT_EQ(icc_fit(icc_profile("RGB "), channels), channels >= 3 ? IccFit::fits : IccFit::other_channels);
    EXPECT_EQ(icc_fit(icc_profile("CMYK"), channels), IccFit::other_channels);
  }
  EXPECT_EQ(icc_colour_space(icc_profile("RGB ")), "RGB");
  EXPECT_EQ(icc_colour_space(icc_profile("\x01LAB")), "?LAB");
}

TEST(IccProfile, OfADeviceLinkFitsNoImage) {
  std::vector<std::byte> profile = icc_profile("RGB ");
  const char* const link = "link";
  for (std::size_t i = 0; i < 4; ++i) profile[12 + i] = static_cast<std::byte>(link[i]);
  EXPECT_EQ(icc_fit(profile, 3), IccFit::other_channels);
}

TEST(IccProfile, ThatIsCutOrLiesIsDamaged) {
  const std::vector<std::byte> whole = icc_profile("RGB ", 200);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(icc_fit(Bytes(whole).first(size), 3), IccFit::damaged) << size;
  }
  for (const std::size_t at : {0U, 3U, 20U, 36U, 128U, 136U, 140U}) {  // sizes, signatures, tags
    std::vector<std::byte> broken = whole;
    broken[at] = std::byte{0xEE};
    EXPECT_EQ(icc_fit(broken, 3), IccFit::damaged) << at;
  }
}

TEST(IccProfile, LosesWhatLiesBehindIt) {
  std::vector<std::byte> profile = icc_profile("GRAY");
  const std::vector<std::byte> want = profile;
  profile.resize(profile.size() + 3);
  EXPECT_EQ(icc_fit(profile, 1), IccFit::damaged);
  cut_icc_padding(profile);
  EXPECT_EQ(profile, want);
  cut_icc_padding(profile);
  EXPECT_EQ(profile, want);
  std::vector<std::byte> none;
  cut_icc_padding(none);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace pixmill::pipeline

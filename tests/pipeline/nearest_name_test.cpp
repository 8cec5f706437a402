#include <pixmill/plan.hpp>

#include <gtest/gtest.h>

namespace pixmill {
namespace {

TEST(NearestName, FindsWhatFingersMeant) {
  const std::vector<std::string_view> names = {"gray", "threshold", "adaptive", "mean", "median"};
  EXPECT_EQ(nearest_name("grey", names), "gray");
  EXPECT_EQ(nearest_name("rgay", names), "gray");
  EXPECT_EQ(nearest_name("meen", names), "mean");
  EXPECT_EQ(nearest_name("thresold", names), "threshold");
  EXPECT_EQ(nearest_name("thr", names), "threshold");
  EXPECT_EQ(nearest_name("GRAY", names), "gray");
}

TEST(NearestName, OffersNothingForWhatIsFarFromAll) {
  const std::vector<std::string_view> names = {"gray", "threshold"};
  EXPECT_EQ(nearest_name("xyzzy", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name(std::string(10000, 'g'), names), "");
}

}  // namespace
}  // namespace pixmill

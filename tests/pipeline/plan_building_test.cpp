#include <pixmill/error.hpp>
#include <pixmill/plan.hpp>

#include <gtest/gtest.h>

#include <string>

namespace pixmill {
namespace {

TEST(PlanBuilding, IsTheSamePlanAsTheChainWritten) {
  EXPECT_EQ(Plan().then("gray").then("threshold", {{"value", "otsu"}}).text(),
            Plan::parse("gray,threshold=otsu").text());
  EXPECT_EQ(Plan().then("adaptive", {{"c", 20}, {"window", 41}, {"method", "gaussian"}}).text(),
            Plan::parse("adaptive=gaussian:window=41:c=20").text());
  EXPECT_EQ(Plan::parse("gray").then("blur", {{"sigma", 1.5}}).text(), Plan::parse("gray,blur=1.5").text());
}

TEST(PlanBuilding, LeavesThePlanItBeganWithAsItWas) {
  const Plan gray = Plan::parse("gray");
  const Plan two_levels = gray.then("threshold", {{"value", "50%"}});
  EXPECT_EQ(gray.text(), Plan::parse("gray").text());
  EXPECT_NE(two_levels.text(), gray.text());
}

TEST(PlanBuilding, NumbersKeepEveryDigit) {
  const double sigma = 1.0 / 3 + 1;
  const std::string text = Plan().then("blur", {{"sigma", sigma}}).text();
  EXPECT_EQ(std::stod(text.substr(text.find('=') + 1)), sigma);
}

TEST(PlanBuilding, RefusesWhatAChainCouldNotSay) {
  const Plan plan;
  EXPECT_THROW(static_cast<void>(plan.then("gray,invert")), Error);
  EXPECT_THROW(static_cast<void>(plan.then("gray=luma")), Error);
  EXPECT_THROW(static_cast<void>(plan.then("")), Error);
  EXPECT_THROW(static_cast<void>(plan.then(" ")), Error);
  EXPECT_THROW(static_cast<void>(Plan::parse("gray").then("")), Error);
  EXPECT_THROW(static_cast<void>(plan.then("blur", {{"sigma", "2,invert"}})), Error);
  EXPECT_THROW(static_cast<void>(plan.then("blur", {{"sigma", "2:x=1"}})), Error);
  EXPECT_THROW(static_cast<void>(plan.then("blur", {{"sigma", -1}})), Error);
  EXPECT_THROW(static_cast<void>(plan.then("blur", {{"sgima", 1}})), Error);
  EXPECT_THROW(static_cast<void>(plan.then("blur", {{"", 1}})), Error);
}

}  // namespace
}  // namespace pixmill

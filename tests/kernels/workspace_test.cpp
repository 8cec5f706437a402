#include "kernels/workspace.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace pixmill::kernels {
namespace {

TEST(Workspace, GivesTheSameMemoryUntilItMustGrow) {
  Workspace workspace;
  const std::byte* first = workspace.slot(3, 1000).data();
  EXPECT_EQ(workspace.slot(3, 10).data(), first);
  EXPECT_EQ(workspace.slot(3, 10).size(), 10U);
  EXPECT_EQ(workspace.slot(3, 1000).data(), first);
  EXPECT_EQ(workspace.slot(3, 100000).size(), 100000U);
}

TEST(Workspace, SlotsAreApartAndAligned) {
  Workspace workspace;
  const auto a = workspace.slot(0, 65);
  const auto b = workspace.slot(9, 65);
  EXPECT_TRUE(a.data() + 65 <= b.data() || b.data() + 65 <= a.data());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data()) % 64, 0U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.data()) % 64, 0U);
}

TEST(Workspace, TrimKeepsSmallSlotsOnly) {
  Workspace workspace;
  const std::byte* small = workspace.slot(0, 100).data();
  workspace.slot(1, 100000);
  workspace.trim(100);
  EXPECT_EQ(workspace.slot(0, 100).data(), small);
  EXPECT_EQ(workspace.slot(1, 50).size(), 50U);
}

TEST(Workspace, OfNothingIsEmpty) {
  Workspace workspace;
  EXPECT_TRUE(workspace.slot(0, 0).empty());
}

}  // namespace
}  // namespace pixmill::kernels

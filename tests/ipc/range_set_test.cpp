#include "ipc/range_set.hpp"

#include "tests/ipc/forked.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bitset>

namespace pixmill::ipc {
namespace {

TEST(RangeSet, JoinsNeighbours) {
  RangeSet set;
  set.insert({0, 10});
  set.insert({20, 30});
  EXPECT_EQ(set.ranges().size(), 2U);
  set.insert({10, 20});
  ASSERT_EQ(set.ranges().size(), 1U);
  EXPECT_EQ(set.ranges()[0], (Range{0, 30}));
}

TEST(RangeSet, SplitsAroundAHole) {
  RangeSet set;
  set.insert({0, 30});
  set.erase({10, 20});
  ASSERT_EQ(set.ranges().size(), 2U);
  EXPECT_EQ(set.ranges()[0], (Range{0, 10}));
  EXPECT_EQ(set.ranges()[1], (Range{20, 30}));
}

TEST(RangeSet, AgreesWithASetOfBits) {
  constexpr std::uint64_t kEnd = 200;
  RangeSet set;
  std::bitset<kEnd> model;
  Dice dice(1);
  for (int step = 0; step < 50'000; ++step) {
    const std::uint64_t a = dice.below(kEnd + 1);
    const std::uint64_t b = std::min(kEnd, a + dice.below(dice.once_in(8) ? kEnd : 12));
    const bool insert = dice.once_in(2);
    insert ? set.insert({a, b}) : set.erase({a, b});
    for (std::uint64_t i = a; i < b; ++i) model[i] = insert;
    ASSERT_EQ(set.size(), model.count());
    std::uint64_t last = 0;
    for (const Range& range : set.ranges()) {
      ASSERT_LT(range.begin, range.end);
      ASSERT_TRUE(range.begin > last || &range == set.ranges().data()) << "they touch";
      for (std::uint64_t i = range.begin; i < range.end; ++i) ASSERT_TRUE(model[i]);
      last = range.end;
    }
    const std::uint64_t from = dice.below(kEnd);
    const std::uint64_t to = from + dice.below(kEnd - from);
    std::uint64_t within = 0;
    for (std::uint64_t i = from; i < to; ++i) within += model[i] ? 1 : 0;
    ASSERT_EQ(set.size_within({from, to}), within);
  }
}

}  // namespace
}  // namespace pixmill::ipc

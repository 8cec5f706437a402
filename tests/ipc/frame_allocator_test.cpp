#include "ipc/frame_allocator.hpp"

#include "tests/ipc/forked.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>
#include <sys/time.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <map>
#include <vector>

namespace pixmill::ipc {
namespace {

const std::uint64_t kPage = page_bytes();
constexpr std::uint64_t kAll = UINT64_MAX;

// Counts pages instead of having any, and runs out of them on demand. Complains about what the real one would suffer
// in silence: a punch below a lent frame.
class CountedBacking : public FrameBacking {
 public:
  explicit CountedBacking(std::uint64_t pages) : backed_(pages), lent_(pages) {}

  bool commit(Range range) override {
    if (fail_hard) throw Error(ErrorCode::machine, "fallocate: Input/output error");
    std::uint64_t fresh = 0;
    for (std::uint64_t page = range.begin / kPage; page < range.end / kPage; ++page) fresh += backed_[page] ? 0 : 1;
    EXPECT_EQ(fresh, range.size() / kPage) << "asked for memory that it had";
    EXPECT_LE(range.size(), std::uint64_t{1} << 20U) << "on older kernels a signal undoes the whole of it";
    if (fresh > available) return false;
    available -= fresh;
    fill(backed_, range, true);
    return true;
  }
  void punch(Range range) override {
    if (fail_punch) throw Error(ErrorCode::machine, "fallocate: Input/output error");
    for (std::uint64_t page = range.begin / kPage; page < range.end / kPage; ++page) {
      EXPECT_FALSE(lent_[page]) << "punched under a lent frame";
      available += backed_[page] && available != kAll ? 1 : 0;
    }
    fill(backed_, range, false);
  }

  void mark_lent(Range range, bool lent) { fill(lent_, range, lent); }
  [[nodiscard]] std::uint64_t backed_pages() const {
    return static_cast<std::uint64_t>(std::count(backed_.begin(), backed_.end(), true));
  }
  [[nodiscard]] bool is_backed(Range range) const {
    return std::all_of(at(backed_, range.begin), at(backed_, range.end), [](bool backed) { return backed; });
  }
  [[nodiscard]] bool is_lent(std::uint64_t page) const { return lent_[page]; }
  [[nodiscard]] std::uint64_t pages() const { return lent_.size(); }

  std::uint64_t available = kAll;
  bool fail_hard = false;
  bool fail_punch = false;

 private:
  static std::vector<bool>::const_iterator at(const std::vector<bool>& bits, std::uint64_t byte) {
    return bits.begin() + static_cast<std::ptrdiff_t>(byte / kPage);
  }
  static void fill(std::vector<bool>& bits, Range range, bool value) {
    for (std::uint64_t page = range.begin / kPage; page < range.end / kPage; ++page) bits[page] = value;
  }

  std::vector<bool> backed_;
  std::vector<bool> lent_;
};

Frame lend(FrameAllocator& frames, std::uint64_t size_bytes) {
  const Loan loan = frames.lend(size_bytes);
  EXPECT_EQ(loan.status, LendStatus::lent);
  return loan.frame;
}

TEST(FrameAllocator, LendsWholePagesThatDoNotOverlap) {
  Region region(64 * kPage);
  RegionBacking backing(region);
  FrameAllocator frames(backing, {4 * kPage, 64 * kPage}, kAll);
  const Frame a = lend(frames, 1);
  const Frame b = lend(frames, kPage + 1);
  EXPECT_EQ(a.offset, 4 * kPage);
  EXPECT_EQ(a.size_bytes, kPage);
  EXPECT_EQ(b.offset, 5 * kPage);
  EXPECT_EQ(b.size_bytes, 2 * kPage);
  EXPECT_EQ(region.committed_bytes(), 3 * kPage);
  std::memset(region.memory().data() + b.offset, 1, b.size_bytes);
  EXPECT_EQ(region.committed_bytes(), 3 * kPage);
}

TEST(FrameAllocator, OfNoBytesIsAPage) {
  CountedBacking backing(2);
  FrameAllocator frames(backing, {0, 2 * kPage}, kAll);
  EXPECT_EQ(lend(frames, 0).size_bytes, kPage);
}

TEST(FrameAllocator, OfOnePageLendsItAgainAndAgain) {
  Region region(kPage);
  RegionBacking backing(region);
  FrameAllocator frames(backing, {0, kPage}, kAll);
  for (int i = 0; i < 3; ++i) {
    const Frame frame = lend(frames, kPage);
    EXPECT_EQ(frames.lend(1).status, LendStatus::no_room);
    EXPECT_TRUE(frames.give_back(frame.id));
  }
  EXPECT_EQ(frames.statistics().commits, 1U) << "a warm page costs nothing";
}

TEST(FrameAllocator, BeyondTheRegionIsNoRoom) {
  CountedBacking backing(4);
  FrameAllocator frames(backing, {kPage, 4 * kPage}, kAll);
  for (const std::uint64_t size : {3 * kPage + 1, 4 * kPage, kAll, kAll - kPage, kAll / 2})
    EXPECT_EQ(frames.lend(size).status, LendStatus::no_room) << size;
  EXPECT_EQ(lend(frames, 3 * kPage).offset, kPage);
  EXPECT_EQ(frames.lend(1).status, LendStatus::no_room);
}

TEST(FrameAllocator, RangesThatAreNotPagesAreRefused) {
  CountedBacking backing(4);
  EXPECT_THROW(FrameAllocator(backing, {0, 0}, 0), Error);
  EXPECT_THROW(FrameAllocator(backing, {1, kPage}, 0), Error);
  EXPECT_THROW(FrameAllocator(backing, {0, kPage + 1}, 0), Error);
  EXPECT_THROW(FrameAllocator(backing, {2 * kPage, kPage}, 0), Error);
}

TEST(FrameAllocator, NeighboursThatComeBackAreOneAgain) {
  CountedBacking backing(9);
  FrameAllocator frames(backing, {0, 9 * kPage}, kAll);
  std::vector<Frame> all;
  for (int i = 0; i < 3; ++i) all.push_back(lend(frames, 3 * kPage));
  for (const std::size_t i : {0U, 2U, 1U}) EXPECT_TRUE(frames.give_back(all[i].id));
  EXPECT_EQ(frames.statistics().largest_free_bytes, 9 * kPage);
  EXPECT_EQ(lend(frames, 9 * kPage).offset, 0U);
}

TEST(FrameAllocator, PrefersWarmRangesAndThenShortOnes) {
  CountedBacking backing(16);
  FrameAllocator frames(backing, {0, 16 * kPage}, kAll);
  const Frame a = lend(frames, 4 * kPage);
  const Frame b = lend(frames, kPage);
  const Frame c = lend(frames, 2 * kPage);
  const Frame d = lend(frames, kPage);
  ASSERT_TRUE(frames.give_back(a.id));
  ASSERT_TRUE(frames.give_back(c.id));
  EXPECT_EQ(lend(frames, 2 * kPage).offset, c.offset) << "of two warm ones the shorter";
  EXPECT_EQ(lend(frames, 3 * kPage).offset, a.offset) << "rather than the long cold one";
  EXPECT_EQ(frames.statistics().commits, 4U);
  EXPECT_TRUE(frames.find(b.id) && frames.find(d.id));
}

TEST(FrameAllocator, KnowsDeadAndForeignFrames) {
  CountedBacking backing(4);
  CountedBacking other_backing(4);
  FrameAllocator frames(backing, {0, 4 * kPage}, kAll);
  FrameAllocator others(other_backing, {0, 4 * kPage}, kAll);
  const Frame a = lend(frames, 1);
  const Frame foreign = lend(others, 1);
  EXPECT_FALSE(frames.give_back(foreign.id));
  EXPECT_FALSE(frames.give_back({}));
  EXPECT_FALSE(frames.give_back({12345, a.id.serial}));
  ASSERT_TRUE(frames.find(a.id));
  EXPECT_EQ(frames.find(a.id)->offset, a.offset);
  EXPECT_TRUE(frames.give_back(a.id));
  EXPECT_FALSE(frames.find(a.id));
  EXPECT_FALSE(frames.give_back(a.id)) << "twice";
  const Frame b = lend(frames, 1);
  ASSERT_EQ(b.offset, a.offset);
  EXPECT_FALSE(frames.give_back(a.id)) << "the same bytes, another lending";
  EXPECT_EQ(frames.statistics().frames, 1U);
}

TEST(FrameAllocator, KeepsNoMoreWarmThanItsLimit) {
  Region region(64 * kPage);
  RegionBacking backing(region);
  FrameAllocator frames(backing, {0, 64 * kPage}, 8 * kPage);
  const Frame large = lend(frames, 40 * kPage);
  const Frame small = lend(frames, 4 * kPage);
  EXPECT_TRUE(frames.give_back(small.id));
  EXPECT_EQ(region.committed_bytes(), 44 * kPage);
  EXPECT_TRUE(frames.give_back(large.id));
  EXPECT_EQ(region.committed_bytes(), 8 * kPage);
  EXPECT_EQ(frames.statistics().warm_bytes, 8 * kPage);
  const auto before = frames.statistics();
  EXPECT_EQ(lend(frames, 8 * kPage).offset, 0U);
  EXPECT_EQ(frames.statistics().commits, before.commits) << "what was kept is what is lent next";
}

TEST(FrameAllocator, KeepsAsMuchWarmAsItIsTold) {
  Region region(64 * kPage);
  RegionBacking backing(region);
  FrameAllocator frames(backing, {0, 64 * kPage}, 8 * kPage);
  frames.keep_warm(40 * kPage);
  EXPECT_TRUE(frames.give_back(lend(frames, 40 * kPage).id));
  EXPECT_EQ(region.committed_bytes(), 40 * kPage);
  frames.keep_warm(4 * kPage);
  EXPECT_TRUE(frames.give_back(lend(frames, kPage).id));
  EXPECT_EQ(region.committed_bytes(), 4 * kPage);
}

TEST(FrameAllocator, TrimGivesWarmMemoryBack) {
  Region region(64 * kPage);
  RegionBacking backing(region);
  FrameAllocator frames(backing, {0, 64 * kPage}, kAll);
  const Frame a = lend(frames, 20 * kPage);
  const Frame b = lend(frames, 20 * kPage);
  std::memset(region.memory().data() + b.offset, 5, b.size_bytes);
  EXPECT_TRUE(frames.give_back(a.id));
  frames.trim(3 * kPage);
  EXPECT_EQ(region.committed_bytes(), 23 * kPage);
  frames.trim(0);
  EXPECT_EQ(region.committed_bytes(), 20 * kPage);
  EXPECT_EQ(region.memory()[b.offset], std::byte{5}) << "what is lent is not touched";
}

TEST(FrameAllocator, ResetVoidsAndEmptiesAll) {
  Region region(16 * kPage);
  RegionBacking backing(region);
  FrameAllocator frames(backing, {0, 16 * kPage}, kAll);
  const Frame frame = lend(frames, 2 * kPage);
  region.memory()[frame.offset] = std::byte{9};
  region.memory()[12 * kPage] = std::byte{9};  // touched without leave
  frames.reset();
  EXPECT_EQ(region.committed_bytes(), 0U);
  EXPECT_FALSE(frames.give_back(frame.id));
  const Frame next = lend(frames, 16 * kPage);
  EXPECT_FALSE(frames.give_back(frame.id)) << "the slot lives again, the lending does not";
  EXPECT_EQ(region.memory()[next.offset], std::byte{0});
  EXPECT_EQ(region.memory()[12 * kPage], std::byte{0});
}

TEST(FrameAllocator, WithoutMemorySaysSoAndStaysWhole) {
  CountedBacking backing(16);
  FrameAllocator frames(backing, {0, 16 * kPage}, kAll);
  backing.available = 5;
  const Frame a = lend(frames, 4 * kPage);
  EXPECT_EQ(frames.lend(2 * kPage).status, LendStatus::no_memory);
  EXPECT_EQ(frames.statistics().lent_bytes, 4 * kPage);
  EXPECT_EQ(frames.statistics().backed_bytes, backing.backed_pages() * kPage);
  EXPECT_EQ(lend(frames, kPage).offset, 4 * kPage);
  EXPECT_TRUE(frames.give_back(a.id));
  EXPECT_EQ(lend(frames, 4 * kPage).offset, 0U);
}

TEST(FrameAllocator, GivesUpWarmMemoryForAFrameThatNeedsIt) {
  CountedBacking backing(16);
  FrameAllocator frames(backing, {0, 16 * kPage}, kAll);
  backing.available = 8;
  const Frame a = lend(frames, 3 * kPage);
  const Frame b = lend(frames, 3 * kPage);
  ASSERT_TRUE(frames.give_back(a.id));
  const Frame c = lend(frames, 5 * kPage);  // 2 are left, 3 are warm where it does not fit
  EXPECT_EQ(c.offset, 6 * kPage);
  EXPECT_TRUE(backing.is_backed({c.offset, c.offset + c.size_bytes}));
  EXPECT_TRUE(backing.is_backed({b.offset, b.offset + b.size_bytes}));
  EXPECT_EQ(frames.statistics().warm_bytes, 0U);
}

TEST(FrameAllocator, AnyOtherFailureIsAnErrorAndLendsNothing) {
  CountedBacking backing(8);
  FrameAllocator frames(backing, {0, 8 * kPage}, 0);
  const Frame frame = lend(frames, kPage);
  backing.fail_hard = true;
  EXPECT_THROW(static_cast<void>(frames.lend(kPage)), Error);
  EXPECT_EQ(frames.statistics().lent_bytes, kPage);
  EXPECT_EQ(frames.statistics().frames, 1U);
  backing.fail_punch = true;
  EXPECT_THROW(static_cast<void>(frames.give_back(frame.id)), Error);
  EXPECT_EQ(frames.statistics().frames, 0U);
  EXPECT_EQ(frames.statistics().warm_bytes, kPage) << "still there, and still counted";
  backing.fail_punch = backing.fail_hard = false;
  frames.trim(0);
  EXPECT_EQ(backing.backed_pages(), 0U);
}

TEST(FrameAllocator, AsksForALargeFrameInPieces) {
  const std::uint64_t pages = (std::uint64_t{10} << 20U) / kPage + 1;
  CountedBacking backing(pages);
  FrameAllocator frames(backing, {0, pages * kPage}, kAll);
  lend(frames, pages * kPage);
  EXPECT_EQ(backing.backed_pages(), pages);
  EXPECT_EQ(frames.statistics().commits, 11U);
}

TEST(FrameAllocator, ALargeFrameIsCommittedThoughATimerInterruptsEveryFewMilliseconds) {
  const HangGuard guard;
  struct sigaction action {};
  action.sa_handler = [](int) {};
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGPROF, &action, &before), 0);  // without SA_RESTART
  const itimerval often{{0, 1000}, {0, 1000}};
  ASSERT_EQ(::setitimer(ITIMER_PROF, &often, nullptr), 0);
  constexpr std::uint64_t kLarge = std::uint64_t{96} << 20U;
  Region region(kLarge);
  RegionBacking backing(region);
  FrameAllocator frames(backing, {0, kLarge}, 0);
  EXPECT_EQ(frames.lend(kLarge).status, LendStatus::lent);
  EXPECT_EQ(region.committed_bytes(), kLarge);
  const itimerval never{};
  ASSERT_EQ(::setitimer(ITIMER_PROF, &never, nullptr), 0);
  ASSERT_EQ(::sigaction(SIGPROF, &before, nullptr), 0);
}

// Against a model that knows of every page whether it is lent, and nothing else.
class FrameAllocatorModel {
 public:
  FrameAllocatorModel(std::uint64_t pages, std::uint64_t warm_limit_bytes, std::uint64_t seed)
      : backing_(pages),
        frames_(backing_, {kPage, pages * kPage}, warm_limit_bytes),
        warm_limit_bytes_(warm_limit_bytes),
        dice_(seed) {}

  void step() {
    backing_.available = dice_.once_in(10) ? dice_.below(20) : kAll;
    if (dice_.once_in(200)) {
      for (const auto& [serial, frame] : lent_) mark(frame, false);
      for (const auto& [serial, frame] : lent_) dead_.push_back(frame.id);
      lent_.clear();
      frames_.reset();
    } else if (!lent_.empty() && dice_.once_in(2)) {
      give_back();
    } else {
      lend();
    }
    if (dice_.once_in(50)) frames_.trim(dice_.below(20) * kPage);
    if (!dead_.empty()) {
      ASSERT_FALSE(frames_.give_back(dead_[dice_.below(dead_.size())]));
    }
    check();
  }

 private:
  [[nodiscard]] std::uint64_t longest_free() const {
    std::uint64_t longest = 0;
    std::uint64_t run = 0;
    for (std::uint64_t page = 1; page < backing_.pages(); ++page) {
      run = backing_.is_lent(page) ? 0 : run + 1;
      longest = std::max(longest, run);
    }
    return longest;
  }

  void lend() {
    const std::uint64_t size = 1 + dice_.below((dice_.once_in(5) ? 40 : 6) * kPage);
    const Loan loan = frames_.lend(size);
    const std::uint64_t pages = (size + kPage - 1) / kPage;
    if (loan.status != LendStatus::lent) {
      ASSERT_EQ(loan.status == LendStatus::no_room, pages > longest_free());
      ASSERT_TRUE(loan.status == LendStatus::no_room || backing_.available < pages);
      return;
    }
    ASSERT_EQ(loan.frame.size_bytes, pages * kPage);
    ASSERT_GE(loan.frame.offset, kPage);
    ASSERT_LE(loan.frame.offset + loan.frame.size_bytes, backing_.pages() * kPage);
    for (std::uint64_t page = loan.frame.offset / kPage; pages > page - loan.frame.offset / kPage; ++page)
      ASSERT_FALSE(backing_.is_lent(page));
    ASSERT_TRUE(backing_.is_backed({loan.frame.offset, loan.frame.offset + loan.frame.size_bytes}));
    mark(loan.frame, true);
    ASSERT_TRUE(lent_.emplace(loan.frame.id.serial, loan.frame).second);
  }

  void give_back() {
    const auto one = std::next(lent_.begin(), static_cast<std::ptrdiff_t>(dice_.below(lent_.size())));
    mark(one->second, false);
    ASSERT_TRUE(frames_.give_back(one->second.id));
    dead_.push_back(one->second.id);
    lent_.erase(one);
    ASSERT_LE(frames_.statistics().warm_bytes, warm_limit_bytes_);
  }

  void check() const {
    std::uint64_t lent_bytes = 0;
    for (const auto& [serial, frame] : lent_) lent_bytes += frame.size_bytes;
    const FrameStatistics now = frames_.statistics();
    ASSERT_EQ(now.lent_bytes, lent_bytes);
    ASSERT_EQ(now.frames, lent_.size());
    ASSERT_EQ(now.backed_bytes, backing_.backed_pages() * kPage);
    ASSERT_EQ(now.warm_bytes, now.backed_bytes - now.lent_bytes);
    ASSERT_EQ(now.largest_free_bytes, longest_free() * kPage);
    ASSERT_GE(now.peak_lent_bytes, now.lent_bytes);
    ASSERT_GE(now.peak_backed_bytes, now.backed_bytes);
  }

  void mark(const Frame& frame, bool lent) {
    backing_.mark_lent({frame.offset, frame.offset + frame.size_bytes}, lent);
  }

  CountedBacking backing_;
  FrameAllocator frames_;
  std::uint64_t warm_limit_bytes_;
  Dice dice_;
  std::map<std::uint64_t, Frame> lent_;
  std::vector<FrameId> dead_;
};

TEST(FrameAllocator, AgreesWithAModelThatKnowsEveryPage) {
  for (const std::uint64_t pages : {2U, 40U, 100U, 600U}) {
    for (const std::uint64_t warm : {std::uint64_t{0}, 10 * kPage, 10 * kPage + 1, kAll}) {
      FrameAllocatorModel model(pages, warm, pages + warm);
      for (int step = 0; step < 2000 && !testing::Test::HasFailure(); ++step) model.step();
    }
  }
}

}  // namespace
}  // namespace pixmill::ipc

#include "ipc/lease.hpp"
#include "tests/ipc/pool_client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace pixmill::ipc {
namespace {

constexpr std::uint64_t kBytes = 1U << 20U;

struct Place {
  std::shared_ptr<LentRegion> region = std::make_shared<LentRegion>(8 * kBytes);
  RegionBacking backing{region->region()};
  FrameAllocator frames{backing, {0, 8 * kBytes}, 8 * kBytes};

  Lease lend() { return {region, frames.lend(kBytes).frame}; }
};

TEST(Lease, TellsThePlaceOfItsEnd) {
  Place place;
  Lease first = place.lend();
  const Lease second = place.lend();
  EXPECT_NE(first.memory().data(), second.memory().data());
  EXPECT_EQ(first.memory().size(), kBytes);
  EXPECT_TRUE(place.region->take_ended().empty());
  first = {};
  const std::vector<FrameId> ended = place.region->take_ended();
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_TRUE(place.frames.give_back(ended.front()));
  EXPECT_TRUE(place.region->take_ended().empty());
}

TEST(Lease, MovesWithoutEnding) {
  Place place;
  Lease lease = place.lend();
  Lease moved = std::move(lease);
  EXPECT_FALSE(lease);  // NOLINT(bugprone-use-after-move): that is what is asked
  Lease other;
  other = std::move(moved);
  EXPECT_TRUE(place.region->take_ended().empty());
  EXPECT_TRUE(other);
}

TEST(Lease, KeepsItsMemoryAfterThePlaceHasGone) {
  const Belongings before;
  {
    Lease kept;
    std::weak_ptr<LentRegion> region;
    {
      Place place;
      kept = place.lend();
      Lease other = place.lend();
      std::memset(kept.memory().data(), 7, kBytes);
      std::memset(other.memory().data(), 8, kBytes);
      EXPECT_FALSE(place.region->retired());
      EXPECT_TRUE(place.region->retire().empty());
      EXPECT_TRUE(place.region->retired());
      // What nobody can lend again goes back to the machine at once.
      EXPECT_EQ(place.region->region().committed_bytes(), 2 * kBytes);
      other = {};
      EXPECT_EQ(place.region->region().committed_bytes(), kBytes);
      region = place.region;
    }
    const auto is_seven = [](std::byte byte) { return byte == std::byte{7}; };
    EXPECT_TRUE(std::all_of(kept.memory().begin(), kept.memory().end(), is_seven));
    EXPECT_FALSE(region.expired());
    kept = {};
    EXPECT_TRUE(region.expired());
  }
  before.expect_unchanged();
}

TEST(Lease, EndsInAnyThread) {
  Place place;
  std::vector<Lease> leases;
  for (int i = 0; i < 8; ++i) leases.push_back(place.lend());
  std::vector<std::jthread> threads;
  for (Lease& lease : leases) threads.emplace_back([ends = std::move(lease)]() mutable { ends = {}; });
  threads.clear();
  EXPECT_EQ(place.region->take_ended().size(), 8U);
}

TEST(FrameAllocatorPunchFree, GivesBackWhatIsNotLentAndWhatWasTouchedWithoutLeave) {
  Place place;
  const Frame kept = place.frames.lend(kBytes).frame;
  const Frame warm = place.frames.lend(kBytes).frame;
  ASSERT_TRUE(place.frames.give_back(warm.id));
  place.region->memory()[5 * kBytes] = std::byte{1};
  place.region->memory()[kept.offset] = std::byte{9};
  place.frames.punch_free();
  EXPECT_EQ(place.region->region().committed_bytes(), kBytes);
  EXPECT_EQ(place.region->memory()[kept.offset], std::byte{9});
  EXPECT_EQ(place.frames.statistics().warm_bytes, 0U);
  EXPECT_EQ(place.frames.statistics().backed_bytes, kBytes);
}

TEST(PoolLeases, InputsAndAnswersStayWhereTheyAre) {
  const Belongings before;
  {
    Client client(Client::options(1));
    client.keeps_answers = true;
    for (const std::size_t bytes : {1UL, 100UL, 5000UL, 1000000UL}) client.submit_lent(bytes);
    client.finish();
    for (std::uint64_t tag = 0; tag < 4; ++tag) client.expect_answered(tag);
    EXPECT_EQ(client.pool().statistics().bytes_copied_in, 0U);
    const std::uint64_t copied = client.submit(Command::echo);
    client.finish();
    client.expect_answered(copied);
    EXPECT_EQ(client.pool().statistics().bytes_copied_in, 100U);
    EXPECT_EQ(client.kept.size(), 5U);
  }
  before.expect_unchanged();
}

TEST(PoolLeases, SurviveTheDeathOfEveryWorkerAndThePool) {
  const Belongings before;
  {
    Client client(Client::options(2));
    client.keeps_answers = true;
    for (int round = 0; round < 5; ++round) {
      for (int i = 0; i < 10; ++i) client.submit_lent(3000);
      client.submit(Command::raise_if_used);
      client.finish();
      client.kill_workers();
    }
    client.expect_all_once();
    EXPECT_GT(client.pool().statistics().bytes_copied_in, 0U);
    client.close();
    for (const auto& [tag, answer] : client.kept) {
      const std::span<const std::byte> whole = answer.memory().first(client[tag].answer.size());
      EXPECT_TRUE(std::equal(whole.begin(), whole.end(), client[tag].answer.begin())) << tag;
      EXPECT_TRUE(Client::is_right(client[tag])) << tag;
    }
  }
  before.expect_unchanged();
}

TEST(PoolLeases, AnAnswerThatIsRejectedCostsItsWorkerAndIsMadeAgain) {
  Client client(Client::options(1));
  client.keeps_answers = true;
  const std::uint64_t tag = client.submit_lent(3000);
  client.rejections[tag] = 1;
  client.finish();
  client.expect_answered(tag, 2);
  EXPECT_EQ(client.pool().statistics().deaths, 1U);
  EXPECT_EQ(client.pool().statistics().bytes_copied_in, 3000U);
}

TEST(PoolLeases, EndedOnesAreLentAgain) {
  PoolOptions options = Client::options(1);
  options.region_bytes = 16 * kBytes;
  Client client(std::move(options));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(client.pool().lend(kBytes)) << i;
  const Lease one = client.pool().lend(12 * kBytes);
  ASSERT_TRUE(one);
  EXPECT_FALSE(client.pool().lend(12 * kBytes));
  EXPECT_FALSE(client.pool().lend(std::uint64_t{1} << 50U));
}

TEST(Pool, AWorkerIsReplacedAfterItsMessages) {
  for (const std::uint64_t life : {1U, 5U}) {
    PoolOptions options = Client::options(2);
    options.messages_a_life = life;
    Client client(std::move(options));
    const std::vector<std::uint64_t> tags = client.submit_many(50);
    client.finish();
    for (const std::uint64_t tag : tags) {
      client.expect_answered(tag);
      EXPECT_LT(client[tag].report().messages_before, life);
    }
    client.wait_until([&] { return client.pool().statistics().retired >= 50 / life - 1; });
    EXPECT_EQ(client.pool().statistics().deaths, 0U);
  }
}

}  // namespace
}  // namespace pixmill::ipc

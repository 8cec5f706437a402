#include "ipc/region.hpp"

#include <pixmill/error.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

namespace pixmill::ipc {
namespace {

constexpr std::uint64_t kPage = 4096;

TEST(Region, TakesNoMemoryUntilItIsCommitted) {
  const Region region(std::uint64_t{1} << 30);
  EXPECT_EQ(region.memory().size(), std::uint64_t{1} << 30);
  EXPECT_EQ(region.committed_bytes(), 0U);
}

TEST(Region, CommitsAndPunchesWholePages) {
  Region region(64 * kPage);
  ASSERT_TRUE(region.commit(kPage, 8 * kPage));
  EXPECT_EQ(region.committed_bytes(), 8 * kPage);
  std::memset(region.memory().data() + kPage, 7, 8 * kPage);
  region.punch(kPage + 1, 8 * kPage - 1);  // the first page is only partly in the range
  EXPECT_EQ(region.committed_bytes(), kPage);
  EXPECT_EQ(region.memory()[kPage], std::byte{7});
  EXPECT_EQ(region.memory()[2 * kPage], std::byte{0});
}

TEST(Region, CannotBeCutShortOrUnsealed) {
  const Region region(kPage);
  EXPECT_NE(::ftruncate(region.fd(), 0), 0);
  EXPECT_NE(::ftruncate(region.fd(), 2 * kPage), 0);
  EXPECT_NE(::fcntl(region.fd(), F_ADD_SEALS, F_SEAL_WRITE), 0);
}

TEST(Region, IsSharedWithAChild) {
  Region region(3);
  ASSERT_TRUE(region.commit(0, 3));
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    region.memory()[2] = std::byte{42};
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(region.memory()[2], std::byte{42});
}

TEST(Region, CommitBeyondItsEndIsAnErrorAndNotGrowth) {
  Region region(kPage);
  EXPECT_THROW(static_cast<void>(region.commit(0, 2 * kPage)), Error);
}

TEST(Region, OfNoBytesIsRefused) { EXPECT_THROW(Region(0), Error); }

}  // namespace
}  // namespace pixmill::ipc

#include "bench/page_cache.hpp"

#include "tests/support/scratch_folder.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <string>

namespace pixmill::bench {
namespace {

pipeline::InputList list_of_one(const std::string& path, std::uint64_t bytes) {
  pipeline::InputList inputs;
  inputs.append(path, path.size(), bytes);
  return inputs;
}

TEST(PageCache, IsLookedAtWithoutReading) {
  const pixmill::tests::ScratchFolder folder;
  const std::string path = folder / "file";
  const std::string content(3 * 65536 + 1, 'x');
  pixmill::tests::write_file(path, content);
  const CachedPages written = look_at_cache(list_of_one(path, content.size()));
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_EQ(written.pages, (content.size() + page - 1) / page);
  EXPECT_LE(written.cached, written.pages);
  EXPECT_EQ(written.untold, 0U);

  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(::fsync(fd), 0);
  ::close(fd);
  drop_from_cache(list_of_one(path, content.size()));
  // A file system in memory keeps it.
  const CachedPages dropped = look_at_cache(list_of_one(path, content.size()));
  EXPECT_EQ(dropped.pages, written.pages);
  EXPECT_LE(dropped.cached, dropped.pages);
  EXPECT_EQ(pixmill::tests::read_file(path), content);
  drop_from_cache(list_of_one(path, content.size()));
  read_into_cache(list_of_one(path, content.size()));
  // Memory may be short; but what was just read is not all gone.
  EXPECT_GT(look_at_cache(list_of_one(path, content.size())).cached, 0U);
}

TEST(PageCache, OfNoFileNothingIsTold) {
  EXPECT_FALSE(look_at_cache({}).share());
  EXPECT_FALSE(look_at_cache(list_of_one("/no/such/file", 1)).share());
  EXPECT_FALSE(look_at_cache(list_of_one("/", 1)).share());
  drop_from_cache(list_of_one("/no/such/file", 1));
  read_into_cache(list_of_one("/no/such/file", 1));
  read_into_cache(list_of_one("/", 1));
}

}  // namespace
}  // namespace pixmill::bench

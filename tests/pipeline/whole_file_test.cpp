#include "pipeline/files/whole_file.hpp"
#include "tests/support/scratch_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace pixmill::pipeline {
namespace {

std::string content(const FileBuffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.bytes().data()), buffer.bytes().size()};
}

TEST(WholeFile, ReadsFilesOfAnySizeIntoOneBuffer) {
  const tests::ScratchFolder folder;
  FileBuffer buffer;
  for (const std::size_t size : {0U, 1U, 65535U, 65536U, 65537U, 1000000U, 3U}) {
    const std::string bytes(size, static_cast<char>('a' + size % 7));
    tests::write_file(folder / "file", bytes);
    ASSERT_EQ(read_whole_file(folder / "file", 1U << 20, buffer).verdict, Verdict::ok);
    EXPECT_EQ(content(buffer), bytes);
  }
}

TEST(WholeFile, LargerThanTheLimitIsTooLarge) {
  const tests::ScratchFolder folder;
  tests::write_file(folder / "file", std::string(1001, 'x'));
  FileBuffer buffer;
  EXPECT_EQ(read_whole_file(folder / "file", 1000, buffer).verdict, Verdict::too_large);
  EXPECT_EQ(content(buffer), "");
  EXPECT_EQ(read_whole_file(folder / "file", 1001, buffer).verdict, Verdict::ok);
}

TEST(WholeFile, WhatIsNoRegularFileIsUnreadableAndDoesNotBlock) {
  const tests::ScratchFolder folder;
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  FileBuffer buffer;
  EXPECT_EQ(read_whole_file(folder / "fifo", 1000, buffer).verdict, Verdict::unreadable);
  EXPECT_EQ(read_whole_file(folder.path(), 1000, buffer).verdict, Verdict::unreadable);
  EXPECT_EQ(read_whole_file("/dev/zero", 1000, buffer).verdict, Verdict::unreadable);
  const CodecStatus missing = read_whole_file(folder / "missing", 1000, buffer);
  EXPECT_EQ(missing.verdict, Verdict::unreadable);
  EXPECT_NE(missing.detail.find("No such file"), std::string::npos) << missing.detail;
}

// As files do that grow while they are read, and those of /proc, which say that they have no bytes.
TEST(WholeFile, ReadsMoreThanWasExpected) {
  FileBuffer buffer;
  ASSERT_EQ(read_whole_file("/proc/self/maps", 1U << 30, buffer).verdict, Verdict::ok);
  EXPECT_NE(content(buffer).find("pipeline_tests"), std::string::npos);
}

TEST(FileBuffer, KeepsWhatIsInItWhenItGrows) {
  FileBuffer buffer;
  std::string expected;
  for (const std::size_t size : {1000U, 65536U, 65537U, 300000U, 1048577U, 3000000U}) {
    buffer.reserve(size);
    EXPECT_GE(buffer.capacity(), size);
    EXPECT_EQ(content(buffer), expected);
    std::memset(buffer.data() + expected.size(), static_cast<int>('a' + size % 26), size - expected.size());
    expected.append(size - expected.size(), static_cast<char>('a' + size % 26));
    buffer.resize(size);
  }
}

TEST(WholeFile, HashIsXxh64) {
  EXPECT_EQ(content_hash({}), 0xef46db3751d8e999U);  // the reference value of the empty input
}

}  // namespace
}  // namespace pixmill::pipeline

#pragma once

#include "pipeline/codecs/codec.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace pixmill::pipeline {

/// Memory for the content of one file. Grows, is used again, and does not clear what it hands out.
class FileBuffer {
 public:
  /// Room for `bytes` bytes; the first of them, up to its size, are kept. Throws std::bad_alloc.
  void reserve(std::size_t bytes);
  void resize(std::size_t bytes) {
    size_ = bytes;
    lent_ = {};
  }
  /// Until the next resize(), bytes() are these, which somebody else keeps.
  void show(Bytes lent) { lent_ = lent; }
  [[nodiscard]] std::byte* data() { return memory_.get(); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] Bytes bytes() const { return lent_.empty() ? Bytes(memory_.get(), size_) : lent_; }

 private:
  std::unique_ptr<std::byte[]> memory_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  Bytes lent_;
};

/// Reads a whole regular file, or standard input if `path` is "-". Never blocks on a FIFO or a device (`unreadable`),
/// never /// takes more than `limit_bytes` (`too-large`). What the file held when it was read is what is processed.
/// Waiting for standard input ends when `stop` is asked to (`cancelled`). May throw std::bad_alloc.
[[nodiscard]] CodecStatus read_whole_file(std::string_view path, std::uint64_t limit_bytes, FileBuffer& buffer,
                                          const std::stop_token& stop = {});

/// The xxHash64 (seed 0) of some bytes: the hash of the manifest.
[[nodiscard]] std::uint64_t content_hash(Bytes bytes);

}  // namespace pixmill::pipeline

#pragma once

#include <cstdint>

namespace pixmill::pipeline {

/// What a look at the first bytes of a file in a folder showed.
struct Sniffed {
  enum class Content : unsigned char {
    image,       ///< Begins like a format that is known by name.
    other,       ///< Anything else, or no regular file.
    unreadable,  ///< Could not be looked at, so it may be an image.
    gone,        ///< Was removed meanwhile.
  };
  Content content = Content::other;
  std::uint64_t size_bytes = 0;  ///< 0 unless image.
};

/// Looks at `name` in the folder open as `folder`; links are followed. Does not wait for FIFOs, and leaves the time of
/// last access as it is where the kernel lets it. Throws Error (machine) when there are no descriptors or memory.
[[nodiscard]] Sniffed sniff_file(int folder, const char* name);

}  // namespace pixmill::pipeline

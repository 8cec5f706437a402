#pragma once

#include <pixmill/export.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace pixmill {

/// The CPUs that this process may really use: the affinity mask and the cgroup quota (v1 and v2), at least 1. Reads a
/// few small files.
[[nodiscard]] PIXMILL_API int usable_cpus();

/// Bytes that can still be had without swapping: the least of what the machine and the cgroups above say; 0 if unknown.
[[nodiscard]] PIXMILL_API std::uint64_t available_memory();

/// One thing that was looked at on this machine.
struct Finding {
  /// How well it is.
  enum class State {
    good,     ///< All there.
    limited,  ///< There, and less than it could be.
    missing,  ///< Not there.
  };
  std::string topic;          ///< "CPUs", "SIMD", "JPEG", …
  State state = State::good;  ///< What was found.
  std::string detail;         ///< What is there, or what is not and why and what that means.
};

/// What this machine can and cannot do for pixmill, and why. Never throws for what it finds.
[[nodiscard]] PIXMILL_API std::vector<Finding> diagnose_machine();

/// Restricts OpenCV to the calling thread, for programs whose parallelism is pixmill's. Process-wide; call it first
/// thing in main(), never from a library.
PIXMILL_API void use_single_threaded_opencv();

}  // namespace pixmill

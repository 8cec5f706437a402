#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace pixmill {

/// What became of one image. Every input of a batch ends with exactly one.
enum class Verdict : unsigned char {
  ok,             ///< Processed, undamaged.
  repaired,       ///< Damaged; what could be decoded was processed (lenient only).
  skipped,        ///< Finished by an earlier run (resume only).
  unreadable,     ///< The file could not be opened or read.
  unsupported,    ///< No image, or of a kind that is not read.
  corrupt,        ///< Damaged inside.
  truncated,      ///< Cut short.
  too_large,      ///< Its header asks for more pixels, scans or memory than the limits allow.
  out_of_memory,  ///< The memory it was entitled to could not be had.
  timeout,        ///< Took longer than it was allowed (processes only).
  crashed,        ///< Its worker died (processes only).
  kernel_failed,  ///< A kernel cannot be applied to this image.
  write_failed,   ///< The output could not be written.
  cancelled,      ///< Not done: the run was interrupted or stopped.
};

/// How many verdicts there are.
inline constexpr std::size_t kVerdictCount = 14;

/// Every verdict, in the order of the enumeration.
[[nodiscard]] constexpr std::array<Verdict, kVerdictCount> all_verdicts() {
  return {Verdict::ok,      Verdict::repaired,      Verdict::skipped,      Verdict::unreadable,    Verdict::unsupported,
          Verdict::corrupt, Verdict::truncated,     Verdict::too_large,    Verdict::out_of_memory, Verdict::timeout,
          Verdict::crashed, Verdict::kernel_failed, Verdict::write_failed, Verdict::cancelled};
}

/// The name used in manifests and messages: "ok", "too-large", … Never empty.
[[nodiscard]] constexpr std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::repaired:
      return "repaired";
    case Verdict::skipped:
      return "skipped";
    case Verdict::unreadable:
      return "unreadable";
    case Verdict::unsupported:
      return "unsupported";
    case Verdict::corrupt:
      return "corrupt";
    case Verdict::truncated:
      return "truncated";
    case Verdict::too_large:
      return "too-large";
    case Verdict::out_of_memory:
      return "out-of-memory";
    case Verdict::timeout:
      return "timeout";
    case Verdict::crashed:
      return "crashed";
    case Verdict::kernel_failed:
      return "kernel-failed";
    case Verdict::write_failed:
      return "write-failed";
    case Verdict::cancelled:
      return "cancelled";
  }
  return "unknown";
}

/// The verdict of that name, or nothing.
[[nodiscard]] constexpr std::optional<Verdict> verdict_from_string(std::string_view name) {
  for (const Verdict verdict : all_verdicts()) {
    if (to_string(verdict) == name) return verdict;
  }
  return std::nullopt;
}

/// Whether a run in which every image ends like this is a success (exit code 0).
[[nodiscard]] constexpr bool is_well(Verdict verdict) {
  return verdict == Verdict::ok || verdict == Verdict::repaired || verdict == Verdict::skipped;
}

}  // namespace pixmill

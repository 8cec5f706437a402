// What Highway's compiled library would define. Debian's libhwy measures the processor's timer while it is loaded,
// which costs every process 4 ms; its headers need no more than these four functions.

#include <hwy/base.h>
#include <hwy/targets.h>

#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace hwy {
namespace {

std::int64_t detected_targets() {
  std::int64_t targets = HWY_ENABLED_BASELINE;
#if HWY_ARCH_X86
  __builtin_cpu_init();
  const auto all = [](auto... has) { return (... && (has != 0)); };
  if (all(__builtin_cpu_supports("ssse3"))) targets |= HWY_SSSE3;
  // Each target is compiled for all that Highway counts to it, so all of it must be there.
  const bool sse4 = all(__builtin_cpu_supports("sse4.1"), __builtin_cpu_supports("sse4.2"),
                        __builtin_cpu_supports("pclmul"), __builtin_cpu_supports("aes"));
  if (sse4) targets |= HWY_SSE4;
  const bool avx2 =
      sse4 && all(__builtin_cpu_supports("avx"), __builtin_cpu_supports("avx2"), __builtin_cpu_supports("fma"),
                  __builtin_cpu_supports("bmi"), __builtin_cpu_supports("bmi2"));
  if (avx2) targets |= HWY_AVX2;
  const bool avx3 = avx2 && all(__builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512vl"),
                                __builtin_cpu_supports("avx512dq"), __builtin_cpu_supports("avx512bw"),
                                __builtin_cpu_supports("avx512cd"));
  if (avx3) targets |= HWY_AVX3;
#endif
  return targets;
}

std::atomic<std::int64_t>& forced_targets() {
  static std::atomic<std::int64_t> targets{0};
  return targets;
}

}  // namespace

// The names and signatures are Highway's.
// NOLINTBEGIN(readability-identifier-naming)
std::int64_t SupportedTargets() {
  static const std::int64_t kDetected = detected_targets();
  const std::int64_t forced = forced_targets().load();
  return forced != 0 ? forced : kDetected;
}

void SetSupportedTargetsForTest(std::int64_t targets) { forced_targets().store(targets); }

ChosenTarget& GetChosenTarget() {
  static ChosenTarget chosen;
  return chosen;
}
// For assertions of Highway's own, which only builds with sanitizers have.
void Abort(const char* file, int line, const char* format, ...) {
  std::fprintf(stderr, "%s:%d: ", file, line);
  std::va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::abort();
}
// NOLINTEND(readability-identifier-naming)

}  // namespace hwy

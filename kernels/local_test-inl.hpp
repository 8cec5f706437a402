// The vector form of LocalTest, compiled once for every instruction set; included after <hwy/highway.h>.
#if defined(PIXMILL_KERNELS_LOCAL_TEST_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef PIXMILL_KERNELS_LOCAL_TEST_INL_HPP_
#undef PIXMILL_KERNELS_LOCAL_TEST_INL_HPP_
#else
#define PIXMILL_KERNELS_LOCAL_TEST_INL_HPP_
#endif

#include "kernels/local_test.hpp"

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace pixmill::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR

// v > mean - offset without leaving 8 bits: saturation must not turn the answer over, so it is v >= mean - (offset - 1)
// for positive offsets and v > mean + |offset| for the others.
template <class D, class V>
HWY_INLINE V test_levels(D d, const LocalTest& test, V level, V mean) {
  const V above = hn::Set(d, test.above);
  const V below = hn::Set(d, test.below);
  const auto distance =
      hn::Set(d, static_cast<std::uint8_t>(std::min(test.offset > 0 ? test.offset - 1 : -test.offset, 255)));
  if (test.offset > 0) {
    const V bound = hn::SaturatedSub(mean, distance);
    return hn::IfThenElse(hn::Gt(bound, level), below, above);
  }
  const V bound = hn::SaturatedAdd(mean, distance);
  return hn::IfThenElse(hn::Gt(level, bound), above, below);
}

// Calls function(x, levels, out) for every group of `lanes` pixels of a row; for the last, incomplete one with buffers
// that are as long as the others.
template <class Function>
HWY_INLINE void for_each_group(const std::uint8_t* levels, int width, int lanes, std::uint8_t* out, Function function) {
  int x = 0;
  for (; x + lanes <= width; x += lanes) function(x, levels + x, out + x);
  if (x == width) return;
  alignas(64) std::uint8_t last_levels[HWY_MAX_BYTES] = {};
  alignas(64) std::uint8_t last_out[HWY_MAX_BYTES];
  const auto left = static_cast<std::size_t>(width - x);
  std::memcpy(last_levels, levels + x, left);
  function(x, last_levels, last_out);
  std::memcpy(out + x, last_out, left);
}

#endif

}  // namespace
}  // namespace pixmill::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

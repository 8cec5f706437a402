#include "kernels/thresholds/smoothing_pass.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/thresholds/smoothing_pass.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pixmill::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void add_neighbours(double* heights, int count) {
  const hn::ScalableTag<double> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  int i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto outer = hn::Add(hn::LoadU(d, heights + i), hn::LoadU(d, heights + i + 2));
    hn::StoreU(hn::Add(outer, hn::LoadU(d, heights + i + 1)), d, heights + i);
  }
  for (; i < count; ++i) heights[i] = sum_of_three(heights[i], heights[i + 1], heights[i + 2]);
}

}  // namespace
}  // namespace pixmill::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixmill::kernels {

HWY_EXPORT(add_neighbours);

void add_neighbours(double* heights, int count) { HWY_DYNAMIC_DISPATCH(add_neighbours)(heights, count); }

void add_neighbours_plain(double* heights, int count) {
  for (int i = 0; i < count; ++i) heights[i] = sum_of_three(heights[i], heights[i + 1], heights[i + 2]);
}

}  // namespace pixmill::kernels
#endif  // HWY_ONCE

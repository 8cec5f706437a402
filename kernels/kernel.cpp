#include "kernels/kernel.hpp"

#include <array>
#include <cstdio>
#include <string>

namespace pixmill::kernels {

namespace {
std::string text_of(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", number);
  return text.data();
}
}  // namespace

double Level::at(Depth depth, std::string_view what) const {
  const int largest = max_level(depth);
  const double level = percent ? value * largest / 100.0 : value;
  if (level <= largest) return level;
  throw KernelFailure(std::string(what) + " is " + text_of(value) + (percent ? "%" : "") + ", but the levels of " +
                      (depth == Depth::eight ? "an 8" : "a 16") + "-bit image end at " + text_of(largest));
}

const Kernel* find_kernel(std::string_view name) {
  for (const Kernel& kernel : all_kernels()) {
    if (kernel.descriptor->name == name) return &kernel;
  }
  return nullptr;
}

}  // namespace pixmill::kernels

#include "pipeline/probe.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pixmill::pipeline {

std::vector<std::string> stage_names(const Chain& chain) {
  std::vector<std::string> names = {"read", "decode", "reduce", "encode", "write", "lost"};
  const auto begin = chain.steps.begin();
  for (auto step = begin; step != chain.steps.end(); ++step) {
    const auto same = [&](const ChainStep& other) { return other.kernel == step->kernel; };
    const auto before = std::count_if(begin, step, same);
    const std::string_view name = step->kernel->descriptor->name;
    names.push_back(before == 0 ? std::string(name) : fmt::format("{} {}", name, before + 1));
  }
  return names;
}

std::string row_name(Row row) {
  constexpr std::string_view kCrews[] = {"worker", "reader", "writer"};
  return fmt::format("{} {}", kCrews[static_cast<std::size_t>(row.crew)], row.place + 1);
}

}  // namespace pixmill::pipeline

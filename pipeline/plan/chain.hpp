#pragma once

#include "kernels/kernel.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pixmill::pipeline {

/// One kernel of a chain with its arguments, checked and complete.
struct ChainStep {
  const kernels::Kernel* kernel = nullptr;
  kernels::Arguments arguments;
  bool inserted = false;          ///< `gray`, put there because the next kernel needs one channel.
  std::string identity;           ///< Of an own kernel: what decides its results beside the arguments.
  bool may_give_colours = false;  ///< An own kernel that makes frames: they need not be gray where its input was.
};

/// A checked chain. `text` is its one spelling: all defaults written out, so that equal work has equal text.
struct Chain {
  std::vector<ChainStep> steps;
  std::string text;
};

/// Reads the grammar of `--ops`. Throws Error (usage) naming the token, what was expected and the nearest right name.
/// Linear in the length of the text.
[[nodiscard]] Chain parse_chain(std::string_view text);

/// One step as it stands in Chain::text, and as the user would have written it.
[[nodiscard]] std::string step_text(const ChainStep& step);

}  // namespace pixmill::pipeline

#pragma once

#include "pipeline/inputs/input_list.hpp"

#include <pixmill/batch.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace pixmill::pipeline {

/// A file that a run writes about itself.
struct OwnFile {
  std::string_view what;  ///< As the user knows it: "--reduce-out".
  std::string path;
};

/// Throws Error (usage) if any of them, through links too, is one of the inputs, the list that they came from, or
/// another of them. One stat an input and file.
void check_apart(const std::vector<OwnFile>& files, const InputOptions& options, const InputList& inputs);

}  // namespace pixmill::pipeline

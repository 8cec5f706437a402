#pragma once

#include "cli/arguments.hpp"
#include "cli/log.hpp"
#include "cli/progress.hpp"

#include <pixmill/batch.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pixmill::cli {

/// What the commands that take images read from the command line.
struct BatchArguments {
  BatchOptions batch;  ///< `inputs`, `plan` and all that has a default; `output` is made from the next.
  OutputOptions output;
  std::optional<std::string> ops;
  std::vector<std::string> plugins;  ///< Files, in the order in which they are loaded.
  bool strict = false;
  ProgressMode progress = ProgressMode::automatic;
  LogOptions log;
  bool dry_run = false;
};

inline constexpr std::uint64_t kMostJobs = 4096;

/// Each declares one group of options, with their defaults as they stand in `arguments`, which must outlive the parser.
void add_input_options(ArgumentParser& parser, BatchArguments& arguments, bool from_standard_input = true);
void add_chain_options(ArgumentParser& parser, BatchArguments& arguments);
/// `--plugin` alone, which add_chain_options() has too; into `plugins`.
void add_plugin_option(ArgumentParser& parser, std::vector<std::string>& plugins);
void add_reduction_options(ArgumentParser& parser, BatchArguments& arguments);
/// Format and its settings, without where outputs go.
void add_format_options(ArgumentParser& parser, BatchArguments& arguments);
void add_destination_options(ArgumentParser& parser, BatchArguments& arguments);
void add_limit_options(ArgumentParser& parser, BatchArguments& arguments);
void add_manifest_options(ArgumentParser& parser, BatchArguments& arguments);
void add_execution_options(ArgumentParser& parser, BatchArguments& arguments);
void add_report_options(ArgumentParser& parser, BatchArguments& arguments);

/// Parses, and checks what several options say together. False: help was asked for. Throws Error (usage).
[[nodiscard]] bool parse_batch_arguments(const ArgumentParser& parser, std::span<const std::string> given,
                                         BatchArguments& arguments);

/// Of "a, b" the items "a" and "b".
[[nodiscard]] std::vector<std::string> split_list(const std::string& text);

/// Loads them. Throws Error (usage) for the first that cannot be.
void load_plugins(const std::vector<std::string>& plugins);

/// Throws Error (usage) if nothing names an input.
void require_inputs(const BatchArguments& arguments);

/// The kernels and what each does, for a help page.
[[nodiscard]] HelpTable kernel_table();
/// The reductions and what each is, for a help page.
[[nodiscard]] HelpTable reduction_table();

}  // namespace pixmill::cli

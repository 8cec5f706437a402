#include "cli/options.hpp"

#include "cli/quantities.hpp"

#include <pixmill/error.hpp>
#include <pixmill/machine.hpp>
#include <pixmill/plugin.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace pixmill::cli {
namespace {

constexpr std::uint64_t kMostRetries = 1000000;
constexpr std::uint64_t kNoBound = std::numeric_limits<std::uint64_t>::max();

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorCode::usage, message); }

ArgumentParser::Setter text_into(std::optional<std::string>& target) {
  return [&target](const std::string& value) {
    if (value.empty()) refuse("expected a name, got an empty text");
    target = value;
  };
}

std::vector<std::string_view> backend_names() {
  std::vector<std::string_view> names;
  for (const BackendDescriptor& backend : backends()) names.push_back(backend.name);
  return names;
}

void set_backend(BatchOptions& batch, const std::string& value) {
  expect_word(value, backend_names());
  batch.backend = value;
}

}  // namespace

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> items;
  std::size_t begin = 0;
  for (std::size_t comma = 0; comma != std::string::npos; begin = comma + 1) {
    comma = text.find(',', begin);
    std::string item = text.substr(begin, comma == std::string::npos ? comma : comma - begin);
    item.erase(0, item.find_first_not_of(' '));
    item.erase(item.find_last_not_of(' ') + 1);
    items.push_back(std::move(item));
  }
  return items;
}

void add_input_options(ArgumentParser& parser, BatchArguments& arguments, bool from_standard_input) {
  InputOptions& inputs = arguments.batch.inputs;
  parser.group(from_standard_input ? "inputs (files, folders, quoted globs, or - for one image on standard input)"
                                   : "inputs (files, folders, quoted globs)");
  parser.flag("-r,--recursive", "descend into folders; outputs keep the tree below them", inputs.recursive);
  parser.flag("--hidden", "take files and folders whose name begins with a dot as well", inputs.hidden);
  parser.option("--files-from", "FILE",
                std::string("read inputs from FILE, one path a line, in that order") +
                    (from_standard_input ? "; - is standard input" : ""),
                text_into(inputs.files_from));
  parser.flag("-0,--null", "the list has NUL between paths instead of newlines, as find -print0 makes it",
              inputs.nul_separated);
  parser.option("--root", "DIR", "outputs keep the path of their inputs below DIR, for lists and globs too",
                text_into(inputs.root));
  parser.option(
      "--orient", "on|off", "turn images upright as their EXIF orientation says",
      [&arguments](const std::string& value) {
        expect_word(value, {"on", "off"});
        arguments.batch.apply_orientation = value == "on";
      },
      "on");
}

void add_chain_options(ArgumentParser& parser, BatchArguments& arguments) {
  parser.group("what is done with each image");
  parser.option(
      "--ops", "CHAIN",
      std::string("kernels, NAME[=ARG[:KEY=ARG]...] separated by commas") +
          (arguments.ops ? "" : "; without: images as they are"),
      [&arguments](const std::string& value) {
        if (value.empty()) {
          throw Error(ErrorCode::usage, "--ops is empty, perhaps for a variable that is not set; leave it out instead");
        }
        arguments.ops = value;
      },
      arguments.ops.value_or(""));
  add_plugin_option(parser, arguments.plugins);
}

void add_plugin_option(ArgumentParser& parser, std::vector<std::string>& plugins) {
  parser.options("--plugin", "FILE.so",
                 "load own kernels and reductions from FILE.so, whose code then runs here; may be repeated",
                 [&plugins](const std::string& value) { plugins.push_back(value); });
}

void load_plugins(const std::vector<std::string>& plugins) {
  for (const std::string& file : plugins) load_plugin(file);
}

void add_reduction_options(ArgumentParser& parser, BatchArguments& arguments) {
  BatchOptions& batch = arguments.batch;
  std::string preset;
  for (const std::string& name : batch.reductions) preset += (preset.empty() ? "" : ",") + name;
  parser.group("reductions, over every pixel of the batch after the chain");
  parser.option(
      "--reduce", "LIST", "which, separated by commas",
      [&batch](const std::string& value) { batch.reductions = split_list(value); }, preset);
  parser.option("--reduce-out", "FILE", "write the report there, as CSV if FILE ends in .csv, else as JSON",
                text_into(batch.reduce_out), "JSON on standard output");
  parser.flag("--per-image", "report a row an image as well", batch.per_image);
}

void add_format_options(ArgumentParser& parser, BatchArguments& arguments) {
  OutputOptions& output = arguments.output;
  parser.group("format of the outputs");
  parser.option(
      "--format", "NAME", list_words(output_formats()) + "; same: that of the input",
      [&output](const std::string& value) {
        expect_word(value, output_formats());
        output.format = value;
      },
      output.format);
  parser.option(
      "--quality", "N", "of JPEG and WebP, 1 to 100",
      [&output](const std::string& value) { output.quality = static_cast<int>(parse_whole(value, 1, 100)); },
      std::to_string(output.quality));
  parser.option(
      "--compression", "N", "of PNG, 0 (fast, large) to 9 (slow, small)",
      [&output](const std::string& value) { output.compression = static_cast<int>(parse_whole(value, 0, 9)); },
      std::to_string(output.compression));
  parser.flag("--keep-metadata", "keep the ICC profile, EXIF and resolution, as far as the format holds them",
              output.keep_metadata);
}

void add_destination_options(ArgumentParser& parser, BatchArguments& arguments) {
  OutputOptions& output = arguments.output;
  parser.group("where they go");
  parser.option("-o,--output", "DIR", "folder for the images and the manifest; made if missing; required",
                [&output](const std::string& value) {
                  if (value.empty()) refuse("expected a folder, got an empty text");
                  output.directory = value;
                });
  parser.flag("--keep-ext", "a.jpg becomes a.jpg.png instead of a.png", output.keep_ext);
  parser.flag("--overwrite", "replace outputs and the manifest of an earlier run", output.overwrite);
  parser.flag("--resume", "do only what an earlier run with the same chain has not finished", output.resume);
  parser.flag("--fsync", "make each output safe against loss of power, too", output.fsync);
  parser.flag("--dry-run", "print each input and its output, separated by a tab; do nothing", arguments.dry_run);
}

void add_limit_options(ArgumentParser& parser, BatchArguments& arguments) {
  BatchOptions& batch = arguments.batch;
  LimitOptions& limits = batch.limits;
  parser.group("limits on each image, checked on its header before memory is taken");
  parser.option(
      "--max-memory", "SIZE", "bytes a worker may need for it, as in 512M or 1.5G",
      [&limits](const std::string& value) { limits.max_memory = parse_size(value); }, format_size(limits.max_memory));
  parser.option(
      "--max-pixels", "N", "pixels, width times height",
      [&limits](const std::string& value) { limits.max_pixels = parse_whole(value, 1, kNoBound); },
      std::to_string(limits.max_pixels));
  parser.option(
      "--max-side", "N", "pixels along either side",
      [&limits](const std::string& value) { limits.max_side = parse_whole(value, 1, kNoBound); },
      std::to_string(limits.max_side));
  parser.flag("--strict", "a damaged image has failed; this is the default", arguments.strict);
  parser.flag("--lenient", "keep what can be decoded of a damaged image, as 'repaired'", batch.lenient);
}

void add_manifest_options(ArgumentParser& parser, BatchArguments& arguments) {
  parser.group("record");
  parser.option("--manifest", "FILE", "one JSON object an image, and a summary as the last line",
                text_into(arguments.batch.manifest), "DIR/pixmill.jsonl; none without DIR");
  parser.option("--trace", "FILE", "a trace of where time goes, a row a worker, for Perfetto or chrome://tracing",
                text_into(arguments.batch.trace));
}

void add_execution_options(ArgumentParser& parser, BatchArguments& arguments) {
  BatchOptions& batch = arguments.batch;
  parser.group("where it runs");
  parser.option(
      "--backend", "NAME", list_words(backend_names()) + "; the answer is the same bits on each",
      [&batch](const std::string& value) { set_backend(batch, value); }, batch.backend);
  parser.option(
      "-j,--jobs", "N", "workers",
      [&batch](const std::string& value) { batch.jobs = static_cast<int>(parse_whole(value, 1, kMostJobs)); },
      fmt::format("the usable CPUs, here {}", usable_cpus()));
  parser.option(
      "--on-error", "continue|stop", "whether an image that fails ends the run",
      [&batch](const std::string& value) {
        expect_word(value, {"continue", "stop"});
        batch.stop_on_error = value == "stop";
      },
      "continue");
  parser.option(
      "--timeout", "SECONDS", "an image that takes longer has failed, 0: never (processes)",
      [&batch](const std::string& value) { batch.supervision.timeout = parse_seconds(value); }, "60");
  parser.option(
      "--retries", "N", "how often an image is tried again after its worker died or was too slow (processes)",
      [&batch](const std::string& value) {
        batch.supervision.retries = static_cast<int>(parse_whole(value, 0, kMostRetries));
      },
      "1");
  parser.option(
      "--sandbox", "on|off", "whether workers are locked in before they see an image (processes)",
      [&batch](const std::string& value) {
        expect_word(value, {"on", "off"});
        batch.supervision.sandbox = value == "on";
      },
      "on");
}

void add_report_options(ArgumentParser& parser, BatchArguments& arguments) {
  parser.group("what is said on standard error");
  parser.option(
      "--progress", "auto|bar|json|none", "auto: a bar on a terminal; json: one object a second",
      [&arguments](const std::string& value) {
        const std::vector<std::string_view> words = {"auto", "bar", "json", "none"};
        expect_word(value, words);
        const auto at = std::find(words.begin(), words.end(), value) - words.begin();
        arguments.progress = static_cast<ProgressMode>(at);
      },
      "auto");
  parser.flag("-q,--quiet", "only errors; images that fail are in the manifest", arguments.log.quiet);
  parser.flag("-v,--verbose", "a line for each image", arguments.log.verbose);
  parser.flag("--log-json", "one JSON object a line, no bar", arguments.log.json);
}

bool parse_batch_arguments(const ArgumentParser& parser, std::span<const std::string> given,
                           BatchArguments& arguments) {
  BatchOptions& batch = arguments.batch;
  if (!parser.parse(given, batch.inputs.paths)) return false;
  if (arguments.strict && batch.lenient) refuse("--strict and --lenient contradict each other; leave one out");
  if (arguments.log.quiet && arguments.log.verbose) refuse("-q and -v contradict each other; leave one out");
  if (batch.inputs.nul_separated && !batch.inputs.files_from) {
    refuse("-0 says how the list of --files-from is separated; add --files-from FILE or leave -0 out");
  }
  if (batch.reductions.empty() && (batch.per_image || batch.reduce_out)) {
    refuse(std::string(batch.per_image ? "--per-image" : "--reduce-out") +
           " needs reductions to report; add --reduce LIST, such as --reduce mean,std");
  }
  if (batch.reduce_out == "-") batch.reduce_out.reset();
  load_plugins(arguments.plugins);
  if (arguments.ops) {
    try {
      batch.plan = Plan::parse(*arguments.ops);
    } catch (const Error& error) {
      throw Error(error.code(), std::string("--ops: ") + error.what());
    }
  }
  // Whoever reads JSON objects from standard error does not want sentences between them.
  arguments.log.json = arguments.log.json || arguments.progress == ProgressMode::json;
  if (arguments.log.json && arguments.progress != ProgressMode::json) arguments.progress = ProgressMode::none;
  if (arguments.log.quiet && arguments.progress == ProgressMode::automatic) arguments.progress = ProgressMode::none;
  return true;
}

void require_inputs(const BatchArguments& arguments) {
  if (arguments.batch.inputs.paths.empty() && !arguments.batch.inputs.files_from) {
    refuse("no input; name images, folders or quoted globs, or give a list with --files-from FILE");
  }
}

HelpTable kernel_table() {
  HelpTable table{"kernels", {}, "'pixmill kernels NAME' tells all about one."};
  for (const KernelDescriptor* kernel : kernel_descriptors()) {
    table.rows.emplace_back(kernel->name, kernel->summary);
  }
  return table;
}

HelpTable reduction_table() {
  HelpTable table{"reductions", {}, ""};
  for (const ReductionDescriptor* reduction : reduction_descriptors()) {
    table.rows.emplace_back(std::string(reduction->name) + (reduction->makes_image ? "=FILE" : ""), reduction->summary);
  }
  return table;
}

}  // namespace pixmill::cli

#include "pipeline/batch_setup.hpp"

#include "ipc/sandbox.hpp"
#include "pipeline/files/whole_file.hpp"
#include "pipeline/own/registry.hpp"
#include "pipeline/plan/chain.hpp"

#include <pixmill/error.hpp>
#include <pixmill/machine.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace pixmill::pipeline {
namespace {

constexpr int kMostJobs = 4096;
constexpr std::string_view kSame = "same";

[[noreturn]] void refuse(std::string_view option, std::string_view value, std::string_view expected) {
  throw Error(ErrorCode::usage, fmt::format("{} {}: expected {}", option, value, expected));
}

[[noreturn]] void refuse_name(std::string_view option, std::string_view value,
                              const std::vector<std::string_view>& names) {
  std::string message = fmt::format("{} {}: expected one of {}", option, value, fmt::join(names, ", "));
  if (const std::string near = nearest_name(value, names); !near.empty())
    message += fmt::format("; did you mean '{}'?", near);
  throw Error(ErrorCode::usage, message);
}

const Backend* backend_named(const std::string& name) {
  if (const Backend* backend = find_backend(name)) return backend;
  std::vector<std::string_view> names;
  for (const Backend& backend : all_backends()) names.push_back(backend.descriptor.name);
  refuse_name("--backend", name, names);
}

int jobs_of(const BatchOptions& options, const Backend& backend) {
  if (options.jobs < 0 || options.jobs > kMostJobs) {
    refuse("--jobs", std::to_string(options.jobs), fmt::format("a number of jobs from 1 to {}", kMostJobs));
  }
  if (!backend.descriptor.parallel) return 1;
  return options.jobs > 0 ? options.jobs : usable_cpus();
}

Supervision supervision_of(const SupervisionOptions& options, const Backend& backend) {
  constexpr std::chrono::hours kLongest{24 * 365};
  constexpr int kMostRetries = 1000000;
  Supervision supervision;
  if (!backend.descriptor.isolated && (options.timeout || options.retries || options.sandbox)) {
    throw Error(ErrorCode::usage,
                fmt::format("{} is heeded by --backend processes alone, whose workers are processes of their own; "
                            "leave it out with --backend {}",
                            options.timeout   ? "--timeout"
                            : options.retries ? "--retries"
                                              : "--sandbox",
                            backend.descriptor.name));
  }
  if (options.timeout) supervision.timeout = *options.timeout;
  if (options.retries) supervision.retries = *options.retries;
  supervision.start = options.start;
  supervision.worker_program = options.worker_program;
  supervision.sandbox = options.sandbox.value_or(ipc::kSandboxInThisBuild);
  if (supervision.sandbox && !ipc::kSandboxInThisBuild) {
    throw Error(ErrorCode::machine,
                "--sandbox on: this build has a sanitizer, which calls the kernel as it pleases; leave it out");
  }
  if (supervision.timeout.count() < 0 || supervision.timeout > kLongest) {
    refuse("--timeout", fmt::format("{}", static_cast<double>(supervision.timeout.count()) / 1000),
           "seconds from 0 (never) to a year");
  }
  if (supervision.retries < 0 || supervision.retries > kMostRetries) {
    refuse("--retries", std::to_string(supervision.retries), fmt::format("a number from 0 to {}", kMostRetries));
  }
  return supervision;
}

void check_limits(const LimitOptions& limits) {
  constexpr std::uint64_t kLeastMemory = std::uint64_t{1} << 20;
  constexpr std::uint64_t kMostPixels = std::uint64_t{1} << 31;
  if (limits.max_memory < kLeastMemory)
    refuse("--max-memory", fmt::format("{} bytes", limits.max_memory), "at least 1M");
  if (limits.max_pixels < 1 || limits.max_pixels > kMostPixels) {
    refuse("--max-pixels", std::to_string(limits.max_pixels), fmt::format("a number from 1 to {}", kMostPixels));
  }
  if (limits.max_side < 1 || limits.max_side > 1000000) {
    refuse("--max-side", std::to_string(limits.max_side), "a number from 1 to 1000000");
  }
}

const Codec* format_named(const std::string& name) {
  if (name == kSame) return nullptr;
  const Codec* codec = find_codec(name);
  if (codec == nullptr || codec->make_encoder == nullptr) refuse_name("--format", name, output_formats());
  return codec;
}

void set_output(const BatchOptions& options, BatchSetup& setup) {
  const OutputOptions& output = *options.output;
  if (output.directory.empty()) refuse("--output", "''", "the name of a folder");
  if (output.quality < 1 || output.quality > 100)
    refuse("--quality", std::to_string(output.quality), "a number from 1 to 100");
  if (output.compression < 0 || output.compression > 9) {
    refuse("--compression", std::to_string(output.compression), "a number from 0 to 9");
  }
  if (output.overwrite && output.resume) {
    throw Error(ErrorCode::usage, "--overwrite and --resume contradict each other; give one of them");
  }
  setup.program.write = true;
  setup.program.keep_metadata = output.keep_metadata;
  setup.program.format = format_named(output.format);
  setup.program.encode = {output.quality, output.compression};
  setup.naming.directory = output.directory;
  while (setup.naming.directory.size() > 1 && setup.naming.directory.ends_with('/')) setup.naming.directory.pop_back();
  setup.naming.extension =
      setup.program.format != nullptr ? std::string(setup.program.format->extension) : std::string();
  setup.naming.keep_ext = output.keep_ext;
}

std::size_t reduction_named(const std::string& name, const std::vector<const kernels::Reduction*>& all) {
  std::vector<std::string_view> names;
  names.reserve(all.size());
  for (const kernels::Reduction* known : all) names.push_back(known->descriptor->name);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) refuse_name("--reduce", name, names);
  return static_cast<std::size_t>(found - names.begin());
}

void check_path(const kernels::Reduction& reduction, const std::string& text, const std::string& path,
                const std::optional<std::string>& before) {
  const std::string name(reduction.descriptor->name);
  if (reduction.descriptor->makes_image && path.empty()) {
    refuse("--reduce", text, fmt::format("the name of the image that it makes, as in {}=FILE.png", name));
  }
  if (!reduction.descriptor->makes_image && text.find('=') != std::string::npos) {
    refuse("--reduce", text, fmt::format("{} alone; it makes no image (--reduce-out FILE takes the report)", name));
  }
  if (before && *before != path) refuse("--reduce", text, fmt::format("one file for {}, not two", name));
}

const Codec* codec_of_ending(const kernels::Reduction& reduction, const std::string& path) {
  const std::size_t dot = path.find_last_of("./");
  std::string ending = dot == std::string::npos || path[dot] == '/' ? std::string() : path.substr(dot + 1);
  for (char& c : ending) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (ending == "jpeg") ending = "jpg";
  if (ending == "tif") ending = "tiff";
  const Codec* codec = find_codec(ending);
  if (codec == nullptr || codec->make_encoder == nullptr) {
    std::vector<std::string_view> names = output_formats();
    names.pop_back();  // "same"
    refuse("--reduce", fmt::format("{}={}", reduction.descriptor->name, path),
           fmt::format("a file whose ending says its format: {}", fmt::join(names, ", ")));
  }
  if (!std::get<kernels::PixelReduction>(reduction.operation).keeps_levels && !codec->holds_sixteen_bits) {
    std::vector<std::string_view> names;
    for (const Codec& deep : all_codecs()) {
      if (deep.make_encoder != nullptr && deep.holds_sixteen_bits) names.push_back(deep.name);
    }
    refuse("--reduce", fmt::format("{}={}", reduction.descriptor->name, path),
           fmt::format("a format that holds 16 bits: {}", fmt::join(names, ", ")));
  }
  return codec;
}

void set_reductions(const BatchOptions& options, BatchSetup& setup) {
  const std::vector<const kernels::Reduction*> table = every_reduction();
  std::vector<std::optional<std::string>> wanted(table.size());  // with the path of the image, if it makes one
  for (const std::string& text : options.reductions) {
    if (text.empty()) throw Error(ErrorCode::usage, "--reduce: an item is empty; expected names separated by commas");
    const std::size_t equals = text.find('=');
    const std::size_t index = reduction_named(text.substr(0, equals), table);
    const std::string path = equals == std::string::npos ? std::string() : text.substr(equals + 1);
    check_path(*table[index], text, path, wanted[index]);
    wanted[index] = path;
  }
  // In the table's order, each once: the report does not depend on how the list was written.
  std::vector<const UserReduction*> own;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i]) continue;
    setup.report.rows.push_back({table[i], *wanted[i]});
    if (const auto* levels = std::get_if<kernels::LevelReduction>(&table[i]->operation)) {
      setup.program.reduce_histogram = setup.program.reduce_histogram || levels->needs_histogram;
    } else if (const auto* reduction = std::get_if<const kernels::OwnReduction*>(&table[i]->operation)) {
      own.push_back(static_cast<const UserReduction*>(*reduction));
    } else {
      setup.images.push_back({table[i], *wanted[i], codec_of_ending(*table[i], *wanted[i])});
    }
  }
  if (!own.empty()) setup.program.own = std::make_shared<const OwnReductions>(std::move(own));
  setup.report.per_image = options.per_image;
  setup.program.reduce = !setup.report.rows.empty();
}

// What decides the bytes of an output, and nothing else.
std::string plan_text(const BatchOptions& options) {
  std::string text = options.plan.empty() ? std::string("(decode)") : options.plan.text();
  for (const ChainStep& step : chain_of(options.plan).steps) {
    if (step.kernel->own != nullptr) text += fmt::format(" [{} {}]", step.kernel->descriptor->name, step.identity);
  }
  if (options.output) {
    const OutputOptions& output = *options.output;
    text += " -> " + output.format;
    if (heeds_quality(output.format)) text += fmt::format(" quality={}", output.quality);
    if (heeds_compression(output.format)) text += fmt::format(" compression={}", output.compression);
    if (output.keep_metadata) text += " metadata=kept";
  }
  return text +
         fmt::format(" orient={} {}", options.apply_orientation ? "on" : "off", options.lenient ? "lenient" : "strict");
}

}  // namespace

bool heeds_quality(std::string_view format) {
  const Codec* codec = find_codec(format);
  return codec == nullptr || codec->heeds_quality;  // "same": some input may be of a format that does
}

bool heeds_compression(std::string_view format) {
  const Codec* codec = find_codec(format);
  return codec == nullptr || codec->heeds_compression;
}

BatchSetup check_options(const BatchOptions& options) {
  BatchSetup setup;
  setup.backend = backend_named(options.backend);
  setup.jobs = jobs_of(options, *setup.backend);
  setup.supervision = supervision_of(options.supervision, *setup.backend);
  check_limits(options.limits);
  setup.program.limits = options.limits;
  setup.program.lenient = options.lenient;
  setup.program.apply_orientation = options.apply_orientation;
  setup.program.time_stages = options.trace.has_value() || options.time_stages;
  if (options.output) set_output(options, setup);
  set_reductions(options, setup);
  if (options.manifest) {
    setup.manifest = *options.manifest;
  } else if (options.output) {
    setup.manifest = setup.naming.directory + "/pixmill.jsonl";
  }
  setup.plan = plan_text(options);
  setup.plan_hash = content_hash(std::as_bytes(std::span(setup.plan)));
  return setup;
}

}  // namespace pixmill::pipeline

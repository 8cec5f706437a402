#include "bench/bench.hpp"

#include "bench/session.hpp"

#include <pixmill/error.hpp>
#include <pixmill/machine.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace pixmill::bench {
namespace {

const BackendDescriptor& backend_named(const std::string& name) {
  std::vector<std::string_view> names;
  for (const BackendDescriptor& backend : backends()) {
    if (backend.name == name) return backend;
    names.push_back(backend.name);
  }
  const std::string near = nearest_name(name, names);
  throw Error(ErrorCode::usage,
              fmt::format("--backends: no backend '{}'; expected some of {}{}", name, fmt::join(names, ", "),
                          near.empty() ? "" : "; did you mean '" + near + "'?"));
}

void refuse_what_is_read_once(const InputOptions& inputs) {
  const bool image = std::find(inputs.paths.begin(), inputs.paths.end(), "-") != inputs.paths.end();
  if (!image && inputs.files_from != "-") return;
  throw Error(ErrorCode::usage,
              std::string(image ? "-" : "--files-from -") +
                  ": every run reads the inputs anew, and standard input can be read only once; save it to a file");
}

template <typename Value>
void append_once(std::vector<Value>& values, const Value& value) {
  if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
}

}  // namespace

std::vector<int> default_jobs(int cpus) {
  constexpr int kAll = 8;
  std::vector<int> jobs;
  for (int n = 1; n < cpus; n = cpus <= kAll ? n + 1 : n * 2) jobs.push_back(n);
  jobs.push_back(cpus);
  return jobs;
}

std::vector<Point> points_of(const BenchOptions& options) {
  refuse_what_is_read_once(options.batch.inputs);
  const bool has_inputs = !options.batch.inputs.paths.empty() || options.batch.inputs.files_from;
  if (options.repeats < 1) throw Error(ErrorCode::usage, "--repeats: expected at least 1");
  std::vector<std::string> names;
  for (const std::string& name : options.backends) append_once(names, std::string(backend_named(name).name));
  if (options.backends.empty()) {
    for (const BackendDescriptor& backend : backends()) names.emplace_back(backend.name);
  }
  for (const auto& [wanted, name] : {std::pair(options.peers, "--peers"), std::pair(options.cold, "--cold")}) {
    if (!wanted) continue;
    if (!has_inputs) throw Error(ErrorCode::usage, fmt::format("{} needs images; name some", name));
    if (std::find(options.modes.begin(), options.modes.end(), Mode::files) != options.modes.end()) continue;
    throw Error(ErrorCode::usage, fmt::format("{} is from files to files; leave --mode memory out", name));
  }
  if ((options.queues || options.faults) && !has_inputs) return {};
  std::vector<int> jobs;
  for (const int n : options.jobs.empty() ? default_jobs(usable_cpus()) : options.jobs) {
    if (n < 1) throw Error(ErrorCode::usage, fmt::format("--jobs {}: expected numbers from 1", n));
    append_once(jobs, n);
  }
  std::sort(jobs.begin(), jobs.end());
  std::vector<Point> points;
  for (const Mode mode : {Mode::files, Mode::memory}) {
    if (std::find(options.modes.begin(), options.modes.end(), mode) == options.modes.end()) continue;
    for (const std::string& name : names) {
      const bool parallel = backend_named(name).parallel;
      for (const int n : parallel ? jobs : std::vector<int>{1}) points.push_back({mode, name, n});
    }
  }
  return points;
}

Report run_bench(const BenchOptions& options) { return Session(options).run(); }

}  // namespace pixmill::bench

#include "bench/file_mode.hpp"

#include "pipeline/files/whole_file.hpp"

#include <pixmill/error.hpp>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <system_error>
#include <vector>

namespace pixmill::bench {
namespace {

/// What is to be the same on every backend, of one image.
struct Result {
  std::uint64_t verdict = 0;
  std::uint64_t output_xxh64 = 0;
};

void count(const ImageOutcome& outcome, RunFigures& figures, std::vector<Result>& results) {
  if (outcome.index >= results.size()) results.resize(outcome.index + 1);
  results[outcome.index] = {static_cast<std::uint64_t>(outcome.verdict) + 1, outcome.output_xxh64};
  ++figures.images;
  if (!is_well(outcome.verdict)) ++figures.failed;
  if (is_well(outcome.verdict)) figures.pixels += static_cast<std::uint64_t>(outcome.width * outcome.height);
  figures.bytes += outcome.bytes_in;
}

}  // namespace

ScratchFolder::ScratchFolder() {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  path_ = ((error ? std::filesystem::path("/tmp") : parent) / "pixmill-bench-").string() +
          std::string(6, 'X');  // mkdtemp's blanks
  if (::mkdtemp(path_.data()) == nullptr) {
    throw Error(ErrorCode::machine, "no folder for outputs could be made (mkdtemp " + path_ +
                                        "): " + std::generic_category().message(errno) +
                                        "; set TMPDIR to a folder that can be written");
  }
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ScratchFolder::fresh() {
  std::error_code ignored;
  std::filesystem::remove_all(path_ + '/' + std::to_string(used_), ignored);
  return path_ + '/' + std::to_string(++used_);
}

RunFigures run_on_files(const BatchOptions& batch, const Point& point, const std::string& output,
                        Breakdown* breakdown) {
  BatchOptions options = batch;
  options.backend = point.backend;
  options.jobs = point.jobs;
  options.time_stages = breakdown != nullptr;
  options.supervision.start = StartMethod::fork;  // as pixmill run does
  if (!options.output) options.output.emplace();
  options.output->directory = output;
  options.output->keep_ext = true;  // a.jpg and a.png side by side are no reason to refuse a comparison
  RunFigures figures;
  std::vector<Result> results;
  options.on_outcome = [&](const ImageOutcome& outcome) { count(outcome, figures, results); };
  BatchReport report;
  measure(figures, [&] { report = run_batch(options); });
  if (!report.trouble.empty()) {
    throw Error(ErrorCode::machine,
                describe(point) + ": " + report.trouble +
                    (report.no_room ? "; outputs go to the temporary folder, set TMPDIR to another" : ""));
  }
  if (breakdown != nullptr) *breakdown = {figures.seconds, report.stages, report.rows};
  figures.output_hash = pipeline::content_hash(std::as_bytes(std::span(results)));
  return figures;
}

}  // namespace pixmill::bench

#include "pipeline/worker_job.hpp"

#include "pipeline/own/registry.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plugin.hpp>
#include <pixmill/version.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <variant>

namespace pixmill::pipeline {
namespace {

std::string identity_of(const Program::OwnPart& part) {
  return fmt::format("{} '{}' {}", part.what, part.name, part.identity);
}

void add_own_parts(const Program& program, WorkerJob& job) {
  for (const Program::OwnPart& part : program.own_parts()) {
    if (part.plugin.empty()) {
      throw Error(ErrorCode::usage,
                  fmt::format("the {} '{}' was registered by this program, and pixmill-worker does not have it; put it "
                              "into a plug-in, or use StartMethod::fork",
                              part.what, part.name));
    }
    job.identities.push_back(identity_of(part));
    if (std::find(job.plugins.begin(), job.plugins.end(), part.plugin) != job.plugins.end()) continue;
    job.plugins.emplace_back(part.plugin);
  }
}

FileJob plain(const Program::Options& options) {
  // By name, so that an option that is added is not forgotten here.
  const auto& [limits, lenient, apply_orientation, write, keep_metadata, format, encode, reduce, reduce_histogram,
               time_stages, own, decided, until_undecided] = options;
  FileJob job;
  job.limits = limits;
  job.lenient = lenient;
  job.apply_orientation = apply_orientation;
  job.write = write;
  job.keep_metadata = keep_metadata;
  if (format != nullptr) job.format = format->name;
  job.encode = encode;
  job.reduce = reduce;
  job.reduce_histogram = reduce_histogram;
  job.time_stages = time_stages;
  if (own != nullptr) {
    for (const UserReduction* reduction : own->all()) job.own_reductions.push_back(reduction->name());
  }
  for (const auto& operation : decided) job.decided.push_back(operation->decided_numbers());
  job.until_undecided = until_undecided;
  return job;
}

[[noreturn]] void fail(const std::string& why) { throw Error(ErrorCode::machine, "pixmill-worker: " + why); }

const Codec* codec_named(const std::string& name) {
  if (name.empty()) return nullptr;
  const Codec* codec = find_codec(name);
  if (codec == nullptr || codec->make_encoder == nullptr) fail(fmt::format("there is no format '{}'", name));
  return codec;
}

std::shared_ptr<const OwnReductions> reductions_named(const std::vector<std::string>& names) {
  if (names.empty()) return nullptr;
  const std::vector<const kernels::Reduction*> all = every_reduction();
  std::vector<const UserReduction*> own;
  for (const std::string& name : names) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&name](const auto* reduction) { return reduction->descriptor->name == name; });
    const auto* reduction =
        found == all.end() ? nullptr : std::get_if<const kernels::OwnReduction*>(&(*found)->operation);
    if (reduction == nullptr) fail(fmt::format("there is no own reduction '{}'", name));
    own.push_back(static_cast<const UserReduction*>(*reduction));
  }
  return std::make_shared<const OwnReductions>(std::move(own));
}

// Each kernel that needed the batch says what the next one is: so a program is made up to each.
std::vector<std::shared_ptr<const kernels::LevelOperation>> decided_again(
    const Plan& plan, const std::vector<std::vector<std::int64_t>>& decided) {
  Program::Options options;
  options.until_undecided = true;
  for (const auto& numbers : decided) {
    const Program program(plan, options);
    std::shared_ptr<const kernels::LevelOperation> operation;
    if (program.undecided() != nullptr) operation = program.undecided()->decided_as(numbers);
    if (operation == nullptr) fail("what the batch decided makes no sense");
    options.decided.push_back(std::move(operation));
  }
  return options.decided;
}

Program::Options options_of(const FileJob& job, const Plan& plan) {
  Program::Options options;
  options.limits = job.limits;
  options.lenient = job.lenient;
  options.apply_orientation = job.apply_orientation;
  options.write = job.write;
  options.keep_metadata = job.keep_metadata;
  options.format = codec_named(job.format);
  options.encode = job.encode;
  options.reduce = job.reduce;
  options.reduce_histogram = job.reduce_histogram;
  options.time_stages = job.time_stages;
  options.own = reductions_named(job.own_reductions);
  options.decided = decided_again(plan, job.decided);
  options.until_undecided = job.until_undecided;
  return options;
}

void check_own_parts(const WorkerJob& job, const Program& program) {
  const std::vector<Program::OwnPart> parts = program.own_parts();
  if (parts.size() != job.identities.size()) fail("it has other kernels and reductions than the library");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (identity_of(parts[i]) == job.identities[i]) continue;
    fail(
        fmt::format("the {} '{}' is not what it was when the plan was made; was its plug-in or a file that it reads "
                    "changed meanwhile?",
                    parts[i].what, parts[i].name));
  }
}

}  // namespace

std::string worker_protocol() {
  // To be raised with WorkerJob, Program::Options, Stage, and whatever else messages and answers are made of.
  constexpr int kProtocol = 1;
  return fmt::format("{} (protocol {})", version(), kProtocol);
}

WorkerJob frame_job(const Program& program, const WorkerLimits& limits) {
  WorkerJob job;
  job.protocol = worker_protocol();
  job.limits = limits;
  job.plan = program.plan().text();
  job.system_calls = program.system_calls();
  add_own_parts(program, job);
  return job;
}

WorkerJob file_job(const Program& program, const WorkerLimits& limits) {
  WorkerJob job = frame_job(program, limits);
  job.files = plain(program.options());
  return job;
}

void compile(const WorkerJob& job, std::optional<Program>& program) {
  if (job.protocol != worker_protocol()) {
    throw Error(ErrorCode::machine, fmt::format("this pixmill-worker is of version {}, and the library of {}; install "
                                                "both from one build",
                                                worker_protocol(), job.protocol));
  }
  for (const std::string& plugin : job.plugins) load_plugin(plugin);
  const Plan plan = Plan::parse(job.plan);
  program.emplace(plan, job.files ? options_of(*job.files, plan) : Program::Options{});
  check_own_parts(job, *program);
}

}  // namespace pixmill::pipeline

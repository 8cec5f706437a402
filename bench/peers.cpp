#include "bench/peers.hpp"

#include "bench/peer_outputs.hpp"
#include "bench/peer_scripts.hpp"
#include "pipeline/inputs/path_error.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plan.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

namespace pixmill::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kJob = "gray,threshold=otsu";
// Of PNG, for Magick's programs: zlib's level 1, as all others have it, and no filter.
constexpr const char* kPngQuality = "10";
// Magick's programs take several files a call; so many calls a worker that none waits long for the last.
constexpr std::size_t kCallsAWorker = 4;
// Enough to load Python and OpenCV from a slow disk; whoever takes longer to tell a version hangs.
constexpr std::chrono::seconds kVersionLimit{10};

Peer missing(const char* name, std::string why) {
  Peer peer;
  peer.name = name;
  peer.why_not = std::move(why);
  return peer;
}

Peer named(const char* name, std::string version) {
  Peer peer;
  peer.name = name;
  peer.version = std::move(version);
  return peer;
}

void check_job(const BatchOptions& batch) {
  if (batch.plan.text() != Plan::parse(kJob).text() || (batch.output && batch.output->format != "png")) {
    throw Error(
        ErrorCode::usage,
        fmt::format("--peers: other programs are compared at '--ops {}' into PNG alone; leave it or --ops out", kJob));
  }
  if (!batch.output) return;
  const char* const own = batch.output->compression != OutputOptions().compression ? "--compression"
                          : batch.output->keep_metadata                            ? "--keep-metadata"
                                                                                   : nullptr;
  if (own == nullptr) return;
  throw Error(ErrorCode::usage,
              fmt::format("--peers: other programs would not do the work of {0}; leave it or {0} out", own));
}

/// `pixmill run` with what decides which images come through, as in the runs of the backends.
std::vector<std::string> run_words(const BatchOptions& batch, const std::string& program, const std::string& list,
                                   int jobs) {
  std::vector<std::string> words = {program,        "run",
                                    "--files-from", list,
                                    "--ops",        kJob,
                                    "-j",           std::to_string(jobs),
                                    "--orient",     batch.apply_orientation ? "on" : "off",
                                    "--max-memory", std::to_string(batch.limits.max_memory),
                                    "--max-pixels", std::to_string(batch.limits.max_pixels),
                                    "--max-side",   std::to_string(batch.limits.max_side),
                                    "-q",           "-o",
                                    "{out}"};
  if (batch.lenient) words.emplace_back("--lenient");
  return words;
}

}  // namespace

Peers::Peers(const BatchOptions& batch, std::string program, int jobs, std::string folder, std::stop_token stop)
    : jobs_(jobs),
      inputs_(pipeline::list_inputs(batch.inputs, "")),
      folder_(std::move(folder)),
      list_(folder_ + "/list"),
      program_(std::move(program)),
      stop_(std::move(stop)) {
  check_job(batch);
  std::ofstream lines(list_);
  std::ofstream nulls(folder_ + "/list0");
  // Names of their own, since inputs of several folders may have the same.
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const fs::path input(inputs_.path(i));
    const std::string link = fmt::format("{:07}{}", i, input.extension().string());
    fs::create_symlink(fs::absolute(input), folder_ + '/' + link);
    lines << folder_ << '/' << link << '\n';
    nulls << link << '\0';
  }
  if (!lines.flush() || !nulls.flush()) throw Error(ErrorCode::machine, "no room for a list of files in " + folder_);
  add(named("pixmill run", version_of({program_, "--version"}).value_or("")), run_words(batch, program_, list_, jobs_));
  add_python();
  add_built("OpenCV, C++ threads", "peer_opencv_threads", "OpenCV's imgcodecs");
  add_built("libvips, C++ threads", "peer_vips_threads", "libvips",
            "gray in linear light, for it decodes no JPEG to luma alone");
  add_graphics_magick();
  add_image_magick();
}

std::optional<std::string> Peers::version_of(const std::vector<std::string>& words) const {
  const auto run = run_program(words, true, stop_, kVersionLimit);
  if (!run || run->exit_code != 0) return std::nullopt;
  return run->output.substr(0, run->output.find('\n'));
}

void Peers::add(Peer peer, std::vector<std::string> words) {
  peer.jobs = jobs_;
  commands_.push_back({std::move(peer), std::move(words)});
}

// Debian's has the packages of the system, and the first in PATH those of a user.
void Peers::add_python() {
  constexpr const char* kName = "Python, multiprocessing.Pool, cv2";
  for (const char* python : {"python3", "/usr/bin/python3"}) {
    const auto version = version_of({python, "-c", kPoolCv2, "--version"});
    if (!version) continue;
    return add(named(kName, *version), {python, "-c", kPoolCv2, list_, "{out}", std::to_string(jobs_)});
  }
  add(missing(kName, "no python3 with cv2"), {});
}

void Peers::add_built(const char* name, const char* file, const char* library, const char* note) {
  const std::string program = (fs::path(program_).parent_path() / file).string();
  if (const auto version = version_of({program, "--version"})) {
    Peer peer = named(name, *version);
    peer.note = note;
    return add(std::move(peer), {program, list_, "{out}", std::to_string(jobs_)});
  }
  add(missing(name,
              fmt::format("no {} beside pixmill; a build with its benchmarks makes it where {} is", file, library)),
      {});
}

void Peers::add_graphics_magick() {
  constexpr const char* kName = "GraphicsMagick, xargs";
  const auto version = version_of({"gm", "version"});
  if (!version || !version_of({"xargs", "--version"})) return add(missing(kName, "no gm, or no xargs"), {});
  Peer peer = named(kName, version->substr(0, version->find(" http")));
  peer.note = "a fixed threshold, for it has no Otsu";
  const std::uint64_t calls = static_cast<std::uint64_t>(jobs_) * kCallsAWorker;
  // It keeps the folders of a name below its output folder, so it is called where the files lie.
  add(std::move(peer), {"env",
                        "-C",
                        folder_,
                        "xargs",
                        "-0",
                        "-a",
                        "list0",
                        "-P",
                        std::to_string(jobs_),
                        "-n",
                        std::to_string(std::max<std::uint64_t>(1, (inputs_.size() + calls - 1) / calls)),
                        "gm",
                        "mogrify",
                        "-output-directory",
                        "{out}",
                        "-format",
                        "png",
                        "-colorspace",
                        "Gray",
                        "-threshold",
                        "50%",
                        "-quality",
                        kPngQuality});
}

void Peers::add_image_magick() {
  constexpr const char* kName = "ImageMagick, GNU parallel";
  const auto parallel = version_of({"parallel", "--version"});
  const bool gnu = parallel && parallel->starts_with("GNU parallel");
  for (const char* program : {"magick", "convert"}) {
    const auto version = version_of({program, "--version"});
    if (!gnu || !version || !version->starts_with("Version: ImageMagick")) continue;
    Peer peer = named(kName, version->substr(9, version->find(" http") - 9));
    std::vector<std::string> words = {
        "env",   "-C", folder_,       "parallel", "-0", "-a", "list0", "-j", std::to_string(jobs_),
        program, "{}", "-colorspace", "Gray"};
    if (std::string_view(program) == "magick") {
      words.insert(words.end(), {"-auto-threshold", "OTSU"});
    } else {
      words.insert(words.end(), {"-threshold", "50%"});
      peer.note = "a fixed threshold, for version 6 has no Otsu";
    }
    words.insert(words.end(), {"-quality", kPngQuality, "{out}/{}.png"});
    return add(std::move(peer), std::move(words));
  }
  add(missing(kName, "no ImageMagick, or no GNU parallel"), {});
}

std::vector<Peer> Peers::peers() const {
  std::vector<Peer> all;
  for (const Command& command : commands_) all.push_back(command.peer);
  return all;
}

std::optional<ForeignRun> Peers::run(std::size_t place, const std::string& output, Peer& peer,
                                     const std::stop_token& stop) {
  std::vector<std::string> words = commands_.at(place).words;
  for (std::string& word : words) {
    if (const auto at = word.find("{out}"); at != std::string::npos) word.replace(at, 5, output);
  }
  fs::create_directory(output);
  auto run = run_program(words, false, stop);
  if (!run) return std::nullopt;
  peer.output_bytes = bytes_in(output);
  const std::vector<bool> made = outputs_in(output, inputs_.size());
  if (place == 0 && pixmills_.empty()) pixmills_ = made;
  hold_against(peer, run->exit_code, made, pixmills_,
               [this](std::size_t i) { return pipeline::shown(inputs_.kept_path(i)); });
  // 1: images failed, and are known.
  if (place == 0 && run->exit_code > 1 && peer.why_not.empty()) {
    peer.why_not = fmt::format("it ended with exit code {}", run->exit_code);
  }
  return run;
}

}  // namespace pixmill::bench

#include "bench/peers.hpp"

#include "bench/foreign_program.hpp"
#include "bench/peer_scripts.hpp"
#include "pipeline/inputs/input_list.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plan.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

namespace pixmill::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kJob = "gray,threshold=otsu";
// Magick's programs take several files a call; so many calls a worker that none waits long for the last.
constexpr std::size_t kCallsAWorker = 4;

/// What a program says of itself in its first line; nothing if there is none, or it ends badly.
std::optional<std::string> version_of(const std::vector<std::string>& words) {
  const auto run = run_program(words, true, {});
  if (!run || run->exit_code != 0) return std::nullopt;
  return run->output.substr(0, run->output.find('\n'));
}

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
}

}  // namespace

Peers::Peers(const BatchOptions& batch, std::string program, int jobs, std::string folder)
    : jobs_(jobs), folder_(std::move(folder)), list_(folder_ + "/list"), program_(std::move(program)) {
  check_job(batch);
  const pipeline::InputList inputs = pipeline::list_inputs(batch.inputs, "");
  std::ofstream lines(list_);
  std::ofstream nulls(folder_ + "/list0");
  files_ = inputs.size();
  // Names of their own, since inputs of several folders may have the same.
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const fs::path input(inputs.path(i));
    const std::string link = fmt::format("{:07}{}", i, input.extension().string());
    fs::create_symlink(fs::absolute(input), folder_ + '/' + link);
    lines << folder_ << '/' << link << '\n';
    nulls << link << '\0';
  }
  if (!lines.flush() || !nulls.flush()) throw Error(ErrorCode::machine, "no room for a list of files in " + folder_);
  add(named("pixmill run", version_of({program_, "--version"}).value_or("")),
      {program_, "run", "--files-from", list_, "--ops", kJob, "-j", std::to_string(jobs_), "-q", "-o", "{out}"});
  add_python();
  add_built("OpenCV, C++ threads", "peer_opencv_threads", "OpenCV's imgcodecs");
  add_built("libvips, C++ threads", "peer_vips_threads", "libvips");
  add_graphics_magick();
  add_image_magick();
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

void Peers::add_built(const char* name, const char* file, const char* library) {
  const std::string program = (fs::path(program_).parent_path() / file).string();
  if (const auto version = version_of({program, "--version"})) {
    return add(named(name, *version), {program, list_, "{out}", std::to_string(jobs_)});
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
                        std::to_string(std::max<std::uint64_t>(1, (files_ + calls - 1) / calls)),
                        "gm",
                        "mogrify",
                        "-output-directory",
                        "{out}",
                        "-format",
                        "png",
                        "-colorspace",
                        "Gray",
                        "-threshold",
                        "50%"});
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
    words.emplace_back("{out}/{}.png");
    return add(std::move(peer), std::move(words));
  }
  add(missing(kName, "no ImageMagick, or no GNU parallel"), {});
}

std::vector<Peer> Peers::peers() const {
  std::vector<Peer> all;
  for (const Command& command : commands_) all.push_back(command.peer);
  return all;
}

std::optional<double> Peers::run(std::size_t place, const std::string& output, std::uint64_t expected, Peer& peer,
                                 const std::stop_token& stop) const {
  std::vector<std::string> words = commands_.at(place).words;
  for (std::string& word : words) {
    if (const auto at = word.find("{out}"); at != std::string::npos) word.replace(at, 5, output);
  }
  fs::create_directory(output);
  const auto run = run_program(words, false, stop);
  if (!run) return std::nullopt;
  peer.outputs = 0;
  for (const auto& entry : fs::directory_iterator(output)) {
    if (entry.path().extension() == ".png" && entry.file_size() > 0) ++peer.outputs;
  }
  peer.expected = expected == 0 ? peer.outputs : expected;
  if (peer.outputs != peer.expected) {
    peer.why_not = fmt::format("it made {} outputs of {} (exit code {})", peer.outputs, peer.expected, run->exit_code);
  } else if (run->exit_code != 0 && place != 0) {
    peer.why_not = fmt::format("it ended with exit code {}", run->exit_code);
  }
  return run->seconds;
}

}  // namespace pixmill::bench

#include "pipeline/journal/journal.hpp"

#include "pipeline/files/system_error.hpp"
#include "pipeline/files/whole_file.hpp"

#include <pixmill/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <span>
#include <utility>

namespace pixmill::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOverwriteMark = "{\"overwrite\":true}\n";
constexpr std::uint64_t kRowBytes = 360;  // a row without its two paths
constexpr std::uint64_t kLongestJournal = std::uint64_t{1} << 20;
constexpr std::size_t kCopyStep = std::size_t{256} << 10;

// Where no path leads to a file, nothing can be overwritten either; the write that fails will say so. Throws if it
// cannot be told whether there is one: what is not seen would be overwritten.
bool is_out_of_reach(const char* call, const std::string& path, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case ELOOP:
    case ENAMETOOLONG:
      return true;
    default:
      throw Error(ErrorCode::machine, failed_call(call, path, error));
  }
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 || !is_out_of_reach("lstat", path, errno);
}

bool is_folder(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return S_ISDIR(status.st_mode);
  return !is_out_of_reach("stat", path, errno);
}

// The same for every way to name the same manifest, and when the whole output folder is moved.
std::string run_id(const Journal::Settings& settings) {
  if (settings.directory.empty()) return {};  // there will be no temporary files
  std::error_code error;
  const fs::path manifest = fs::weakly_canonical(fs::absolute(settings.manifest, error), error);
  const fs::path directory = fs::weakly_canonical(fs::absolute(settings.directory, error), error);
  const std::string below = manifest.lexically_relative(directory).string();
  const std::string& name = below.empty() || below.starts_with("..") ? manifest.string() : below;
  return hash_text(content_hash(std::as_bytes(std::span(name))));
}

std::string journal_path(const Journal::Settings& settings, const std::string& id) {
  return fmt::format("{}/{}{}.journal", settings.directory, kTemporaryPrefix, id);
}

std::string partials_path(const Journal::Settings& settings) { return settings.directory + "/pixmill.state.jsonl"; }

// What earlier runs did, by the manifest (-1: there is none) and by what a killed run was about to rename. True if that
// one ran with --overwrite: then all that is there was given up already.
bool learn(const Journal::Settings& settings, const std::string& id, int manifest_fd, const InputList& inputs,
           const OutputNaming& naming, PriorRun& prior) {
  prior = PriorRun(inputs, naming, settings.plan);
  if (manifest_fd >= 0) prior.read_rows(manifest_fd);
  if (settings.directory.empty()) return false;
  const std::string path = journal_path(settings, id);
  const ipc::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno != ENOENT && errno != ENOTDIR) throw Error(ErrorCode::machine, failed_call("open", path, errno));
  if (!fd) return false;
  prior.read_rows(fd.get());
  std::string first(kOverwriteMark.size(), '\0');
  return ::pread(fd.get(), first.data(), first.size(), 0) == static_cast<ssize_t>(first.size()) &&
         first == kOverwriteMark;
}

// --resume replaces a manifest in the end.
void check_manifest(int fd, const std::string& path) {
  if (may_be_manifest(fd)) return;
  throw Error(
      ErrorCode::usage,
      fmt::format("{} is no manifest, and --resume would replace it: move it away, or name another by --manifest",
                  path));
}

// Whether an output is what an earlier run wrote, however the folder is called now.
bool is_finished(const std::string& output, const PriorRun::Image& prior) {
  FileBuffer content;
  return prior.output_xxh64 != 0 && read_whole_file(output, prior.output_bytes, content).usable() &&
         content_hash(content.bytes()) == prior.output_xxh64;
}

void refuse_what_is_in_the_way(const Journal::Settings& settings, const PriorRun& prior, bool all_known,
                               const InputList& inputs, const OutputNaming& naming) {
  const bool fresh = !settings.overwrite && !settings.resume;
  if (fresh && !settings.manifest.empty() && exists(settings.manifest)) {
    throw Error(ErrorCode::usage,
                fmt::format("the manifest {} exists: {}", settings.manifest,
                            settings.directory.empty() ? "--overwrite replaces it"
                                                       : "--resume goes on with that run, --overwrite begins again"));
  }
  if (settings.directory.empty() || !exists(settings.directory)) return;
  if (!is_folder(settings.directory)) {
    throw Error(ErrorCode::usage, fmt::format("the output {} is no folder; choose another -o DIR", settings.directory));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string output = output_path(inputs, i, naming);
    if (!exists(output)) continue;
    if (is_folder(output)) {
      throw Error(ErrorCode::usage,
                  fmt::format("the output {} (of {}) is a folder; remove it, or choose another -o DIR", output,
                              inputs.path(i)));
    }
    if (all_known || prior.image(i).known || is_finished(output, prior.image(i))) continue;
    throw Error(ErrorCode::usage,
                settings.resume
                    ? fmt::format("the output {} exists, but {} does not know it: move it away, or use --overwrite",
                                  output, settings.manifest)
                    : fmt::format("the output {} exists: use --overwrite to replace, or --resume to go on", output));
  }
}

std::string content_of(const AppendFile& file) {
  std::string content;
  LineReader reader(file.fd());
  std::string_view line;
  std::uint64_t offset = 0;
  while (reader.next(line, offset)) content.append(line) += '\n';
  return content;
}

WriteStatus copy_tail(int from, std::uint64_t offset, AppendFile& to) {
  std::string piece(kCopyStep, '\0');
  for (;;) {
    const ssize_t got = ::pread(from, piece.data(), piece.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {false, false, failed_call("read", "manifest", errno)};
    if (got == 0) return {};
    WriteStatus status = to.append(std::string_view(piece).substr(0, static_cast<std::size_t>(got)));
    if (!status.ok) return status;
    offset += static_cast<std::uint64_t>(got);
  }
}

}  // namespace

Journal::Journal(Settings settings, const InputList& inputs, const OutputNaming& naming)
    : settings_(std::move(settings)), id_(run_id(settings_)) {
  all_known_ = settings_.overwrite;
  if (settings_.resume) {
    if (exists(settings_.manifest)) lock_manifest();
    all_known_ = learn(settings_, id_, manifest_.fd(), inputs, naming, prior_);
  }
  refuse_what_is_in_the_way(settings_, prior_, all_known_, inputs, naming);
  try {
    open_files(inputs);
  } catch (...) {
    // A run that could not begin leaves nothing that would be in the way of the next.
    const bool fresh = !settings_.resume && !settings_.overwrite;
    if (fresh && journal_) ::unlink(journal_.path().c_str());
    if (fresh && manifest_ && manifest_.size() == 0) ::unlink(settings_.manifest.c_str());
    throw;
  }
  if (settings_.resume && settings_.with_partials && exists(partials_path(settings_))) {
    ipc::UniqueFd fd(::open(partials_path(settings_).c_str(), O_RDONLY | O_CLOEXEC));
    if (fd) prior_.read_partials(std::move(fd));
  }
}

PriorRun Journal::check(const Settings& settings, const InputList& inputs, const OutputNaming& naming) {
  PriorRun prior;
  bool all_known = settings.overwrite;
  if (settings.resume) {
    const ipc::UniqueFd manifest(::open(settings.manifest.c_str(), O_RDONLY | O_CLOEXEC));
    if (!manifest && errno != ENOENT && errno != ENOTDIR) {
      throw Error(ErrorCode::machine, failed_call("open", settings.manifest, errno));
    }
    if (manifest) check_manifest(manifest.get(), settings.manifest);
    all_known = learn(settings, run_id(settings), manifest.get(), inputs, naming, prior);
  }
  refuse_what_is_in_the_way(settings, prior, all_known, inputs, naming);
  return prior;
}

void Journal::lock_manifest() {
  if (manifest_) return;
  ipc::UniqueFd fd = open_locked(settings_.manifest);
  if (settings_.resume) check_manifest(fd.get(), settings_.manifest);  // before a torn line is closed in it
  manifest_ = AppendFile(std::move(fd), settings_.manifest);
}

void Journal::open_files(const InputList& inputs) {
  if (!settings_.directory.empty()) {
    std::error_code error;
    fs::create_directories(settings_.directory, error);
    if (error) {
      throw Error(ErrorCode::machine,
                  failed_call("mkdir", settings_.directory, error.value()) + "; choose another -o DIR");
    }
  }
  if (settings_.manifest.empty()) return;
  lock_manifest();
  if (!settings_.resume && !settings_.overwrite && manifest_.size() > 0) {  // made since it was looked for
    throw Error(ErrorCode::usage,
                fmt::format("the manifest {} exists: another run has just made it", settings_.manifest));
  }
  manifest_.release_reserve();  // what a killed run had reserved
  reserve_rows(inputs);
  if (!settings_.directory.empty()) open_journal();
  // Not before the journal says that all that is there was given up: or else a death here would leave outputs that
  // nothing knows.
  if (settings_.overwrite && !manifest_.clear().ok) {
    throw Error(ErrorCode::machine, fmt::format("the manifest {} cannot be emptied", settings_.manifest));
  }
  first_row_ = manifest_.size();
}

void Journal::reserve_rows(const InputList& inputs) {
  std::uint64_t reserve = kRowBytes;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    reserve += kRowBytes + inputs.path(i).size() + settings_.directory.size() + inputs.kept_path(i).size();
  }
  if (!manifest_.reserve(reserve)) {
    throw Error(ErrorCode::machine, fmt::format("there is no room for the manifest {} ({} bytes); make room first",
                                                settings_.manifest, reserve));
  }
}

void Journal::open_journal() {
  if (settings_.resume || settings_.overwrite) remove_stale_temporaries(settings_.directory);
  journal_ = AppendFile(open_locked(journal_path(settings_, id_)), journal_path(settings_, id_));
  if (settings_.resume) {
    inherited_ = content_of(journal_);
  } else {
    WriteStatus status = journal_.clear();
    if (status.ok && settings_.overwrite) status = journal_.append(kOverwriteMark);
    if (!status.ok) throw Error(ErrorCode::machine, status.detail + "; make room first");
  }
  if (settings_.with_partials) {
    const int start_over = settings_.resume ? 0 : O_TRUNC;
    const std::string path = partials_path(settings_);
    ipc::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | start_over, 0666));
    if (!fd) throw Error(ErrorCode::machine, failed_call("open", path, errno));
    partials_ = AppendFile(std::move(fd), path);
  } else if (settings_.overwrite) {
    ::unlink(partials_path(settings_).c_str());
  }
}

WriteStatus Journal::keep(const ImageOutcome& outcome, const kernels::Partial& partial) {
  if (!partials_) return {};
  return partials_.append(partial_line({outcome.input, outcome.input_xxh64, settings_.plan}, partial));
}

WriteStatus Journal::announce(const ImageOutcome& outcome, const kernels::Partial* partial) {
  if (partial != nullptr) {
    if (WriteStatus status = keep(outcome, *partial); !status.ok) return status;
  }
  if (!journal_) return {};
  if (journal_.size() > kLongestJournal + 2 * inherited_.size()) shorten_journal();
  const std::string line = row_line(outcome, settings_.plan);
  WriteStatus status = journal_.append(line);
  if (status.ok) announced_.emplace(outcome.index, line);
  // After a loss of power an output must not have its name without its line.
  if (status.ok && settings_.durable) status = journal_.sync();
  return status;
}

// Most of its lines have a row by now. A new file takes its place at once, so that no death finds it half-written;
// where that fails, the old one goes on growing.
void Journal::shorten_journal() {
  if (settings_.durable && !manifest_.sync().ok) return;
  const std::string path = journal_path(settings_, id_);
  const std::string name = fmt::format("{}/{}{}-journal", settings_.directory, kTemporaryPrefix, id_);
  ipc::UniqueFd fd(::open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd) return;
  // Whoever looks whether this run lives must find the new one locked as well.
  static_cast<void>(::flock(fd.get(), LOCK_EX | LOCK_NB));
  AppendFile fresh(std::move(fd), path);
  bool ok = fresh.append(inherited_).ok;
  if (inherited_.empty() && all_known_) ok = ok && fresh.append(kOverwriteMark).ok;
  for (const auto& [index, line] : announced_) ok = ok && fresh.append(line).ok;
  ok = ok && (!settings_.durable || fresh.sync().ok);
  if (ok && ::rename(name.c_str(), path.c_str()) == 0) {
    journal_ = std::move(fresh);
  } else {
    ::unlink(name.c_str());
  }
}

WriteStatus Journal::record(const ImageOutcome& outcome) {
  if (!manifest_) return {};
  const auto announced = announced_.find(outcome.index);
  // Nothing of it changes any more but by a failure to write it.
  const bool as_announced = announced != announced_.end() && is_well(outcome.verdict);
  WriteStatus status = manifest_.append(as_announced ? announced->second : row_line(outcome, settings_.plan));
  if (status.ok && announced != announced_.end()) announced_.erase(announced);
  rows_lost_ = rows_lost_ || !status.ok;
  return status;
}

WriteStatus Journal::finish(const BatchReport& report) {
  if (!manifest_) return {};
  WriteStatus status;
  if (first_row_ > 0 && !rows_lost_) {
    status = compact(report);
  } else {
    status = manifest_.append(summary_line(report));
    manifest_.release_reserve();
  }
  if (status.ok && settings_.durable) status = manifest_.sync();
  // The journal goes last, and only when the manifest says all that it says.
  if (journal_ && status.ok && !rows_lost_) ::unlink(journal_path(settings_, id_).c_str());
  journal_.close();
  partials_.close();
  manifest_.close();
  return status;
}

// A resumed manifest holds the rows of earlier runs as well; every input of this one has a row of its own by now.
WriteStatus Journal::compact(const BatchReport& report) {
  const std::string name =
      fs::path(settings_.manifest).parent_path() / fmt::format("{}{}-manifest", kTemporaryPrefix, id_);
  ipc::UniqueFd fd(::open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd) return {false, is_no_room(errno), failed_call("open", name, errno)};
  // Whoever waits for the manifest must find this one locked as well.
  static_cast<void>(::flock(fd.get(), LOCK_EX | LOCK_NB));
  AppendFile fresh(std::move(fd), name);
  WriteStatus status = copy_tail(manifest_.fd(), first_row_, fresh);
  if (status.ok) status = fresh.append(summary_line(report));
  if (status.ok && settings_.durable) status = fresh.sync();
  if (status.ok && ::rename(name.c_str(), settings_.manifest.c_str()) != 0) {
    status = {false, is_no_room(errno), failed_call("rename", settings_.manifest, errno)};
  }
  if (!status.ok) {
    ::unlink(name.c_str());
    return status;
  }
  manifest_ = std::move(fresh);
  return status;
}

}  // namespace pixmill::pipeline

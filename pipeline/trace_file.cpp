#include "pipeline/trace_file.hpp"

#include "pipeline/files/system_error.hpp"
#include "pipeline/inputs/input_list.hpp"
#include "pipeline/inputs/path_error.hpp"

#include <pixmill/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace pixmill::pipeline {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kFlushBytes = std::size_t{128} << 10;
constexpr std::string_view kEnd = "\n]}\n";
// Rows of one crew lie together: workers first.
constexpr int kTracksOfACrew = 100000;

std::string json_text(std::string_view text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

int track_of(Row row) { return static_cast<int>(row.crew) * kTracksOfACrew + row.place + 1; }

// Microseconds, to the nanosecond.
std::string microseconds(std::uint64_t ns) { return fmt::format("{}.{:03}", ns / 1000, ns % 1000); }

ipc::UniqueFd open_trace(const std::string& path, bool& regular) {
  ipc::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  if (!fd) throw path_error(errno, path, "open", "--trace goes there: choose another name");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw path_error(errno, path, "fstat", "choose another name");
  regular = S_ISREG(status.st_mode);
  if (!regular) return fd;
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw Error(ErrorCode::usage, fmt::format("--trace {}: another run writes it; choose another name", path));
  }
  if (::ftruncate(fd.get(), 0) != 0) throw path_error(errno, path, "ftruncate", "choose another name");
  return fd;
}

}  // namespace

TraceFile::TraceFile(std::string path, const Legend& legend, const InputList& inputs)
    : path_(std::move(path)), inputs_(inputs), process_(::getpid()), origin_ns_(monotonic_ns()) {
  fd_ = open_trace(path_, regular_);
  for (const std::string& name : legend.stages) stages_.push_back(json_text(name));
  buffer_ = fmt::format(
      "{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"plan\":{}}},\"traceEvents\":[\n"
      "{{\"ph\":\"M\",\"pid\":{},\"tid\":0,\"name\":\"process_name\",\"args\":{{\"name\":{}}}}}",
      json_text(legend.plan), process_, json_text(legend.title));
  flush(false);
}

void TraceFile::add(const RowWork& work) noexcept {
  try {
    const int track = track_of(work.row);
    std::string text;
    if (work.row.crew == Crew::worker && !work.verdict) describe_image(work, text);
    const std::string more =
        work.reason.empty() ? "" : fmt::format(",{},\"reason\":{}", input_text(work.image), json_text(work.reason));
    for (const StageSpan& span : work.spans) {
      text += fmt::format("{},\"cat\":\"stage\",\"name\":{},\"args\":{{\"index\":{}{}}}}}",
                          span_text(track, span.begin_ns, span.end_ns), stages_.at(span.stage), work.image, more);
    }
    if (work.verdict && !is_well(*work.verdict) && !work.spans.empty()) {
      text += fmt::format(
          ",\n{{\"ph\":\"i\",\"s\":\"t\",\"pid\":{},\"tid\":{},\"ts\":{},\"cat\":\"verdict\",\"name\":\"{}\","
          "\"args\":{{\"index\":{},{}}}}}",
          process_, track, microseconds(work.spans.back().end_ns - std::min(origin_ns_, work.spans.back().end_ns)),
          to_string(*work.verdict), work.image, input_text(work.image));
    }
    const std::lock_guard lock(mutex_);
    if (!status_.ok) return;
    describe_row(work.row);
    buffer_ += text;
    if (buffer_.size() >= kFlushBytes) flush(false);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    fail(ENOMEM);  // nothing else is thrown here
  }
}

TraceFile::~TraceFile() { static_cast<void>(finish()); }

WriteStatus TraceFile::finish() {
  const std::lock_guard lock(mutex_);
  if (fd_ && status_.ok) flush(true);
  fd_.reset();
  return status_;
}

void TraceFile::describe_row(Row row) {
  const int track = track_of(row);
  if (!tracks_.insert(track).second) return;
  const std::string begin = fmt::format(",\n{{\"ph\":\"M\",\"pid\":{},\"tid\":{}", process_, track);
  buffer_ += fmt::format("{},\"name\":\"thread_name\",\"args\":{{\"name\":\"{}\"}}}}", begin, row_name(row));
  buffer_ += fmt::format("{},\"name\":\"thread_sort_index\",\"args\":{{\"sort_index\":{}}}}}", begin, track);
}

// A span around the stages that a worker took an image through.
void TraceFile::describe_image(const RowWork& work, std::string& text) const {
  if (work.spans.empty()) return;
  const auto first = static_cast<Stage>(work.spans.front().stage);
  if (first == Stage::read || first == Stage::lost) return;
  text += fmt::format("{},\"cat\":\"image\",\"name\":\"image\",\"args\":{{\"index\":{},{}}}}}",
                      span_text(track_of(work.row), work.spans.front().begin_ns, work.spans.back().end_ns), work.image,
                      input_text(work.image));
}

std::string TraceFile::input_text(std::uint64_t image) const { return "\"input\":" + json_text(inputs_.path(image)); }

std::string TraceFile::span_text(int track, std::uint64_t begin_ns, std::uint64_t end_ns) const {
  const std::uint64_t begin = std::max(begin_ns, origin_ns_);
  return fmt::format(",\n{{\"ph\":\"X\",\"pid\":{},\"tid\":{},\"ts\":{},\"dur\":{}", process_, track,
                     microseconds(begin - origin_ns_), microseconds(std::max(end_ns, begin) - begin));
}

// The end of what was written before is overwritten, so that it stands behind all that there is.
void TraceFile::flush(bool last) {
  const std::size_t more = buffer_.size();
  if (regular_ || last) buffer_ += kEnd;
  for (std::size_t done = 0; done < buffer_.size();) {
    const char* const from = buffer_.data() + done;
    const std::size_t left = buffer_.size() - done;
    const ssize_t written =
        regular_ ? ::pwrite(fd_.get(), from, left, static_cast<off_t>(size_ + done)) : ::write(fd_.get(), from, left);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      fail(errno);
      return;
    }
    done += static_cast<std::size_t>(written);
  }
  size_ += more;
  buffer_.clear();
}

// What stands in the file stays readable: a full disk has room for an end where there was more.
void TraceFile::fail(int error) {
  if (!status_.ok) return;
  status_ = {false, is_no_room(error), failed_call("write", path_, error)};
  buffer_ = {};
  if (!regular_ || ::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) return;
  const ssize_t written = ::pwrite(fd_.get(), kEnd.data(), kEnd.size(), static_cast<off_t>(size_));
  static_cast<void>(written);
}

}  // namespace pixmill::pipeline

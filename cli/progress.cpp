#include "cli/progress.hpp"

#include "cli/quantities.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace pixmill::cli {
namespace {

constexpr double kWindowSeconds = 10;
constexpr std::size_t kLeastBar = 10;
constexpr std::size_t kMostBar = 40;

double share_done(const ProgressSnapshot& snapshot) {
  if (snapshot.total == 0) return 1;
  return std::min(1.0, static_cast<double>(snapshot.done) / static_cast<double>(snapshot.total));
}

std::string drawn_bar(double share, std::size_t columns) {
  const std::size_t inside = columns - 2;
  const auto full = static_cast<std::size_t>(share * static_cast<double>(inside));
  std::string bar(full, '=');
  if (full < inside) bar += '>';
  bar.resize(inside, ' ');
  return '[' + bar + ']';
}

}  // namespace

double seconds_left(const ProgressSnapshot& snapshot) {
  if (!snapshot.listed || !(snapshot.images_per_s > 0)) return -1;
  const std::uint64_t left = snapshot.total - std::min(snapshot.done, snapshot.total);
  return static_cast<double>(left) / snapshot.images_per_s;
}

std::string format_bar(const ProgressSnapshot& snapshot, std::size_t width) {
  if (!snapshot.listed) {
    return fmt::format("looking for images ... {}", format_clock(snapshot.seconds)).substr(0, width);
  }
  const double share = share_done(snapshot);
  // In the order in which they stand; the rank says which are given up first (the highest).
  struct Part {
    std::string text;
    int rank;
  };
  std::vector<Part> parts;
  if (snapshot.pass > 0) parts.push_back({fmt::format("pass {}", snapshot.pass), 2});
  // Rounded down: 100% is only what is finished.
  parts.push_back({fmt::format("{:3}%", static_cast<int>(share * 100)), 0});
  parts.push_back({format_count(snapshot.done) + '/' + format_count(snapshot.total), 1});
  if (snapshot.failed > 0) parts.push_back({format_count(snapshot.failed) + " failed", 2});
  if (const double left = seconds_left(snapshot); left >= 0) parts.push_back({"ETA " + format_clock(left), 3});
  parts.push_back({format_rate(snapshot.images_per_s) + " images/s", 4});
  parts.push_back({format_rate(snapshot.bytes_per_s / 1e6) + " MB/s", 5});

  std::size_t used = 0;
  for (const Part& part : parts) used += part.text.size() + 2;
  used -= 2;
  while (used > width && parts.size() > 1) {
    const auto least =
        std::max_element(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.rank < b.rank; });
    used -= least->text.size() + 2;
    parts.erase(least);
  }
  std::string line;
  if (width >= used + 1 + kLeastBar) line = drawn_bar(share, std::min(kMostBar, width - used - 1)) + ' ';
  for (std::size_t i = 0; i < parts.size(); ++i) line += (i > 0 ? "  " : "") + parts[i].text;
  return line.substr(0, width);
}

std::string format_progress_json(const ProgressSnapshot& snapshot) {
  const double left = seconds_left(snapshot);
  return fmt::format(
      R"({{"progress": {{{}"total": {}, "done": {}, "failed": {}, "bytes": {}, "seconds": {:.3f}, "images_per_s": {:.3f}, "mb_per_s": {:.3f}, "eta_s": {}}}}})",
      snapshot.pass > 0 ? fmt::format("\"pass\": {}, ", snapshot.pass) : "",
      snapshot.listed ? std::to_string(snapshot.total) : "null", snapshot.done, snapshot.failed, snapshot.bytes,
      snapshot.seconds, snapshot.images_per_s, snapshot.bytes_per_s / 1e6,
      left >= 0 ? fmt::format("{:.1f}", left) : "null");
}

void RateWindow::update(ProgressSnapshot& snapshot) {
  if (!snapshot.listed) {
    samples_ = {{snapshot.seconds, snapshot.done, snapshot.bytes}};
    return;
  }
  if (snapshot.done < samples_.back().done) samples_.clear();  // another pass
  if (samples_.empty()) samples_.push_back({snapshot.seconds, snapshot.done, snapshot.bytes});
  while (samples_.size() > 1 && samples_[1].seconds <= snapshot.seconds - kWindowSeconds) samples_.pop_front();
  const Sample& first = samples_.front();
  if (const double passed = snapshot.seconds - first.seconds; passed > 0) {
    snapshot.images_per_s = static_cast<double>(snapshot.done - first.done) / passed;
    snapshot.bytes_per_s = static_cast<double>(snapshot.bytes - first.bytes) / passed;
  }
  samples_.push_back({snapshot.seconds, snapshot.done, snapshot.bytes});
}

Progress::Progress(ProgressMode mode, Console& console) : console_(console), json_(mode == ProgressMode::json) {
  const bool bar = (mode == ProgressMode::automatic || mode == ProgressMode::bar) && console.animated();
  if (!bar && !json_) return;
  thread_ = std::thread([this] { loop(std::chrono::milliseconds(json_ ? 1000 : 100)); });
}

void Progress::begin_pass(std::uint64_t pass, std::uint64_t images) {
  done_ = 0;
  failed_ = 0;
  bytes_ = 0;
  total_ = images;
  pass_ = pass;
  listed_ = true;
}

void Progress::surveyed(std::uint64_t bytes, Verdict verdict) {
  bytes_ += bytes;
  if (!is_well(verdict)) ++failed_;
  ++done_;
}

void Progress::listed(std::uint64_t images) { begin_pass(0, images); }

void Progress::count(const ImageOutcome& outcome) {
  if (outcome.verdict == Verdict::cancelled) return;
  bytes_ += outcome.bytes_in;
  if (!is_well(outcome.verdict)) ++failed_;
  ++done_;
}

void Progress::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  if (json_) {
    show();
  } else {
    console_.status("");
  }
}

void Progress::show() {
  ProgressSnapshot snapshot;
  snapshot.listed = listed_;
  snapshot.pass = pass_;
  snapshot.total = total_;
  snapshot.done = done_;
  snapshot.failed = failed_;
  snapshot.bytes = bytes_;
  snapshot.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  rates_.update(snapshot);
  if (json_) {
    console_.line(format_progress_json(snapshot));
  } else {
    console_.status(format_bar(snapshot, Console::status_width()));
  }
}

void Progress::loop(std::chrono::milliseconds interval) {
  std::unique_lock lock(mutex_);
  // Waits first: most runs on a few images are over before there is anything to show.
  while (!wake_.wait_for(lock, interval, [this] { return stopping_; })) {
    lock.unlock();
    show();
    lock.lock();
  }
}

}  // namespace pixmill::cli

#include "bench/process_memory.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <unordered_map>

namespace pixmill::bench {
namespace {

/// Nothing for what is not there, or may not be read.
std::string proc_text(pid_t pid, const char* file) {
  std::ifstream stream("/proc/" + std::to_string(pid) + '/' + file);
  // An iterator over the stream throws where the process ends between opening and reading (ESRCH); this does not.
  std::string text;
  std::getline(stream, text, '\0');
  return text;
}

/// The parent in the text of /proc/PID/stat: the second word behind the name, which may hold anything; 0 if there is
/// none.
pid_t parent_of(const std::string& stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 4 > stat.size()) return 0;
  pid_t parent = 0;
  std::from_chars(stat.data() + name_end + 4, stat.data() + stat.size(), parent);
  return parent;
}

}  // namespace

std::optional<std::uint64_t> kilobytes_of(const std::string& text, std::string_view key) {
  std::size_t at = text.find(key);
  while (at != std::string::npos && at > 0 && text[at - 1] != '\n') at = text.find(key, at + 1);
  if (at == std::string::npos) return std::nullopt;
  at = text.find_first_of("0123456789\n", at + key.size());
  std::uint64_t value = 0;
  if (at == std::string::npos) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::vector<pid_t> process_tree(pid_t root) {
  std::unordered_map<pid_t, std::vector<pid_t>> children;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    pid_t pid = 0;
    const auto [last, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad != std::errc() || last != name.data() + name.size()) continue;
    if (const pid_t parent = parent_of(proc_text(pid, "stat")); parent > 0) children[parent].push_back(pid);
  }
  std::vector<pid_t> tree = {root};
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const auto found = children.find(tree[i]);
    if (found != children.end()) tree.insert(tree.end(), found->second.begin(), found->second.end());
  }
  return tree;
}

void TreeMemory::look() {
  std::uint64_t rss = 0;
  std::uint64_t pss = 0;
  for (const pid_t pid : process_tree(root_)) {
    const auto own_peak = kilobytes_of(proc_text(pid, "status"), "VmHWM:");
    if (!own_peak) continue;  // it is gone
    rss += *own_peak;
    const auto own_share = kilobytes_of(proc_text(pid, "smaps_rollup"), "Pss:");
    if (own_share) {
      pss += *own_share;
    } else if (kilobytes_of(proc_text(pid, "status"), "VmHWM:")) {
      pss_known_ = false;  // it lives, and is not to be looked into
    }
  }
  rss_kb_ = std::max(rss_kb_, rss);
  pss_kb_ = std::max(pss_kb_, pss);
}

PeakMemory TreeMemory::peak() const {
  PeakMemory peak;
  peak.rss_kb = rss_kb_;
  if (pss_known_ && pss_kb_ > 0) peak.pss_kb = pss_kb_;
  return peak;
}

}  // namespace pixmill::bench

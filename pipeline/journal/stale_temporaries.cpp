#include "pipeline/journal/journal.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <unordered_map>

namespace pixmill::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kJournalEnd = ".journal";

// "0123456789abcdef" of ".pixmill-0123456789abcdef-17", or the whole rest of a name of another make.
std::string id_of(std::string_view name) {
  name.remove_prefix(kTemporaryPrefix.size());
  return std::string(name.substr(0, name.find_first_of("-.")));
}

}  // namespace

void remove_stale_temporaries(const std::string& directory) {
  std::unordered_map<std::string, bool> known;
  // The journal of the run that owns a file lies in that run's output folder: the file's own, or any above it.
  const auto lives = [&](fs::path folder, const std::string& id) {
    for (;; folder = folder.parent_path()) {
      const std::string journal = fmt::format("{}/{}{}{}", folder.string(), kTemporaryPrefix, id, kJournalEnd);
      const auto [entry, is_new] = known.try_emplace(journal, false);
      if (is_new) entry->second = is_locked(journal);
      if (entry->second) return true;
      if (!folder.has_relative_path()) return false;
    }
  };
  std::error_code error;
  const fs::path top = fs::weakly_canonical(fs::absolute(directory, error), error);
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator at(top, options, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    if (!name.starts_with(kTemporaryPrefix) || at->symlink_status(ignored).type() != fs::file_type::regular) continue;
    // A journal is needed when its run is resumed.
    if (name.ends_with(kJournalEnd) || lives(at->path().parent_path(), id_of(name))) continue;
    ::unlink(at->path().c_str());
  }
}

}  // namespace pixmill::pipeline

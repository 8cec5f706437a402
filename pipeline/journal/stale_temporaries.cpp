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

void remove_stale_temporaries(const std::string& directory, const std::string& own_id) {
  std::unordered_map<std::string, bool> living{{own_id, false}};
  const auto lives = [&](const std::string& id) {
    const auto [entry, is_new] = living.try_emplace(id, false);
    if (is_new) entry->second = is_locked(fmt::format("{}/{}{}{}", directory, kTemporaryPrefix, id, kJournalEnd));
    return entry->second;
  };
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator at(directory, options, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    if (!name.starts_with(kTemporaryPrefix) || at->symlink_status(ignored).type() != fs::file_type::regular) continue;
    const std::string id = id_of(name);
    // Another manifest's journal is needed when that run is resumed.
    if (name.ends_with(kJournalEnd) || lives(id)) continue;
    ::unlink(at->path().c_str());
  }
}

}  // namespace pixmill::pipeline

#include "pipeline/inputs/input_list.hpp"

#include "pipeline/inputs/path_error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pixmill::pipeline {

std::string_view InputList::path(std::size_t index) const { return path_of(entries_[index]); }

std::string_view InputList::kept_path(std::size_t index) const {
  const Entry& entry = entries_[index];
  const char* end = entry.text + entry.length;
  return {entry.kept_apart != 0 ? end : end - entry.kept_length, entry.kept_length};
}

std::uint64_t InputList::bytes(std::size_t index) const { return entries_[index].size_bytes; }

void InputList::append(std::string_view path, std::size_t kept_length, std::uint64_t size_bytes) {
  append(path, path.substr(path.size() - kept_length), size_bytes);
}

void InputList::append(std::string_view path, std::string_view kept, std::uint64_t size_bytes) {
  check_length(path.size());
  check_length(kept.size());
  const bool apart = !path.ends_with(kept);
  Entry entry;
  entry.text = store(path, apart ? kept : std::string_view());
  entry.length = static_cast<std::uint32_t>(path.size());
  entry.kept_length = static_cast<std::uint32_t>(kept.size()) & 0x7fffffffU;
  entry.kept_apart = apart ? 1 : 0;
  add_entry(entry, size_bytes);
}

const char* InputList::store(std::string_view path, std::string_view behind) {
  constexpr std::size_t kBlockBytes = std::size_t{1} << 20U;
  const std::size_t size = path.size() + behind.size();
  if (blocks_.empty() || blocks_.back().capacity() - blocks_.back().size() < size) {
    blocks_.emplace_back().reserve(std::max(kBlockBytes, size));
  }
  std::vector<char>& block = blocks_.back();
  const std::size_t begin = block.size();
  block.insert(block.end(), path.begin(), path.end());
  block.insert(block.end(), behind.begin(), behind.end());
  return block.data() + begin;
}

void InputList::check_length(std::size_t length) {
  if (length < std::size_t{1} << 31U) return;
  throw Error(ErrorCode::usage, fmt::format("a path of {} bytes is no path; check what separates the paths in the list "
                                            "(-0: NUL)",
                                            length));
}

void InputList::add_entry(const Entry& entry, std::uint64_t size_bytes) {
  entries_.push_back(entry);
  if (size_bytes == kUnknownSize) {
    has_unknown_sizes_ = true;
    return;
  }
  entries_.back().size_bytes = size_bytes;
  total_bytes_ += size_bytes;
}

}  // namespace pixmill::pipeline

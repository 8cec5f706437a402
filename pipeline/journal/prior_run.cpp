#include "pipeline/journal/prior_run.hpp"

#include "pipeline/files/whole_file.hpp"
#include "pipeline/journal/append_file.hpp"
#include "pipeline/journal/partial_text.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace pixmill::pipeline {
namespace {

std::uint64_t hash_of_path(std::string_view path) { return content_hash(std::as_bytes(std::span(path))); }

std::string read_at(int fd, std::uint64_t offset, std::size_t length) {
  std::string text(length, '\0');
  std::size_t done = 0;
  while (done < length) {
    const ssize_t got = ::pread(fd, text.data() + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return {};
    done += static_cast<std::size_t>(got);
  }
  return text;
}

}  // namespace

PriorRun::PriorRun(const InputList& inputs, const OutputNaming& naming, std::uint64_t plan)
    : inputs_(&inputs), naming_(naming), plan_(plan), images_(inputs.size()) {
  by_hash_.reserve(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    by_hash_.emplace_back(hash_of_path(inputs.path(i)), static_cast<std::uint32_t>(i));
  }
  std::sort(by_hash_.begin(), by_hash_.end());
}

std::optional<std::size_t> PriorRun::index_of(std::string_view input) const {
  const std::uint64_t hash = hash_of_path(input);
  auto at = std::lower_bound(by_hash_.begin(), by_hash_.end(), std::pair{hash, std::uint32_t{0}});
  for (; at != by_hash_.end() && at->first == hash; ++at) {
    if (inputs_->path(at->second) == input) return at->second;
  }
  return std::nullopt;
}

void PriorRun::read_rows(int fd) {
  LineReader reader(fd);
  std::string_view line;
  std::uint64_t offset = 0;
  while (reader.next(line, offset)) {
    const auto row = parse_row(line);
    if (!row) continue;
    const auto index = index_of(row->outcome.input);
    if (!index) continue;
    const std::string output = output_path(*inputs_, *index, naming_);
    Image& image = images_[*index];
    image.known = image.known || row->outcome.output.empty() || row->outcome.output == output;
    const bool finished = row->plan == plan_ && row->outcome.output == output;
    image.input_xxh64 = row->outcome.input_xxh64;
    image.output_xxh64 = finished ? row->outcome.output_xxh64 : 0;
    image.width = static_cast<std::uint32_t>(row->outcome.width);
    image.height = static_cast<std::uint32_t>(row->outcome.height);
    details_.erase(*index);
    if (!row->outcome.detail.empty()) details_[*index] = row->outcome.detail;
  }
}

void PriorRun::read_partials(ipc::UniqueFd fd) {
  partials_ = std::move(fd);
  partial_at_.resize(images_.size());
  LineReader reader(partials_.get());
  std::string_view line;
  std::uint64_t offset = 0;
  while (reader.next(line, offset)) {
    const auto key = line.size() <= kLongestPartial ? parse_partial_key(line) : std::nullopt;
    if (!key || key->plan != plan_) continue;
    if (const auto index = index_of(key->input)) {
      partial_at_[*index] = {offset, static_cast<std::uint32_t>(line.size())};
    }
  }
}

std::string PriorRun::detail(std::uint64_t index) const {
  const auto found = details_.find(index);
  return found == details_.end() ? std::string() : found->second;
}

std::optional<kernels::Partial> PriorRun::partial(std::uint64_t index, std::uint64_t input_xxh64,
                                                  bool with_histogram) const {
  if (partial_at_.empty() || partial_at_[index].length == 0) return std::nullopt;
  const std::string line = read_at(partials_.get(), partial_at_[index].offset, partial_at_[index].length);
  const auto key = parse_partial_key(line);
  if (!key || *key != PartialKey{std::string(inputs_->path(index)), input_xxh64, plan_}) return std::nullopt;
  return parse_partial(line, with_histogram);
}

}  // namespace pixmill::pipeline

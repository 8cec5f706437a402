#include "pipeline/journal/prior_run.hpp"

#include "pipeline/files/whole_file.hpp"
#include "pipeline/journal/append_file.hpp"
#include "pipeline/journal/partial_text.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace pixmill::pipeline {
namespace {

std::uint64_t hash_of_path(std::string_view path) { return content_hash(std::as_bytes(std::span(path))); }

// One spelling of a path: absolute, without "//" and "/./". Links and ".." stand, since taking them away could change
// what is meant.
std::string absolute_spelling(std::string_view here, std::string_view path) {
  std::string whole = path.starts_with('/') ? std::string() : std::string(here);
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (!part.empty() && part != ".") (whole += '/') += part;
    begin = end + 1;
  }
  return whole;
}

// Whether an output that a row names is the one that belongs to a name below the output folder now, however that folder
// was called then.
bool is_output(std::string_view recorded, std::string_view output, std::string_view directory) {
  const std::string_view below = output.substr(directory.ends_with('/') ? directory.size() - 1 : directory.size());
  return recorded == output || (recorded.size() > below.size() && recorded.ends_with(below));
}

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

// What a crash leaves of a first row, or a loss of power, after which files end in zeros.
bool is_torn(std::string_view line) {
  constexpr std::string_view kBeginning = R"({"index":)";
  if (line.empty()) return false;
  if (line.find_first_not_of('\0') == std::string_view::npos) return true;
  return line.size() < kBeginning.size() ? kBeginning.starts_with(line)
                                         : line.starts_with(kBeginning) && !is_whole_line(line);
}

}  // namespace

PriorRun::PriorRun(const InputList& inputs, const OutputNaming& naming, std::uint64_t plan)
    : inputs_(&inputs), naming_(naming), plan_(plan), images_(inputs.size()) {
  std::error_code error;
  here_ = std::filesystem::current_path(error).string();
  if (here_ == "/") here_.clear();
  by_hash_.reserve(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    by_hash_.emplace_back(hash_of_path(absolute_spelling(here_, inputs.path(i))), static_cast<std::uint32_t>(i));
  }
  std::sort(by_hash_.begin(), by_hash_.end());
}

std::optional<std::size_t> PriorRun::index_of(std::string_view input) const {
  const std::string spelling = absolute_spelling(here_, input);
  const std::uint64_t hash = hash_of_path(spelling);
  auto at = std::lower_bound(by_hash_.begin(), by_hash_.end(), std::pair{hash, std::uint32_t{0}});
  for (; at != by_hash_.end() && at->first == hash; ++at) {
    if (absolute_spelling(here_, inputs_->path(at->second)) == spelling) return at->second;
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
    const bool named = !row->outcome.output.empty() &&
                       absolute_spelling(here_, row->outcome.output) == absolute_spelling(here_, output);
    // If only the end of the path is the same, the folder may have been moved; the content will tell.
    const bool finished = row->plan == plan_ && (named || is_output(row->outcome.output, output, naming_.directory));
    image.known = image.known || named;
    image.input_xxh64 = row->outcome.input_xxh64;
    image.output_xxh64 = finished ? row->outcome.output_xxh64 : 0;
    image.output_bytes = row->outcome.bytes_out;
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
  const auto row = parse_partial(line, with_histogram);
  if (!row || row->key.input_xxh64 != input_xxh64 || row->key.plan != plan_) return std::nullopt;
  if (index_of(row->key.input) != index) return std::nullopt;
  return row->partial;
}

bool may_be_manifest(int fd) {
  LineReader reader(fd);
  std::string_view line;
  std::uint64_t offset = 0;
  std::size_t lines = 0;
  bool torn = false;
  while (reader.next(line, offset)) {
    if (parse_row(line) || is_summary(line)) return true;
    torn = ++lines == 1 && is_torn(line);
  }
  return torn || read_at(fd, 0, 1).empty();
}

}  // namespace pixmill::pipeline

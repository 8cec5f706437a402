#include "pipeline/source.hpp"

#include <sys/stat.h>

#include <new>
#include <string>
#include <utility>

namespace pixmill::pipeline {

Source::Source(const InputList& inputs, const PriorRun& prior, Settings settings, std::stop_token stop)
    : inputs_(inputs), prior_(prior), settings_(std::move(settings)), stop_(std::move(stop)) {}

std::optional<std::uint64_t> Source::claim() {
  if (stop_.stop_requested()) return std::nullopt;
  const std::uint64_t index = next_.fetch_add(1, std::memory_order_relaxed);
  if (index >= inputs_.size()) return std::nullopt;
  return index;
}

std::uint64_t Source::expected_bytes(std::uint64_t index) const {
  if (const std::uint64_t listed = inputs_.bytes(index); listed > 0) return listed;
  struct stat status {};
  if (::stat(std::string(inputs_.path(index)).c_str(), &status) != 0 || status.st_size < 0) return 0;
  return static_cast<std::uint64_t>(status.st_size);
}

void Source::load(std::uint64_t index, Task& task) const {
  task.index = index;
  task.finished = false;
  task.partial.reset();
  task.input_xxh64 = 0;
  task.want = {settings_.write, settings_.reduce, settings_.pixels};
  try {
    task.read = read_whole_file(inputs_.path(index), settings_.limit_bytes, task.file, stop_);
    if (!task.read.usable()) return;
    task.input_xxh64 = content_hash(task.file.bytes());
    look_for_finished(task);
  } catch (const std::bad_alloc&) {
    task.read = {Verdict::out_of_memory, "there is no memory for the content of the file"};
  }
}

void Source::look_for_finished(Task& task) const {
  const PriorRun::Image prior = prior_.image(task.index);
  if (prior.output_xxh64 == 0 || prior.input_xxh64 != task.input_xxh64) return;
  FileBuffer output;
  // Longer than it was: no more of it is read than that.
  const CodecStatus status =
      read_whole_file(output_path(inputs_, task.index, settings_.naming), prior.output_bytes, output);
  if (!status.usable() || content_hash(output.bytes()) != prior.output_xxh64) return;
  task.finished = true;
  task.want.encoded = false;
  if (settings_.reduce) task.partial = prior_.partial(task.index, task.input_xxh64, settings_.reduce_histogram);
  if (settings_.own != nullptr && task.partial && !settings_.own->fits(task.partial->own)) task.partial.reset();
  task.want.partial = settings_.reduce && !task.partial;
}

}  // namespace pixmill::pipeline

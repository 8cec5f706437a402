#include "pipeline/worker_job.hpp"

#include <charconv>
#include <concepts>
#include <cstddef>

namespace pixmill::pipeline {
namespace {

/// Puts values down as words, one after the other.
class Writer {
 public:
  [[nodiscard]] std::vector<std::string> take() { return std::move(words_); }

  void visit(const std::string& text) { words_.push_back(text); }
  void visit(bool value) { words_.emplace_back(value ? "1" : "0"); }
  template <std::integral Number>
  void visit(Number number) {
    words_.push_back(std::to_string(number));
  }
  template <typename Value>
  void visit(const std::vector<Value>& values) {
    visit(values.size());
    for (const Value& value : values) visit(value);
  }

 private:
  std::vector<std::string> words_;
};

/// Reads them in the same order. What makes no sense is remembered, and leaves the value as it is.
class Reader {
 public:
  explicit Reader(std::span<const std::string> words) : words_(words) {}

  [[nodiscard]] bool all_well() const { return well_ && words_.empty(); }

  void visit(std::string& text) {
    if (const std::string* word = next()) text = *word;
  }
  void visit(bool& value) {
    const std::string* word = next();
    if (word == nullptr) return;
    well_ = well_ && (*word == "0" || *word == "1");
    value = *word == "1";
  }
  template <std::integral Number>
  void visit(Number& number) {
    const std::string* word = next();
    if (word == nullptr) return;
    const char* const behind = word->data() + word->size();
    const auto [end, error] = std::from_chars(word->data(), behind, number);
    well_ = well_ && error == std::errc() && end == behind;
  }
  template <typename Value>
  void visit(std::vector<Value>& values) {
    std::size_t count = 0;
    visit(count);
    // Each takes a word at least.
    well_ = well_ && count <= words_.size();
    for (std::size_t i = 0; i < count && well_; ++i) visit(values.emplace_back());
  }

 private:
  const std::string* next() {
    well_ = well_ && !words_.empty();
    if (!well_) return nullptr;
    const std::string& word = words_.front();
    words_ = words_.subspan(1);
    return &word;
  }

  std::span<const std::string> words_;
  bool well_ = true;
};

// The order of the words is said here alone, for both directions.
template <typename Visitor, typename Job>
void visit_files(Visitor& visitor, Job& job) {
  visitor.visit(job.limits.max_memory);
  visitor.visit(job.limits.max_pixels);
  visitor.visit(job.limits.max_side);
  visitor.visit(job.lenient);
  visitor.visit(job.apply_orientation);
  visitor.visit(job.write);
  visitor.visit(job.keep_metadata);
  visitor.visit(job.format);
  visitor.visit(job.encode.quality);
  visitor.visit(job.encode.compression);
  visitor.visit(job.reduce);
  visitor.visit(job.reduce_histogram);
  visitor.visit(job.time_stages);
  visitor.visit(job.own_reductions);
  visitor.visit(job.decided);
  visitor.visit(job.until_undecided);
}

template <typename Visitor, typename Job>
void visit_job(Visitor& visitor, Job& job) {
  visitor.visit(job.limits.memory_bytes);
  visitor.visit(job.limits.spin_ns);
  visitor.visit(job.limits.sandbox);
  visitor.visit(job.plan);
  visitor.visit(job.system_calls);
  visitor.visit(job.plugins);
  visitor.visit(job.identities);
}

}  // namespace

std::vector<std::string> arguments_of(const WorkerJob& job) {
  Writer writer;
  writer.visit(job.protocol);
  visit_job(writer, job);
  writer.visit(job.files.has_value());
  if (job.files) visit_files(writer, *job.files);
  return writer.take();
}

std::optional<WorkerJob> job_of(std::span<const std::string> arguments) {
  if (arguments.empty()) return std::nullopt;
  WorkerJob job;
  job.protocol = arguments.front();
  // What follows is known of this one alone.
  if (job.protocol != worker_protocol()) return job;
  Reader reader(arguments.subspan(1));
  visit_job(reader, job);
  bool files = false;
  reader.visit(files);
  if (files) visit_files(reader, job.files.emplace());
  if (!reader.all_well()) return std::nullopt;
  return job;
}

}  // namespace pixmill::pipeline

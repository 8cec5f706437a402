#include "pipeline/file_worker.hpp"

#include "pipeline/backends/answer.hpp"

#include <malloc.h>

#include <cstddef>
#include <span>

namespace pixmill::pipeline {
namespace {

// What a worker keeps between images.
constexpr std::size_t kKeptBetweenImages = std::size_t{32} << 20;

Program::Want want_of(const std::array<std::uint64_t, 2>& message) {
  return {(message[0] & 1U) != 0, (message[0] & 2U) != 0, (message[0] & 4U) != 0};
}

class FileWorker final : public ipc::Worker {
 public:
  explicit FileWorker(const Program& program) : program_(program), memory_(std::make_unique<WorkerMemory>()) {}

  const Answer& run(std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user) override {
    const Program::Want want = want_of(user);
    memory_->trim(kKeptBetweenImages);  // here, and not afterwards: the answer lies in it until now
    result_ = program_.run(input, want, *memory_);
    if (result_.verdict == Verdict::out_of_memory) {
      // What is kept of other images must not decide what becomes of this one.
      forget();
      result_ = program_.run(input, want, *memory_);
    }
    const bool encoded = want.encoded && is_well(result_.verdict);
    answer_.parts = writer_.write(result_, encoded ? Bytes(memory_->encoded) : Bytes());
    return answer_;
  }

  void rest() override { forget(); }

 private:
  void forget() {
    result_ = {};
    memory_ = std::make_unique<WorkerMemory>();
    ::malloc_trim(0);
  }

  const Program& program_;
  std::unique_ptr<WorkerMemory> memory_;
  ProgramResult result_;
  AnswerWriter writer_;
  Answer answer_;
};

}  // namespace

std::unique_ptr<ipc::Worker> make_file_worker(const Program& program) { return std::make_unique<FileWorker>(program); }

std::array<std::uint64_t, 2> message_of(const Program::Want& want) {
  return {(want.encoded ? 1U : 0U) | (want.partial ? 2U : 0U) | (want.frame ? 4U : 0U), 0};
}

}  // namespace pixmill::pipeline

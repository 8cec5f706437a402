#include "pipeline/frame_runner.hpp"

#include <pixmill/plan.hpp>

#include <cstdint>
#include <utility>

namespace pixmill::pipeline {
namespace {

// Of each buffer. What a frame of 20 megapixels needs stays.
constexpr std::size_t kKeptBytes = std::size_t{64} << 20;

bool overlap(const cv::Mat& a, const cv::Mat& b) {
  const auto address = [](const uchar* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); };
  return address(a.datastart) < address(b.dataend) && address(b.datastart) < address(a.dataend);
}

}  // namespace

void FrameRunner::run(const std::shared_ptr<const Chain>& chain, const cv::Mat& image, ImageResult& result) {
  // A plan of its own, which does not hold this runner: nobody would be the last to let go.
  std::call_once(compiled_, [&] { program_.emplace(Plan(chain), Program::Options{}); });
  cv::Mat apart;
  cv::Mat& out = overlap(image, result.image) ? apart : result.image;
  std::unique_ptr<WorkerMemory> memory = take();
  ProgramResult made = program_->run_frame(image, out, *memory);
  if (&out == &apart) result.image = std::move(apart);
  result.verdict = made.verdict;
  result.detail = std::move(made.detail);
  memory->trim(kKeptBytes);
  put_back(std::move(memory));
}

std::unique_ptr<WorkerMemory> FrameRunner::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<WorkerMemory> memory = std::move(idle_.back());
      idle_.pop_back();
      return memory;
    }
  }
  return std::make_unique<WorkerMemory>();
}

void FrameRunner::put_back(std::unique_ptr<WorkerMemory> memory) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(memory));
}

}  // namespace pixmill::pipeline

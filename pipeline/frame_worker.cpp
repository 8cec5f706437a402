#include "pipeline/frame_worker.hpp"

#include "pipeline/frame_answer.hpp"

#include <malloc.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <utility>

namespace pixmill::pipeline {
namespace {

// Of each buffer a worker keeps so much between frames, or as much as the next frame has in 16 bits and 4 channels.
constexpr std::size_t kKeptBytes = std::size_t{32} << 20;

std::size_t kept_bytes(const cv::Mat& frame) { return std::max(kKeptBytes, frame.total() * 8); }

// The frame that a message is about. It is only read: OpenCV has no frame of constant pixels.
cv::Mat frame_of(std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user) {
  const auto rows = static_cast<int>(user[0] >> 32U);
  const auto columns = static_cast<int>(user[0] & 0xFFFFFFFFU);
  const auto type = static_cast<int>(user[1] & CV_MAT_TYPE_MASK);
  const std::uint64_t row_bytes = static_cast<std::uint64_t>(columns) * CV_ELEM_SIZE(type);
  if (rows <= 0 || columns <= 0 || input.size() != static_cast<std::uint64_t>(rows) * row_bytes) {
    throw std::logic_error("a message whose frame has another size than its shape");
  }
  return {rows, columns, type, const_cast<std::byte*>(input.data())};
}

/// Runs the program over frames in a worker process.
class FrameWorker final : public ipc::Worker {
 public:
  explicit FrameWorker(const Program& program) : program_(program), memory_(std::make_unique<WorkerMemory>()) {}

  void offer(std::span<std::byte> room) override { room_ = room; }

  const Answer& run(std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user) override {
    const cv::Mat frame = frame_of(input, user);
    memory_->trim(kept_bytes(frame));
    run_over(frame);
    if (result_.verdict == Verdict::out_of_memory) {
      // What is kept of other frames must not decide what becomes of this one.
      forget();
      run_over(frame);
    }
    write_answer_head(result_, head_);
    answer_.parts = {head_, pixels_of(result_.frame)};
    return answer_;
  }

  void rest() override { forget(); }

 private:
  // Where the result will lie, if there is room for it; otherwise in memory of our own.
  void run_over(const cv::Mat& frame) {
    cv::Mat out = in_room(frame);
    const bool in_place = !out.empty();
    if (!in_place) std::swap(out, out_);
    result_ = program_.run_frame(frame, out, *memory_);
    result_.frame = out;
    if (!in_place) out_ = out;
  }

  cv::Mat in_room(const cv::Mat& frame) {
    if (!why_no_frame(frame).empty()) return {};
    try {
      const kernels::FrameShape shape = program_.result_of_frame(frame);
      if (frame_answer_bytes(shape) > room_.size()) return {};
      return {static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type(),
              room_.data() + kAnswerHeadBytes};
    } catch (const kernels::KernelFailure&) {
      return {};
    }
  }

  static std::span<const std::byte> pixels_of(const cv::Mat& frame) {
    return {reinterpret_cast<const std::byte*>(frame.data), frame.total() * frame.elemSize()};
  }

  void forget() {
    result_ = {};
    out_.release();
    memory_ = std::make_unique<WorkerMemory>();
    ::malloc_trim(0);
  }

  const Program& program_;
  std::unique_ptr<WorkerMemory> memory_;
  std::span<std::byte> room_;
  cv::Mat out_;
  ProgramResult result_;
  std::array<std::byte, kAnswerHeadBytes> head_{};
  Answer answer_;
};

}  // namespace

std::unique_ptr<ipc::Worker> make_frame_worker(const Program& program) {
  return std::make_unique<FrameWorker>(program);
}

std::array<std::uint64_t, 2> message_of(const cv::Mat& frame) {
  return {(static_cast<std::uint64_t>(frame.rows) << 32U) | static_cast<std::uint32_t>(frame.cols),
          static_cast<std::uint64_t>(frame.type())};
}

}  // namespace pixmill::pipeline

#pragma once

#include "ipc/worker.hpp"
#include "pipeline/program.hpp"

#include <pixmill/plan.hpp>

#include <opencv2/core/mat.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pixmill::pipeline {

/// What the program pixmill-worker is told when it is started.
struct FrameWorkerJob {
  std::string library_version;  ///< Both must be of one build: what they say to each other has no version of its own.
  std::uint64_t memory_bytes = 0;
  std::uint64_t spin_ns = 0;
  bool sandbox = true;
  std::string plan;
  std::vector<int> system_calls = {};     ///< That its own kernels need beside those of every worker.
  std::vector<std::string> plugins = {};  ///< That they are from.
};

/// The job as arguments of a program, and back; nothing if they make no sense.
[[nodiscard]] std::vector<std::string> arguments_of(const FrameWorkerJob& job);
[[nodiscard]] std::optional<FrameWorkerJob> job_of(std::span<const std::string> arguments);

/// For the program: workers that run the job's plan over frames. A job that cannot be done is told by `prepare`.
[[nodiscard]] ipc::WorkerPlan frame_worker_plan(const FrameWorkerJob& job);
/// For a fork of this process: likewise, with the job's plan compiled already.
[[nodiscard]] ipc::WorkerPlan frame_worker_plan(const FrameWorkerJob& job,
                                                const std::shared_ptr<const Program>& program);

/// The shape of a frame as a message has it. Its pixels are the input, row after row.
[[nodiscard]] std::array<std::uint64_t, 2> message_of(const cv::Mat& frame);

}  // namespace pixmill::pipeline

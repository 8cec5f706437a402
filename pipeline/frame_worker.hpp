#pragma once

#include "ipc/worker.hpp"
#include "pipeline/program.hpp"

#include <opencv2/core/mat.hpp>

#include <array>
#include <cstdint>
#include <memory>

namespace pixmill::pipeline {

/// A worker that runs the program over frames: a message's input is the pixels, row after row, its answer what
/// pipeline/frame_answer.hpp writes. `program` must outlive it.
[[nodiscard]] std::unique_ptr<ipc::Worker> make_frame_worker(const Program& program);

/// The shape of a frame as a message to such a worker has it.
[[nodiscard]] std::array<std::uint64_t, 2> message_of(const cv::Mat& frame);

}  // namespace pixmill::pipeline

#pragma once

#include "ipc/worker.hpp"
#include "pipeline/program.hpp"

#include <array>
#include <cstdint>
#include <memory>

namespace pixmill::pipeline {

/// A worker that runs the program over files: a message's input is the file's bytes, its answer what
/// pipeline/backends/answer.hpp writes. `program` must outlive it.
[[nodiscard]] std::unique_ptr<ipc::Worker> make_file_worker(const Program& program);

/// What is wanted of an image, as a message to such a worker has it.
[[nodiscard]] std::array<std::uint64_t, 2> message_of(const Program::Want& want);

}  // namespace pixmill::pipeline

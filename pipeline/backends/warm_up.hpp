#pragma once

#include "pipeline/program.hpp"

namespace pixmill::pipeline {

/// For the process that workers are forked from: restricts OpenCV to one thread, and has it ask once what workers that
/// are locked in cannot ask. Never throws.
void prepare_libraries() noexcept;

/// For the same process: runs the program over tiny images, so that what first calls of the codecs, the kernels and
/// their libraries do (open files, make tables) is done once for all workers, and not forbidden to them by then. What
/// kills the program kills the process. Never throws. About a millisecond.
void warm_up(const Program& program) noexcept;

}  // namespace pixmill::pipeline

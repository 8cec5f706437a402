#pragma once

#include "pipeline/program.hpp"

namespace pixmill::pipeline {

/// For the process that workers are forked from: does what first calls of the codecs, the kernels and their libraries
/// do (open files, ask for the number of CPUs, make tables), so that workers need not, and cannot any more once they
/// are locked in. Restricts OpenCV to one thread.
///
/// The program runs over tiny images, first in a process of its own: if that one dies or hangs, only what is known to
/// be asked once is done here. Never throws. For a process with one thread; about a millisecond.
void warm_up(const Program& program) noexcept;

}  // namespace pixmill::pipeline

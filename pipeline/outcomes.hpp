#pragma once

#include "pipeline/program.hpp"
#include "pipeline/source.hpp"

namespace pixmill::pipeline {

/// Where backends deliver what became of tasks. Any thread, any order.
class Outcomes {
 public:
  virtual ~Outcomes() = default;
  /// Takes what became of a task. `encoded` is its output where one was wanted and the verdict is good; it and the
  /// result's frame stay the worker's.
  virtual void deliver(const Task& task, ProgramResult result, Bytes encoded) = 0;
};

}  // namespace pixmill::pipeline

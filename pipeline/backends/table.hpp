#pragma once

#include "pipeline/backends/backend.hpp"

namespace pixmill::pipeline {

void run_processes(const Job& job);
std::unique_ptr<HeadStart> begin_processes(const Program& program, int jobs, const Supervision& supervision);
void run_serial(const Job& job);
void run_threads(const Job& job);
void run_tbb(const Job& job);

}  // namespace pixmill::pipeline

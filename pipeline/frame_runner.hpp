#pragma once

#include "pipeline/plan/chain.hpp"
#include "pipeline/program.hpp"

#include <pixmill/image.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace pixmill::pipeline {

/// Runs one chain over images in memory: its program, compiled when it is first needed, and the working memory that
/// calls leave for each other. Any number of threads.
class FrameRunner {
 public:
  /// See Plan::apply(). `chain` is the same in every call.
  void run(const std::shared_ptr<const Chain>& chain, const cv::Mat& image, ImageResult& result);

 private:
  [[nodiscard]] std::unique_ptr<WorkerMemory> take();
  void put_back(std::unique_ptr<WorkerMemory> memory);

  std::once_flag compiled_;
  std::optional<Program> program_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<WorkerMemory>> idle_;
};

}  // namespace pixmill::pipeline

#include "pipeline/pool_options.hpp"

#include "ipc/sandbox.hpp"

#include <pixmill/error.hpp>
#include <pixmill/machine.hpp>

#include <fmt/format.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

namespace pixmill::pipeline {
namespace {

constexpr int kMostWorkers = 4096;
constexpr std::size_t kImagesAWorker = 4;

}  // namespace

PoolOptions settled(PoolOptions options) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorCode::usage, "PoolOptions::" + what); };
  if (options.workers < 0 || options.workers > kMostWorkers) {
    refuse(fmt::format("workers is {}; expected 1 to {}, or 0 for one a CPU", options.workers, kMostWorkers));
  }
  if (options.timeout.count() < 0 || options.timeout > std::chrono::hours(24 * 365)) {
    refuse("timeout is out of range; expected zero (never) to a year");
  }
  if (options.retries < 0) refuse(fmt::format("retries is {}; expected 0 or more", options.retries));
  if (options.max_memory < (std::uint64_t{1} << 20U) || options.max_memory > (std::uint64_t{1} << 40U)) {
    refuse(fmt::format("max_memory is {}; expected 2^20 to 2^40 bytes", options.max_memory));
  }
  if (options.max_lent < (std::uint64_t{1} << 20U) || options.max_lent > (std::uint64_t{1} << 40U)) {
    refuse(fmt::format("max_lent is {}; expected 2^20 to 2^40 bytes", options.max_lent));
  }
  if (options.sandbox.value_or(false) && !ipc::kSandboxInThisBuild) {
    throw Error(ErrorCode::machine, "PoolOptions::sandbox: this build has a sanitizer, which cannot be locked in");
  }
  if (options.workers == 0) options.workers = usable_cpus();
  if (options.capacity == 0) options.capacity = kImagesAWorker * static_cast<std::size_t>(options.workers);
  return options;
}

void check_wish(const PoolOptions& options, int rows, int columns, int type) {
  const bool is_type = type >= 0 && type <= CV_MAT_TYPE_MASK && CV_MAT_CN(type) <= 4 &&
                       (CV_MAT_DEPTH(type) == CV_8U || CV_MAT_DEPTH(type) == CV_16U);
  if (rows <= 0 || columns <= 0 || !is_type) {
    throw Error(ErrorCode::usage,
                fmt::format("Pool::acquire: {} rows, {} columns, type {}; expected at least one of each, and CV_8UC1 "
                            "to CV_8UC4 or CV_16UC1 to CV_16UC4",
                            rows, columns, is_type ? cv::typeToString(type) : std::to_string(type)));
  }
  const std::uint64_t bytes =
      static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(columns) * CV_ELEM_SIZE(type);
  const std::uint64_t most = std::min(options.max_memory, options.max_lent);
  if (bytes <= most) return;
  throw Error(ErrorCode::usage,
              fmt::format("Pool::acquire: an image of {} bytes, more than PoolOptions::max_memory or max_lent, {}",
                          bytes, most));
}

}  // namespace pixmill::pipeline

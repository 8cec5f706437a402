#include "pipeline/pool_engine.hpp"

#include "ipc/sandbox.hpp"
#include "pipeline/backends/answer.hpp"
#include "pipeline/frame_worker.hpp"
#include "pipeline/machine_limits.hpp"
#include "pipeline/program.hpp"
#include "pipeline/worker_program.hpp"

#include <pixmill/error.hpp>
#include <pixmill/machine.hpp>
#include <pixmill/version.hpp>

#include <fmt/format.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace pixmill::pipeline {
namespace {

constexpr std::uint32_t kRingCapacity = 64;
constexpr std::chrono::minutes kLongestWait{1};
// What a worker may take beyond the reckoning for the allocator's waste.
constexpr std::uint64_t kAllocatorWaste = std::uint64_t{512} << 20U;
// Room for the images that come next.
constexpr std::uint64_t kForTheNext = std::uint64_t{256} << 20U;
// A message to a sleeping process takes longer than this; worth spinning for where a core would idle.
constexpr std::uint64_t kSpinNs = 20'000;

ipc::PoolOptions ipc_options(const Plan& plan, const PoolOptions& options) {
  FrameWorkerJob job;
  job.library_version = version();
  job.memory_bytes = std::min(options.max_memory, physical_memory()) + kAllocatorWaste;
  job.spin_ns = usable_cpus() > options.workers + 1 ? kSpinNs : 0;
  job.sandbox = options.sandbox.value_or(ipc::kSandboxInThisBuild);
  job.plan = plan.text();
  ipc::PoolOptions made;
  made.workers = options.workers;
  made.region_bytes = 2 * std::min(options.max_memory, physical_memory()) + kForTheNext;
  made.timeout = options.timeout;
  made.retries = options.retries;
  made.ring_capacity = kRingCapacity;
  made.available_memory = [] {
    const std::uint64_t bytes = available_memory();
    return bytes == 0 ? UINT64_MAX : bytes;  // not known: fallocate will tell
  };
  made.plan.server_program = arguments_of(job);
  made.plan.server_program.insert(made.plan.server_program.begin(), worker_program(options.worker_program));
  made.plan.memory_bytes = job.memory_bytes;
  made.plan.sandbox = job.sandbox;
  return made;
}

// The part of `bytes` that `frame` is a view of, as an image that keeps all of `bytes` alive: no pixel is copied.
cv::Mat kept_by(const cv::Mat& bytes, const cv::Mat& frame) {
  cv::Mat image = frame;
  image.u = bytes.u;
  image.addref();
  return image;
}

std::string in_words(ipc::Failure failure, const std::string& reason, int attempts) {
  std::string words = reason;
  if (failure == ipc::Failure::protocol) words = "protocol: its worker sent what makes no sense";
  if (failure == ipc::Failure::died)
    words = (reason.starts_with("killed") ? "its worker was " : "its worker ") + reason;
  return attempts > 1 ? fmt::format("{}; tried {} times", words, attempts) : words;
}

Verdict verdict_of(ipc::Failure failure) {
  if (failure == ipc::Failure::timed_out) return Verdict::timeout;
  return failure == ipc::Failure::no_memory ? Verdict::out_of_memory : Verdict::crashed;
}

}  // namespace

PoolEngine::PoolEngine(const Plan& plan, const PoolOptions& options,
                       std::function<void(PoolRequest&&, ImageResult&&)> finished)
    : finished_(std::move(finished)), most_bytes_(options.max_memory), pool_(ipc_options(plan, options), *this) {}

void PoolEngine::submit(PoolRequest request) {
  const cv::Mat& image = request.image;
  ImageResult result;
  if (result.detail = why_no_frame(image); !result.detail.empty()) {
    result.verdict = Verdict::unsupported;
    return finished_(std::move(request), std::move(result));
  }
  const std::uint64_t bytes = image.total() * image.elemSize();
  if (bytes > most_bytes_) {
    result.verdict = Verdict::too_large;
    result.detail = fmt::format("{} x {} pixels have {} bytes, more than max_memory, {}", image.cols, image.rows, bytes,
                                most_bytes_);
    return finished_(std::move(request), std::move(result));
  }
  const std::array<std::uint64_t, 2> shape = message_of(image);
  const auto* pixels = reinterpret_cast<const std::byte*>(image.data);
  in_flight_[next_tag_] = {std::move(request), {}};
  pool_.submit(next_tag_++, {pixels, bytes}, shape);
}

void PoolEngine::wait() { pool_.wait(kLongestWait); }

std::vector<PoolRequest> PoolEngine::give_up() {
  std::vector<PoolRequest> requests;
  for (auto& [tag, item] : in_flight_) requests.push_back(std::move(item.request));
  in_flight_.clear();
  return requests;
}

std::span<std::byte> PoolEngine::room_for(std::uint64_t tag, std::uint64_t size) {
  if (size == 0) return {};
  // OpenCV counts columns in ints.
  constexpr std::uint64_t kLongRow = std::uint64_t{1} << 30U;
  const std::uint64_t columns = std::min(size, kLongRow);
  cv::Mat& answer = in_flight_.at(tag).answer;
  try {
    answer = cv::Mat(static_cast<int>((size + columns - 1) / columns), static_cast<int>(columns), CV_8UC1);
  } catch (const cv::Exception&) {
    return {};
  }
  return {reinterpret_cast<std::byte*>(answer.data), size};
}

void PoolEngine::answered(std::uint64_t tag, std::span<const std::byte> answer, int /*attempts*/) {
  const AnswerWish wish{{.encoded = false, .partial = false, .frame = true}, false};
  std::optional<ReadAnswer> read = read_answer(answer, wish);
  if (!read) {
    pool_.reject();
    return;
  }
  ImageResult result;
  result.verdict = read->result.verdict;
  result.detail = std::move(read->result.detail);
  if (result) result.image = kept_by(in_flight_.at(tag).answer, read->result.frame);
  finish(tag, std::move(result));
}

void PoolEngine::failed(std::uint64_t tag, ipc::Failure failure, const std::string& reason, int attempts) {
  ImageResult result;
  result.verdict = verdict_of(failure);
  result.detail = in_words(failure, reason, attempts);
  finish(tag, std::move(result));
}

void PoolEngine::finish(std::uint64_t tag, ImageResult&& result) {
  auto item = in_flight_.extract(tag);
  finished_(std::move(item.mapped().request), std::move(result));
}

}  // namespace pixmill::pipeline

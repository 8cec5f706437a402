#include "pipeline/pool_engine.hpp"

#include "ipc/sandbox.hpp"
#include "pipeline/frame_worker.hpp"
#include "pipeline/supervised_pool.hpp"
#include "pipeline/worker_plan.hpp"
#include "pipeline/worker_program.hpp"

#include <pixmill/error.hpp>
#include <pixmill/machine.hpp>

#include <fmt/format.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

namespace pixmill::pipeline {
namespace {

constexpr std::chrono::minutes kLongestWait{1};

// Workers of the program, or forks of this one.
ipc::WorkerPlan worker_plan(const PoolOptions& options, const Program& program) {
  const WorkerLimits limits{worker_memory_bytes(options.max_memory), worker_spin_ns(options.workers),
                            options.sandbox.value_or(ipc::kSandboxInThisBuild)};
  if (options.start == StartMethod::fork) return plan_of_forks(program, limits, make_frame_worker);
  return plan_of_program(frame_job(program, limits),
                         worker_program(options.worker_program, "PoolOptions::worker_program"));
}

ipc::PoolOptions ipc_options(const PoolOptions& options, const Program& program) {
  // What is lent takes nothing of the room that images on their way have.
  ipc::PoolOptions made = supervised_pool(options.workers, options.max_memory, options.max_lent);
  made.messages_a_life = options.images_a_worker;
  made.most_kept_bytes = options.max_lent / static_cast<std::uint64_t>(options.workers);
  made.timeout = options.timeout;
  made.retries = options.retries;
  made.if_not_locked = "; PoolOptions::sandbox = false runs them without";
  made.if_no_worker = "; Plan::apply() works without any";
  made.plan = worker_plan(options, program);
  return made;
}

}  // namespace

PoolEngine::PoolEngine(const Plan& plan, const PoolOptions& options, std::shared_ptr<LentFrames> frames,
                       std::function<void(PoolRequest&&, ImageResult&&)> finished)
    : finished_(std::move(finished)),
      frames_(std::move(frames)),
      results_(std::make_shared<ResultMemory>(KeptMemory{options.capacity, options.max_lent / 2})),
      program_(plan, Program::Options{}),
      most_bytes_(options.max_memory),
      pool_(ipc_options(options, program_), *this) {
  frames_->begin([this] { pool_.wake(); }, [this](std::uint64_t bytes) { return pool_.lend(bytes); });
}

PoolEngine::~PoolEngine() {
  frames_->end();
  results_->end();
}

void PoolEngine::give_up_spare() {
  frames_->give_up_spare();
  results_->give_up_spare();
}

void PoolEngine::submit(PoolRequest&& request) {
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
  const std::uint64_t tag = next_tag_++;
  InFlight& item = in_flight_[tag];
  item.request = std::move(request);
  try {
    hand_over(tag, item);
  } catch (...) {
    request = std::move(item.request);
    in_flight_.erase(tag);
    throw;
  }
}

void PoolEngine::hand_over(std::uint64_t tag, InFlight& item) {
  const cv::Mat& image = item.request.image;
  item.expected = expected_of(image);
  const ipc::Pool::Hints hints{frames_->lease_of(image), item.expected ? frame_answer_bytes(*item.expected) : 0};
  item.leased = hints.lease != nullptr;
  const std::array<std::uint64_t, 2> shape = message_of(image);
  const auto* pixels = reinterpret_cast<const std::byte*>(image.data);
  pool_.submit(tag, {pixels, image.total() * image.elemSize()}, shape, hints);
}

// Nothing where a kernel will fail, of which its worker tells. An own kernel may throw anything.
std::optional<kernels::FrameShape> PoolEngine::expected_of(const cv::Mat& image) const {
  try {
    return program_.result_of_frame(image);
  } catch (...) {
    return std::nullopt;
  }
}

void PoolEngine::wait() {
  frames_->serve(pool_.unfinished() == 0);
  pool_.wait(kLongestWait);
}

void PoolEngine::lent(std::uint64_t tag, std::span<const std::byte> head, ipc::Lease answer, std::uint64_t size_bytes,
                      int /*attempts*/) {
  const InFlight& item = in_flight_.at(tag);
  std::optional<FrameAnswer> read = read_answer_head(head, size_bytes);
  const bool good = read && read->verdict == Verdict::ok;
  if (!read || (good && item.expected && !read->has(*item.expected))) {
    pool_.reject();
    return;
  }
  ImageResult result;
  result.verdict = read->verdict;
  result.detail = std::move(read->detail);
  if (good) {
    result.image = image_of(item, answer, *read);
    if (result.image.empty()) {
      result.verdict = Verdict::out_of_memory;
      result.detail = "there is no memory for its result";
    }
  }
  finish(tag, std::move(result));
}

// Empty: there is no memory.
cv::Mat PoolEngine::image_of(const InFlight& item, ipc::Lease& answer, const FrameAnswer& read) {
  try {
    if (item.leased) {
      cv::Mat image = frames_->result(answer, kAnswerHeadBytes, read.rows, read.columns, read.type);
      if (!image.empty()) return image;
    }
    return copy_of(answer, read);
  } catch (const cv::Exception&) {
    return {};
  } catch (const std::bad_alloc&) {
    return {};
  }
}

cv::Mat PoolEngine::copy_of(const ipc::Lease& answer, const FrameAnswer& read) {
  cv::Mat image = results_->image(read.rows, read.columns, read.type);
  const std::size_t bytes = image.total() * image.elemSize();
  std::memcpy(image.data, answer.memory().data() + kAnswerHeadBytes, bytes);
  bytes_copied_out_ += bytes;
  return image;
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

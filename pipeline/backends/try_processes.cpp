#include "pipeline/backends/try_processes.hpp"

#include "ipc/pool.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

/// Says what it is told.
class Echo final : public ipc::Worker {
 public:
  const Answer& run(std::span<const std::byte> input, const std::array<std::uint64_t, 2>& /*user*/) override {
    heard_.assign(input.begin(), input.end());
    answer_.parts = {heard_};
    return answer_;
  }

 private:
  std::vector<std::byte> heard_;
  Answer answer_;
};

class Trial final : public ipc::Pool::Events {
 public:
  Finding run() {
    constexpr std::chrono::seconds kLongest{20};
    ipc::PoolOptions options;
    options.region_bytes = std::uint64_t{1} << 20;
    options.plan.make = [] { return std::make_unique<Echo>(); };
    const Clock::time_point begin = Clock::now();
    ipc::Pool pool(options, *this);
    pool.submit(0, said_, {});
    while (pool.unfinished() > 0 && Clock::now() < begin + kLongest) pool.wait(std::chrono::milliseconds(100));
    if (!why_.empty()) return {"processes", Finding::State::missing, why_ + kInstead};
    if (!echoed_) {
      return {"processes", Finding::State::missing, std::string("a worker process did not answer in 20 s") + kInstead};
    }
    const auto took = std::chrono::ceil<std::chrono::milliseconds>(Clock::now() - begin);
    return {"processes", Finding::State::good,
            fmt::format("a worker process was started, and answered through sealed shared memory, in {} ms; one that "
                        "dies costs no other image",
                        took.count())};
  }

  static constexpr const char* kInstead = "; --backend threads works without them, but a crash ends the whole run";

 private:
  std::span<std::byte> room_for(std::uint64_t /*tag*/, std::uint64_t size_bytes) override {
    heard_.resize(size_bytes);
    return heard_;
  }
  void answered(std::uint64_t /*tag*/, std::span<const std::byte> answer, int /*attempts*/) override {
    echoed_ = std::equal(answer.begin(), answer.end(), said_.begin(), said_.end());
    if (!echoed_) why_ = "what a worker process answered was not what it was told";
  }
  void failed(std::uint64_t /*tag*/, ipc::Failure /*failure*/, const std::string& reason, int /*attempts*/) override {
    why_ = "a worker process did not survive its first message: " + reason;
  }

  std::vector<std::byte> said_ = std::vector<std::byte>(100000, std::byte{0xA5});
  std::vector<std::byte> heard_;
  std::string why_;
  bool echoed_ = false;
};

}  // namespace

Finding diagnose_processes() {
  try {
    return Trial().run();
  } catch (const std::exception& failure) {
    std::string why = failure.what();
    if (why.find("--backend threads") == std::string::npos) why += Trial::kInstead;
    return {"processes", Finding::State::missing, why};
  }
}

}  // namespace pixmill::pipeline

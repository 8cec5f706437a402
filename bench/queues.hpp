#pragma once

#include "bench/report.hpp"

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace pixmill::bench {

/// How much is sent.
struct QueueLoad {
  std::size_t round_trips = 4000;
  std::size_t stretches = 50;  ///< Of a stream, each of 4096 messages.
};

/// Times every kind of lane between two processes, each on a CPU of its own, all in turns, `repeats` times: round trips
/// of one message, and a stream of them one way. `on_run` is called before each. Gives fewer where `stop` ended it:
/// none at all. Throws Error (machine) where there are not two CPUs, or a lane fails.
[[nodiscard]] std::vector<QueueResult> compare_queues(int repeats, std::uint64_t seed, const std::stop_token& stop,
                                                      const std::function<void(const std::string&)>& on_run,
                                                      QueueLoad load = {});

/// The place in QueueResult::histogram of a round trip of so many nanoseconds.
[[nodiscard]] std::size_t latency_bucket(double nanoseconds);
/// The same, between the places.
[[nodiscard]] double latency_place(double nanoseconds);
/// Where that place begins, in nanoseconds.
[[nodiscard]] double bucket_begin(std::size_t bucket);

}  // namespace pixmill::bench

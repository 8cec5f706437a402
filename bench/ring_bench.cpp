/// Our ring against what one would pick instead, between two processes: what `pixmill bench --ipc` tells, without
/// pixmill. Two CPUs are needed, and they should be idle: whoever spins shows what its neighbours do to it.
///
///     ring_bench [REPETITIONS]      default 15

#include "bench/queues.hpp"
#include "bench/report_text.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

int main(int count, char** arguments) {
  try {
    const int repetitions = count > 1 ? std::max(1, std::atoi(arguments[1])) : 15;
    const auto results = pixmill::bench::compare_queues(repetitions, 1, {}, {});
    std::fputs(pixmill::bench::text_of(results).c_str(), stdout);
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "ring_bench: %s\n", failure.what());
    return 1;
  }
}

// Frames in memory: a Pool of processes, with frames of the caller's own and with frames from acquire(), beside threads
// that call Plan::apply(); the same pixels, the same number of workers; rounds interleaved, ratios within a round.
//
//     frames_bench [ROUNDS [WORKERS [FRAMES [COLUMNS ROWS CHANNELS [CHAIN...]]]]]      default: 15 2 48 1920 1080 3
#include <pixmill/pool.hpp>

#include <opencv2/core.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

cv::Mat frame_of(int columns, int rows, int channels, unsigned seed) {
  cv::Mat frame(rows, columns, CV_8UC(channels));
  cv::RNG random(seed);
  random.fill(frame, cv::RNG::UNIFORM, 0, 256);
  return frame;
}

double with_threads(const pixmill::Plan& plan, const std::vector<cv::Mat>& frames, int workers) {
  const auto begin = Clock::now();
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(workers));
  for (int i = 0; i < workers; ++i) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < frames.size(); at = next++) {
        if (!plan.apply(frames[at])) std::abort();
      }
    });
  }
  threads.clear();
  return seconds_since(begin);
}

std::vector<cv::Mat> in_workers_memory(pixmill::Pool& pool, const std::vector<cv::Mat>& frames) {
  std::vector<cv::Mat> moved;
  moved.reserve(frames.size());
  for (const cv::Mat& frame : frames) {
    moved.push_back(pool.acquire(frame.rows, frame.cols, frame.type()));
    frame.copyTo(moved.back());
  }
  return moved;
}

double with_pool(pixmill::Pool& pool, const std::vector<cv::Mat>& frames) {
  const auto begin = Clock::now();
  std::jthread producer([&] {
    for (const cv::Mat& frame : frames) pool.push(frame);
  });
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (!pool.next()->result) std::abort();
  }
  return seconds_since(begin);
}

struct Series {
  std::vector<double> seconds;
  std::vector<double> ratios;
  void add(double time, double beside) {
    seconds.push_back(time);
    ratios.push_back(time / beside);
  }
};

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 15;
  const int workers = argc > 2 ? std::atoi(argv[2]) : 2;
  const int count = argc > 3 ? std::atoi(argv[3]) : 48;
  const bool sized = argc > 6;
  const int columns = sized ? std::atoi(argv[4]) : 1920;
  const int rows = sized ? std::atoi(argv[5]) : 1080;
  const int channels = sized ? std::atoi(argv[6]) : 3;
  std::vector<const char*> chains(argv + std::min(argc, 7), argv + argc);
  if (chains.empty()) {
    chains = {"gray,threshold=otsu", "gray,adaptive=gaussian:window=41", "gray,median=5,threshold=otsu"};
  }
  cv::setNumThreads(1);
  std::vector<cv::Mat> frames;
  frames.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) frames.push_back(frame_of(columns, rows, channels, static_cast<unsigned>(i)));
  std::printf("%-34s %12s %12s %9s %12s %9s\n", "chain", "threads, ms", "copied, ms", "ratio", "acquired, ms", "ratio");
  for (const char* chain : chains) {
    const pixmill::Plan plan = pixmill::Plan::parse(chain);
    pixmill::PoolOptions options;
    options.workers = workers;
    options.max_lent = std::uint64_t{2} << 30;
    pixmill::Pool pool(plan, options);
    const std::vector<cv::Mat> acquired = in_workers_memory(pool, frames);
    with_threads(plan, frames, workers);
    with_pool(pool, frames);
    with_pool(pool, acquired);
    Series threads;
    Series copied;
    Series lent;
    for (int round = 0; round < rounds; ++round) {
      const double alone = with_threads(plan, frames, workers);
      threads.add(alone, alone);
      copied.add(with_pool(pool, frames), alone);
      lent.add(with_pool(pool, acquired), alone);
    }
    const auto each = [count](const Series& series) { return 1000 * median(series.seconds) / count; };
    std::printf("%-34s %12.2f %12.2f %9.3f %12.2f %9.3f\n", chain, each(threads), each(copied), median(copied.ratios),
                each(lent), median(lent.ratios));
  }
  return 0;
}

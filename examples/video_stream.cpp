// Frames of a video through worker processes: they come back in their order, and one that crashes or hangs its worker
// costs no other. The camera writes into memory that a worker shares, and results are looked at where they lie: no
// pixel is copied. This thread fetches and shows; another one plays the camera.
#include <pixmill/error.hpp>
#include <pixmill/pool.hpp>

#include <opencv2/core.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>

namespace {

constexpr std::uint64_t kFrames = 120;

// Stands for a camera: a bright disc that moves over a dim scene.
void read_camera(std::uint64_t number, cv::Mat& frame) {
  const int middle = 40 + static_cast<int>(number) * 7;
  for (int y = 0; y < frame.rows; ++y) {
    for (int x = 0; x < frame.cols; ++x) {
      const int dx = x - middle;
      const int dy = y - 270;
      const bool disc = dx * dx + dy * dy < 60 * 60;
      const auto level = static_cast<uchar>(disc ? 220 : 30 + (x + y) % 60);
      frame.at<cv::Vec3b>(y, x) = {level, level, level};
    }
  }
}

}  // namespace

int main() try {
  pixmill::PoolOptions options;
  options.timeout = std::chrono::seconds(5);
  pixmill::Pool pool(pixmill::Plan::parse("gray,blur=1.5,threshold=otsu"), options);

  const std::jthread camera([&] {
    try {
      for (std::uint64_t number = 0; number < kFrames; ++number) {
        cv::Mat frame = pool.acquire(540, 960, CV_8UC3);
        read_camera(number, frame);
        pool.push(frame, number);  // waits while the pool is full: nothing piles up
      }
      pool.close();
    } catch (const pixmill::Error& error) {  // no worker can be had any more; next() gives what is left as cancelled
      std::fprintf(stderr, "%s\n", error.what());
    }
  });

  std::uint64_t shown = 0;
  while (const std::optional<pixmill::StreamResult> next = pool.next()) {
    if (!next->result) {
      const std::string verdict(pixmill::to_string(next->result.verdict));
      std::fprintf(stderr, "frame %llu: %s: %s\n", static_cast<unsigned long long>(next->tag), verdict.c_str(),
                   next->result.detail.c_str());
      continue;
    }
    ++shown;
    if (next->tag % 40 == 0) {
      std::printf("frame %llu: %d bright pixels\n", static_cast<unsigned long long>(next->tag),
                  cv::countNonZero(next->result.image));
    }
  }
  const pixmill::PoolStatistics statistics = pool.statistics();
  std::printf("%llu of %llu frames, %llu workers, %llu deaths, %llu bytes copied\n",
              static_cast<unsigned long long>(shown), static_cast<unsigned long long>(kFrames),
              static_cast<unsigned long long>(statistics.workers_started),
              static_cast<unsigned long long>(statistics.deaths),
              static_cast<unsigned long long>(statistics.bytes_copied_in + statistics.bytes_copied_out));
  return shown == kFrames ? 0 : 1;
} catch (const pixmill::Error& error) {  // pixmill-worker is not there, or no process is to be had
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}

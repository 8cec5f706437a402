#include "tests/pipeline/pool_host.hpp"
#include "ipc/sandbox.hpp"
#include "tests/support/sample_files.hpp"

#include <pixmill/pool.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <tbb/parallel_for.h>
#include <unistd.h>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <vector>

#if defined(__SANITIZE_THREAD__)
// Debian's oneTBB is not instrumented: how its own threads agree is not seen, and taken for races.
extern "C" const char* __tsan_default_suppressions() { return "race:tbb::detail\n"; }
#endif

namespace pixmill {
namespace {

using tests::Belongings;
using tests::children_named;
using tests::comes_true;
using tests::noise_frame;
using tests::pool_of;
using tests::same_pixels;

/// What a host has that a pool must leave alone.
struct HostState {
  std::map<int, std::uintptr_t> handlers = all_handlers();
  std::vector<int> blocked = blocked_signals();
  int opencv_threads = cv::getNumThreads();
  std::string folder = std::filesystem::current_path();

  friend bool operator==(const HostState&, const HostState&) = default;

  static std::map<int, std::uintptr_t> all_handlers() {
    std::map<int, std::uintptr_t> handlers;
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction action {};
      if (::sigaction(number, nullptr, &action) == 0) {
        handlers[number] = reinterpret_cast<std::uintptr_t>(action.sa_handler);
      }
    }
    return handlers;
  }
  static std::vector<int> blocked_signals() {
    sigset_t set;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &set);
    std::vector<int> numbers;
    for (int number = 1; number < NSIG; ++number) {
      if (sigismember(&set, number) == 1) numbers.push_back(number);
    }
    return numbers;
  }
};

/// A child of the host's own, which waits to be killed.
class OwnChild {
 public:
  OwnChild() : pid_(::fork()) {
    if (pid_ != 0) return;
    for (;;) ::pause();
  }
  OwnChild(const OwnChild&) = delete;
  OwnChild& operator=(const OwnChild&) = delete;
  ~OwnChild() {
    ::kill(pid_, SIGKILL);
    EXPECT_EQ(::waitpid(pid_, nullptr, 0), pid_) << "somebody else reaped it";
  }

 private:
  pid_t pid_;
};

/// OpenCV and TBB at work on all their threads, until it goes.
class BusyHost {
 public:
  BusyHost() {
    threads_.emplace_back([this] {
      const cv::Mat image = noise_frame(200, 150, CV_8UC3);
      for (cv::Mat out; !over_;) cv::GaussianBlur(image, out, {9, 9}, 2);
    });
    threads_.emplace_back([this] {
      while (!over_) tbb::parallel_for(0, 1000, [this](int i) { sum_ += static_cast<std::uint64_t>(i); });
    });
  }
  BusyHost(const BusyHost&) = delete;
  BusyHost& operator=(const BusyHost&) = delete;
  ~BusyHost() { over_ = true; }

 private:
  std::atomic<bool> over_{false};
  std::atomic<std::uint64_t> sum_{0};
  std::vector<std::jthread> threads_;
};

/// Whether all that was kept of a host is as it was.
class PoolInAHost : public testing::Test {
 protected:
  void SetUp() override {
    cv::setNumThreads(3);
    cv::Mat out;
    cv::GaussianBlur(noise_frame(300, 300, CV_8UC3), out, {9, 9}, 2);  // its threads are there from now on
    struct sigaction handler {};
    handler.sa_handler = [](int) {};
    ::sigaction(SIGUSR1, &handler, &before_);
    ::sigaction(SIGCHLD, &handler, &child_before_);
  }
  void TearDown() override {
    ::sigaction(SIGUSR1, &before_, nullptr);
    ::sigaction(SIGCHLD, &child_before_, nullptr);
    cv::setNumThreads(-1);
  }

 private:
  struct sigaction before_ {};
  struct sigaction child_before_ {};
};

const char* const kChains[] = {"gray,median=3,threshold=otsu", "blur=1.5"};

// Eight threads hand over, some with copies and some without, to two pools.
void use_from_eight_threads(std::array<Pool, 2>& pools, std::atomic<int>& wrong) {
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      Pool& pool = pools[t % 2];
      const cv::Mat pixels = noise_frame(120, 90, CV_8UC3, t);
      const cv::Mat want = Plan::parse(kChains[t % 2]).apply(pixels).image;
      for (int i = 0; i < 20; ++i) {
        cv::Mat image = pixels;
        if (t % 4 >= 2) {
          image = pool.acquire(pixels.rows, pixels.cols, pixels.type());
          pixels.copyTo(image);
        }
        const ImageResult result = pool.submit(image).get();
        if (!result || !same_pixels(result.image, want)) ++wrong;
      }
    });
  }
}

TEST_F(PoolInAHost, WithEightThreadsAndOpenCvAndTbbBusy) {
  const OwnChild child;
  const HostState before;
  {
    const BusyHost busy;
    std::array<Pool, 2> pools{Pool(Plan::parse(kChains[0]), pool_of(2)), Pool(Plan::parse(kChains[1]), pool_of(1))};
    std::atomic<int> wrong{0};
    use_from_eight_threads(pools, wrong);
    EXPECT_EQ(wrong, 0);
    for (const Pool& pool : pools) {
      EXPECT_EQ(pool.statistics().failed, 0U);
      EXPECT_EQ(pool.statistics().deaths, 0U);
      EXPECT_EQ(pool.statistics().finished, 80U);
    }
  }
  EXPECT_EQ(HostState(), before);
}

TEST_F(PoolInAHost, AWorkerThatIsKilledCostsOneRetryAndNoMore) {
  const HostState before;
  {
    const BusyHost busy;
    std::array<Pool, 2> pools{Pool(Plan::parse(kChains[0]), pool_of(2)), Pool(Plan::parse(kChains[1]), pool_of(1))};
    ASSERT_TRUE(pools[0].submit(noise_frame(9, 9, CV_8UC3)).get());
    ASSERT_TRUE(comes_true([&] { return children_named("pixmill-work").size() == 3; }));
    std::atomic<int> wrong{0};
    std::jthread user([&] { use_from_eight_threads(pools, wrong); });
    ASSERT_EQ(::kill(children_named("pixmill-work").front(), SIGKILL), 0);
    user.join();
    EXPECT_EQ(wrong, 0);
    ASSERT_TRUE(comes_true([&] { return pools[0].statistics().deaths + pools[1].statistics().deaths == 1; }));
    for (Pool& pool : pools) {
      EXPECT_TRUE(pool.submit(noise_frame(9, 9, CV_8UC3)).get());
      EXPECT_EQ(pool.statistics().failed, 0U);
    }
  }
  EXPECT_EQ(HostState(), before);
}

TEST_F(PoolInAHost, ManyAreMadeAndDestroyedWithoutALeak) {
  // Sanitizers, without which there is a sandbox, are slow to start.
  constexpr int kCount = ipc::kSandboxInThisBuild ? 1000 : 60;
  const OwnChild child;
  const cv::Mat pixels = noise_frame(20, 20, CV_8UC3);
  const auto once = [&](int number) {
    Pool pool(Plan::parse(kChains[0]), pool_of(1 + number % 2));
    if (number % 3 == 0) return true;
    cv::Mat image = pool.acquire(20, 20, CV_8UC3);
    pixels.copyTo(image);
    std::future<ImageResult> last = pool.submit(image);
    if (number % 3 == 1) return static_cast<bool>(last.get());
    static_cast<void>(pool.submit(pixels));
    pool.terminate();
    return last.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  };
  ASSERT_TRUE(once(1));
  const HostState host;
  const Belongings before;
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(once(i)) << i;
  EXPECT_TRUE(comes_true([&] { return Belongings() == before; })) << Belongings();
  EXPECT_EQ(HostState(), host);
  EXPECT_TRUE(children_named("pixmill-work").empty());
  EXPECT_TRUE(children_named("pixmill-fork").empty());
}

}  // namespace
}  // namespace pixmill

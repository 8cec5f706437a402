// Whether each kernel keeps to the scratch memory that it says it takes: by counting, in place of malloc, what all of
// the process asks for while it runs. A program of its own, as no other test should run on a counting malloc, and no
// sanitizer lets it be replaced.

#include "tests/pipeline/chain_run.hpp"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace {

std::atomic<std::int64_t> bytes_now{0};
std::atomic<std::int64_t> bytes_at_most{0};

void* counted(void* memory) {
  const auto size = static_cast<std::int64_t>(malloc_usable_size(memory));
  const std::int64_t now = bytes_now.fetch_add(size) + size;
  std::int64_t most = bytes_at_most.load();
  while (now > most && !bytes_at_most.compare_exchange_weak(most, now)) {
  }
  return memory;
}

void uncount(void* memory) { bytes_now.fetch_sub(static_cast<std::int64_t>(malloc_usable_size(memory))); }

}  // namespace

// The names under which the C library offers its own, for those who replace them.
extern "C" {
void* __libc_malloc(std::size_t size);                           // NOLINT
void* __libc_calloc(std::size_t count, std::size_t size);        // NOLINT
void* __libc_realloc(void* memory, std::size_t size);            // NOLINT
void* __libc_memalign(std::size_t alignment, std::size_t size);  // NOLINT
void __libc_free(void* memory);                                  // NOLINT

void* malloc(std::size_t size) noexcept { return counted(__libc_malloc(size)); }
void* calloc(std::size_t count, std::size_t size) noexcept { return counted(__libc_calloc(count, size)); }
void* realloc(void* memory, std::size_t size) noexcept {
  uncount(memory);
  return counted(__libc_realloc(memory, size));
}
void* memalign(std::size_t alignment, std::size_t size) noexcept { return counted(__libc_memalign(alignment, size)); }
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return counted(__libc_memalign(alignment, size));
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  *memory = counted(__libc_memalign(alignment, size));
  return *memory == nullptr ? ENOMEM : 0;
}
void free(void* memory) noexcept {
  uncount(memory);
  __libc_free(memory);
}
}

namespace pixmill::pipeline {
namespace {

using kernels::FrameOperation;
using kernels::FrameShape;
using kernels::shape_of;

// What a workspace takes to remember its slots.
constexpr std::int64_t kBookkeeping = 4096;

cv::Mat frame_of(const FrameShape& shape) {
  return {static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type()};
}

std::int64_t bytes_taken(const FrameOperation& operation, const cv::Mat& in, cv::Mat& out) {
  const std::int64_t before = bytes_now.load();
  bytes_at_most.store(before);
  kernels::Workspace workspace;
  operation.apply(in, out, workspace);
  return bytes_at_most.load() - before;
}

TEST(KernelMemory, IsCounted) {
  const std::int64_t before = bytes_now.load();
  const cv::Mat frame(1000, 1000, CV_8UC1);
  EXPECT_GE(bytes_now.load() - before, 1000000);
}

// The examples, and the arguments that take the most.
std::vector<std::string> chains() {
  std::vector<std::string> all = testing::every_example();
  for (const char* chain : {"blur=0.1", "blur=20", "blur=200", "median=5", "median=255", "morph=open:size=255",
                            "morph=close:size=31:shape=ellipse", "morph=erode:size=254:shape=cross",
                            "equalize=clip=2:tiles=16", "adaptive=mean:window=401", "adaptive=gaussian:window=401",
                            "resize=300%:filter=lanczos", "resize=3x5:filter=cubic", "resize=7%"}) {
    all.emplace_back(chain);
  }
  return all;
}

TEST(KernelMemory, StaysWithinWhatIsReckoned) {
  cv::setNumThreads(1);
  for (const std::string& chain : chains()) {
    const std::vector<testing::BoundStep> steps = testing::bound_steps(chain);
    int done = 0;
    for (const int depth : {CV_8U, CV_16U}) {
      for (int channels = 1; channels <= 4; ++channels) {
        if (kernels::has_alpha(channels) && !testing::keeps_alpha(steps)) continue;
        for (const cv::Size size : {cv::Size(1, 1), cv::Size(300, 200), cv::Size(4000, 9), cv::Size(9, 4000)}) {
          cv::Mat image(size, CV_MAKETYPE(depth, channels));
          cv::RNG(1).fill(image, cv::RNG::UNIFORM, 0, depth == CV_16U ? 65536 : 256);
          const auto measured = [&](const FrameOperation& operation, const cv::Mat& in) {
            cv::Mat out = frame_of(operation.output_shape(shape_of(in)));
            bytes_taken(operation, in, out);  // what is made once and kept
            const auto reckoned = static_cast<std::int64_t>(operation.scratch_bytes(shape_of(in)));
            EXPECT_LE(bytes_taken(operation, in, out), reckoned + kBookkeeping)
                << chain << ", " << size << ", " << channels << " channels, " << (depth == CV_8U ? 8 : 16) << " bits";
            return out;
          };
          try {
            testing::run_chain(steps, image, measured);
            ++done;
          } catch (const kernels::KernelFailure&) {
            continue;  // it cannot be applied to that shape
          }
        }
      }
    }
    EXPECT_GT(done, 0) << chain;
  }
}

}  // namespace
}  // namespace pixmill::pipeline

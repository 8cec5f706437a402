// Kernels that do to some images, told by their width, what code of one's own may do to all.
#include <pixmill/plugin.hpp>

#include <opencv2/core.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <vector>

namespace {

// Without end, and each page is touched.
void take_memory() {
  std::vector<std::vector<char>> taken;
  for (;;) taken.emplace_back(std::size_t{16} << 20, 'x');
}

void misbehave(const cv::Mat& in, cv::Mat& out, const pixmill::KernelArguments& /*given*/) {
  switch (in.cols) {
    case 101:
      throw std::runtime_error("a page of 101");
    case 102:
      std::abort();
    case 103:
      *static_cast<volatile int*>(nullptr) = 1;
      break;
    case 104:
      for (volatile int step = 0;;) step = 1 - step;
    case 105:
      take_memory();
      break;
    case 106:
      throw 106;
    default:
      cv::bitwise_not(in, out);
  }
}

void ask_user(const cv::Mat& in, cv::Mat& out, const pixmill::KernelArguments& /*given*/) {
  if (in.cols == 110) static_cast<void>(::syscall(SYS_getuid));
  in.copyTo(out);
}

pixmill::KernelDefinition kernel(const char* name, const char* summary) {
  pixmill::KernelDefinition definition;
  definition.descriptor.name = name;
  definition.descriptor.summary = summary;
  return definition;
}

struct Bright {
  std::uint64_t pixels;
};

}  // namespace

PIXMILL_PLUGIN(registrar) {
  pixmill::KernelDefinition misbehaves = kernel("misbehaves", "Inverts most images");
  misbehaves.image = misbehave;
  registrar.kernel(misbehaves);
  pixmill::KernelDefinition asks = kernel("asks", "Asks the kernel who it is, and may");
  asks.image = ask_user;
  asks.system_calls = {SYS_getuid};
  registrar.kernel(asks);
  pixmill::KernelDefinition unasked = kernel("asks-unasked", "Asks the kernel who it is, and may not");
  unasked.image = ask_user;
  registrar.kernel(unasked);
  pixmill::KernelDefinition levels = kernel("darker", "Half as bright");
  levels.level = [](int level, int /*largest*/, const pixmill::KernelArguments&) { return level / 2; };
  registrar.kernel(levels);
  registrar.reduction(pixmill::reduction_of<Bright>(
      {.name = "bright", .summary = "Levels above 127"},
      [](const cv::Mat& image, Bright& state) {
        for (int y = 0; y < image.rows; ++y) {
          for (int x = 0; x < image.cols; ++x) state.pixels += image.ptr<std::uint8_t>(y)[x] > 127 ? 1U : 0U;
        }
      },
      [](const Bright& from, Bright& into) { into.pixels += from.pixels; },
      [](const Bright& state, std::uint64_t images) {
        return std::vector<double>{static_cast<double>(state.pixels), static_cast<double>(images)};
      }));
}

// JPEG or PNG to gray, Otsu, 1-bit PNG, with libvips on threads that share a counter. A file that fails is said, and
// the others are done all the same; then the exit code is 1.
//
//   peer_vips_threads LIST OUT JOBS       LIST: paths, a line each; `--version` tells libvips'

#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

struct Unref {
  void operator()(VipsImage* image) const { g_object_unref(image); }
};
using Image = std::unique_ptr<VipsImage, Unref>;
using Counts = std::array<std::uint32_t, 256>;

// The level that parts the two classes best; libvips has no such thing.
double otsu(const Counts& counts) {
  double total = 0;
  double moment = 0;
  for (std::size_t level = 0; level < counts.size(); ++level) {
    total += counts[level];
    moment += static_cast<double>(level) * counts[level];
  }
  double best = -1;
  double threshold = 0;
  double below = 0;
  double moment_below = 0;
  for (std::size_t level = 0; level < counts.size(); ++level) {
    below += counts[level];
    moment_below += static_cast<double>(level) * counts[level];
    const double above = total - below;
    if (below == 0 || above == 0) continue;
    const double apart = moment_below / below - (moment - moment_below) / above;
    if (below * above * apart * apart > best) {
      best = below * above * apart * apart;
      threshold = static_cast<double>(level);
    }
  }
  return threshold;
}

// The memory of `image`, of which the histogram and the threshold take a pass each.
Image gray_of(const std::string& path) {
  const Image file(vips_image_new_from_file(path.c_str(), "access", VIPS_ACCESS_SEQUENTIAL, nullptr));
  VipsImage* gray = nullptr;
  if (!file || vips_colourspace(file.get(), &gray, VIPS_INTERPRETATION_B_W, nullptr) != 0) return nullptr;
  const Image lazy(gray);
  return Image(vips_image_copy_memory(lazy.get()));
}

bool convert(const std::string& path, const std::filesystem::path& folder) {
  const Image gray = gray_of(path);
  VipsImage* found = nullptr;
  if (!gray || vips_hist_find(gray.get(), &found, nullptr) != 0) return false;
  const Image histogram(found);
  Counts counts{};
  const auto* columns = static_cast<const std::uint32_t*>(vips_image_get_data(histogram.get()));
  for (int i = 0; columns != nullptr && i < vips_image_get_width(histogram.get()) && i < 256; ++i) {
    counts[static_cast<std::size_t>(i)] = columns[i];
  }
  VipsImage* two = nullptr;
  if (vips_more_const1(gray.get(), &two, otsu(counts), nullptr) != 0) return false;
  const Image result(two);
  const std::string out = (folder / (std::filesystem::path(path).filename().string() + ".png")).string();
  return vips_pngsave(result.get(), out.c_str(), "compression", 1, "bitdepth", 1, nullptr) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    std::printf("libvips %s\n", vips_version_string());
    return 0;
  }
  if (argc != 4) {
    std::fputs("usage: peer_vips_threads LIST OUT JOBS\n", stderr);
    return 2;
  }
  if (VIPS_INIT(argv[0]) != 0) return 3;
  vips_concurrency_set(1);
  std::vector<std::string> paths;
  std::ifstream list(argv[1]);
  for (std::string line; std::getline(list, line);) paths.push_back(line);
  std::atomic<std::size_t> next{0};
  std::atomic<bool> well{true};
  const auto work = [&] {
    for (std::size_t i = next++; i < paths.size(); i = next++) {
      if (convert(paths[i], argv[2])) continue;
      std::fprintf(stderr, "%s: %s\n", paths[i].c_str(), vips_error_buffer());
      vips_error_clear();
      well = false;
    }
    vips_thread_shutdown();
  };
  {
    const int workers = std::max(1, std::atoi(argv[3]));
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<std::size_t>(workers));
    for (int i = 0; i < workers; ++i) threads.emplace_back(work);
  }
  vips_shutdown();
  return well ? 0 : 1;
}

// JPEG or PNG to gray, Otsu, 1-bit PNG, with OpenCV and nothing else on threads that share a counter: what one writes
// without pixmill. A file that fails is said, and the others are done all the same; then the exit code is 1.
//
//   peer_opencv_threads LIST OUT JOBS       LIST: paths, a line each; `--version` tells OpenCV's

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

bool convert(const std::string& path, const std::filesystem::path& folder) {
  try {
    const cv::Mat gray = cv::imread(path, cv::IMREAD_GRAYSCALE);
    cv::Mat two;
    const std::string out = (folder / (std::filesystem::path(path).filename().string() + ".png")).string();
    if (!gray.empty()) cv::threshold(gray, two, 0, 255, cv::THRESH_BINARY | cv::THRESH_OTSU);
    if (!gray.empty() && cv::imwrite(out, two, {cv::IMWRITE_PNG_COMPRESSION, 1, cv::IMWRITE_PNG_BILEVEL, 1})) {
      return true;
    }
    std::fprintf(stderr, "%s: it cannot be %s\n", path.c_str(), gray.empty() ? "decoded" : "written");
  } catch (const cv::Exception& error) {
    std::fprintf(stderr, "%s: %s\n", path.c_str(), error.what());
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    std::printf("OpenCV %s in C++\n", CV_VERSION);
    return 0;
  }
  if (argc != 4) {
    std::fputs("usage: peer_opencv_threads LIST OUT JOBS\n", stderr);
    return 2;
  }
  cv::setNumThreads(1);
  std::vector<std::string> paths;
  std::ifstream list(argv[1]);
  for (std::string line; std::getline(list, line);) paths.push_back(line);
  std::atomic<std::size_t> next{0};
  std::atomic<bool> well{true};
  const auto work = [&] {
    for (std::size_t i = next++; i < paths.size(); i = next++) {
      if (!convert(paths[i], argv[2])) well = false;
    }
  };
  {
    const int workers = std::max(1, std::atoi(argv[3]));
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<std::size_t>(workers));
    for (int i = 0; i < workers; ++i) threads.emplace_back(work);
  }
  return well ? 0 : 1;
}

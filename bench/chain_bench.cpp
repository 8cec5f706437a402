// Times a chain on a gray image in memory, one run for each line on stdin, so that another program can let its own runs
// take turns with these: bench/ximgproc_bench.py does.
//
//   chain_bench CHAIN FILE.pgm      the kernels of CHAIN, on an 8-bit PGM
//
// Prints the milliseconds of each run on a line of its own. At a line that says `write` it writes what came out of the
// last run to FILE.pgm.out instead, so that results can be compared.

#include "kernels/histogram.hpp"
#include "kernels/kernel.hpp"
#include "pipeline/plan/chain.hpp"

#include <pixmill/error.hpp>

#include <opencv2/core.hpp>

#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pixmill::bench {
namespace {

using namespace pixmill::kernels;

cv::Mat read_pgm(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  int width = 0;
  int height = 0;
  int largest = 0;
  file >> magic >> width >> height >> largest;
  file.get();
  if (!file || magic != "P5" || largest != 255) throw Error(ErrorCode::usage, path + " is no 8-bit PGM");
  cv::Mat image(height, width, CV_8UC1);
  file.read(reinterpret_cast<char*>(image.data), static_cast<std::streamsize>(image.total()));
  if (!file) throw Error(ErrorCode::usage, path + " is cut short");
  return image;
}

void write_pgm(const std::string& path, const cv::Mat& image) {
  std::ofstream file(path, std::ios::binary);
  file << "P5\n" << image.cols << ' ' << image.rows << "\n255\n";
  file.write(reinterpret_cast<const char*>(image.data), static_cast<std::streamsize>(image.total()));
}

// The kernels of a chain that keep one channel of 8 bits, one after the other.
class Steps {
 public:
  Steps(const std::string& chain, const cv::Mat& image) : frames_{image} {
    for (const pipeline::ChainStep& step : pipeline::parse_chain(chain).steps) {
      if (step.inserted) continue;
      operations_.push_back(step.kernel->bind(step.arguments));
      FrameShape shape = shape_of(frames_.back());
      if (const auto* frame = std::get_if<std::unique_ptr<const FrameOperation>>(&operations_.back())) {
        shape = (*frame)->output_shape(shape);
      }
      frames_.emplace_back(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type());
    }
  }

  void run() {
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      if (const auto* frame = std::get_if<std::unique_ptr<const FrameOperation>>(&operations_[i])) {
        (*frame)->apply(frames_[i], frames_[i + 1], workspace_);
      } else {
        compose(*std::get<std::unique_ptr<const LevelOperation>>(operations_[i]), frames_[i], frames_[i + 1]);
      }
    }
  }
  [[nodiscard]] const cv::Mat& result() const { return frames_.back(); }

 private:
  void compose(const LevelOperation& operation, const cv::Mat& in, cv::Mat& out) {
    LevelTable table(Depth::eight);
    if (operation.needs_histogram()) {
      histogram_.reset(Depth::eight, 1);
      histogram_.add(in);
    }
    operation.compose(operation.needs_histogram() ? &histogram_ : nullptr, table);
    apply_table(table, in, out);
  }

  std::vector<Operation> operations_;
  std::vector<cv::Mat> frames_;
  Histogram histogram_;
  Workspace workspace_;
};

void serve(const std::string& chain, const std::string& path) {
  Steps steps(chain, read_pgm(path));
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "write") {
      write_pgm(path + ".out", steps.result());
      std::cout << "written" << std::endl;
      continue;
    }
    const auto begin = std::chrono::steady_clock::now();
    steps.run();
    const auto took = std::chrono::steady_clock::now() - begin;
    std::cout << std::chrono::duration<double, std::milli>(took).count() << std::endl;
  }
}

}  // namespace
}  // namespace pixmill::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "chain_bench CHAIN FILE.pgm\n";
    return 2;
  }
  try {
    pixmill::bench::serve(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::cerr << "chain_bench: " << error.what() << '\n';
    return 2;
  }
  return 0;
}

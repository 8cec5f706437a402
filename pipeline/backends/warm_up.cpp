#include "pipeline/backends/warm_up.hpp"

#include "pipeline/codecs/codec.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plan.hpp>

#include <fmt/format.h>

#include <opencv2/core/utility.hpp>

#include <exception>
#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

using Image = std::vector<std::byte>;

// Large enough for every default window, with all levels in it.
constexpr int kSide = 32;

Image colour_image() {
  const std::string header = fmt::format("P6 {} {} 255\n", kSide, kSide);
  Image image;
  for (const char c : header) image.push_back(static_cast<std::byte>(c));
  for (int i = 0; i < kSide * kSide * 3; ++i) image.push_back(static_cast<std::byte>((i * 37 / 3) & 0xFF));
  return image;
}

// PNM, and what most batches are made of. The other formats' libraries ask for nothing at their first call but what
// qsort() asks, and ipc::prepare_lock_in() has it ask that.
std::vector<Image> tiny_images() {
  std::vector<Image> images = {colour_image()};
  WorkerMemory memory;
  for (const char* name : {"png", "jpg"}) {
    Program::Options options;
    options.write = true;
    options.format = find_codec(name);
    if (Program(Plan(), options).run(images.front(), {true, false, false}, memory).verdict == Verdict::ok) {
      images.push_back(memory.encoded);
    }
  }
  return images;
}

void run_over(const Program& program, const std::vector<Image>& images) {
  WorkerMemory memory;
  for (const Image& image : images) static_cast<void>(program.run(image, {}, memory));
}

}  // namespace

void prepare_libraries() noexcept {
  try {
    cv::setNumThreads(1);
    static_cast<void>(cv::getNumberOfCPUs());
  } catch (const std::exception&) {
    // Then it asks in a worker.
  }
}

void warm_up(const Program& program) noexcept {
  try {
    run_over(program, tiny_images());
  } catch (const std::exception&) {
    // Then workers begin cold.
  }
}

}  // namespace pixmill::pipeline

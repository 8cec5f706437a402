#include "sample_images/drawing/samples.hpp"

#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <ios>

namespace {

struct Sample {
  const char* name;
  pixmill::samples::FileBytes (*draw)();
};

constexpr std::array kSamples = std::to_array<Sample>({
    {"blood_cells.png", pixmill::samples::blood_cells},
    {"coins.png", pixmill::samples::coins},
    {"colour_chart.png", pixmill::samples::colour_chart},
    {"floor_plan.png", pixmill::samples::floor_plan},
    {"fluorescent_cells.png", pixmill::samples::fluorescent_cells},
    {"hand_xray.png", pixmill::samples::hand_xray},
    {"island_map.png", pixmill::samples::island_map},
    {"lighthouse.jpg", pixmill::samples::lighthouse},
    {"market_flyer.jpg", pixmill::samples::market_flyer},
    {"night_sky.jpg", pixmill::samples::night_sky},
    {"old_letter.jpg", pixmill::samples::old_letter},
    {"rainfall_chart.png", pixmill::samples::rainfall_chart},
    {"rubber_stamp.png", pixmill::samples::rubber_stamp},
    {"scanned_page.jpg", pixmill::samples::scanned_page},
    {"street.jpg", pixmill::samples::street},
    {"windmill_badge.png", pixmill::samples::windmill_badge},
});

void write_all(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for (const Sample& sample : kSamples) {
    const auto bytes = sample.draw();
    std::ofstream file;
    file.exceptions(std::ios::failbit | std::ios::badbit);
    file.open(folder / sample.name, std::ios::binary);
    for (const unsigned char byte : bytes) file.put(static_cast<char>(byte));
    file.close();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_samples DIR   (writes the sample images into DIR)\n", stderr);
    return 2;
  }
  try {
    write_all(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_samples: cannot write into %s: %s\n", argv[1], error.what());
    return 1;
  }
  return 0;
}

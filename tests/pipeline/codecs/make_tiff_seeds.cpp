#include "tests/pipeline/codecs/tiff_files.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

/// Small TIFF files of every kind, for the fuzzer to begin with: make_tiff_seeds DIR writes them there.
namespace {

using pixmill::pipeline::make_tiff;
using pixmill::pipeline::make_tiff_samples;
using pixmill::pipeline::TiffSpec;

struct Seed {
  const char* name;
  TiffSpec spec;
};

std::vector<Seed> seeds() {
  std::vector<Seed> all;
  const auto add = [&all](const char* name, int bits, int samples, int photometric, int compression) -> TiffSpec& {
    TiffSpec spec{.width = 9, .height = 7, .bits = bits, .samples = samples, .photometric = photometric};
    spec.compression = compression;
    spec.rows_per_strip = 4;
    all.push_back({name, std::move(spec)});
    return all.back().spec;
  };
  add("gray", 8, 1, 1, 1).big_endian = true;
  add("gray16", 16, 1, 0, 1).big_endian = true;
  add("gray12", 12, 1, 1, 1).reversed_bits = true;
  add("bits", 1, 1, 0, 1).big_tiff = true;
  add("big_tiles", 8, 1, 1, 32773).tile = 16;
  add("rgb_lzw", 8, 3, 2, 5).predictor = 2;
  add("rgb_deflate", 16, 3, 2, 8).predictor = 2;
  add("rgb_planes", 8, 3, 2, 8).separate = true;
  add("rgba", 8, 4, 2, 1).extra_samples = {2};
  add("zstd", 8, 1, 1, 50000).tile = 16;
  add("cmyk", 8, 4, 5, 1);
  add("ycbcr", 8, 3, 6, 5);
  add("jpeg", 8, 1, 1, 7).rows_per_strip = 0;
  add("jpeg_ycbcr", 8, 3, 6, 7).rows_per_strip = 0;
  add("fax_rle", 1, 1, 0, 2);
  add("fax_group3", 1, 1, 0, 3).group3_options = 5;
  add("fax_group4", 1, 1, 0, 4).reversed_bits = true;
  add("signed16", 16, 1, 1, 1).sample_format = 2;
  TiffSpec& real = add("float32", 32, 1, 1, 8);
  real.sample_format = 3;
  real.predictor = 3;
  add("palette", 2, 1, 3, 1).colour_map.assign(12, 0x4321);
  return all;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: make_tiff_seeds DIR\n";
    return 2;
  }
  const std::filesystem::path folder = arguments[1];
  std::filesystem::create_directories(folder);
  for (const Seed& seed : seeds()) {
    const std::vector<std::byte> file = make_tiff(seed.spec, make_tiff_samples(seed.spec));
    std::ofstream out(folder / (std::string(seed.name) + ".tiff"), std::ios::binary);
    out.write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
    if (!out) return 1;
  }
  return 0;
}

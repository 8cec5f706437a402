#include "tests/pipeline/codecs/bmp_files.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace pixmill::pipeline {

namespace {

void put(std::vector<std::uint8_t>& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i & 0xFF));
}

bool is_gray(const BmpSpec& spec) {
  return spec.bits <= 8 && std::all_of(spec.palette.begin(), spec.palette.end(),
                                       [](const auto& c) { return c[0] == c[1] && c[1] == c[2]; });
}

std::array<std::uint32_t, 4> masks_of(const BmpSpec& spec) {
  if (spec.masks.empty()) {
    return spec.bits == 16 ? std::array<std::uint32_t, 4>{0x7C00, 0x3E0, 0x1F, 0}
                           : std::array<std::uint32_t, 4>{0xFF0000, 0xFF00, 0xFF, 0};
  }
  std::array<std::uint32_t, 4> masks{};
  std::copy(spec.masks.begin(), spec.masks.end(), masks.begin());
  return masks;
}

std::uint8_t level_of(std::uint32_t pixel, std::uint32_t mask) {
  std::uint32_t value = 0;
  std::uint32_t most = 0;
  for (int bit = 31; bit >= 0; --bit) {
    if ((mask >> bit & 1) == 0) continue;
    value = value * 2 + (pixel >> bit & 1);
    most = most * 2 + 1;
  }
  return most == 0 ? 0 : static_cast<std::uint8_t>(std::floor(value * 255.0 / most + 0.5));
}

}  // namespace

std::vector<std::array<std::uint8_t, 3>> make_palette(int entries, bool gray) {
  std::vector<std::array<std::uint8_t, 3>> palette;
  for (int i = 0; i < entries; ++i) {
    const auto level = static_cast<std::uint8_t>(entries == 1 ? 255 : 255 - i * 255 / (entries - 1));
    palette.push_back({level, gray ? level : static_cast<std::uint8_t>(i * 37), gray ? level : std::uint8_t{200}});
  }
  return palette;
}

std::vector<std::uint32_t> make_bmp_pixels(const BmpSpec& spec) {
  std::vector<std::uint32_t> pixels(static_cast<std::size_t>(spec.width) *
                                    static_cast<std::size_t>(std::abs(spec.height)));
  std::uint32_t state = 4711;
  for (std::uint32_t& pixel : pixels) {
    state = state * 1664525U + 1013904223U;
    pixel = state ^ state >> 16;
    if (spec.bits < 32) pixel &= (1U << spec.bits) - 1;
    if (spec.bits <= 8) pixel %= static_cast<std::uint32_t>(std::max<std::size_t>(spec.palette.size(), 1));
  }
  return pixels;
}

std::vector<std::byte> make_bmp_with(const BmpSpec& spec, std::span<const std::uint8_t> data) {
  const bool old = spec.info_bytes == 12;
  std::vector<std::uint8_t> info;
  put(info, spec.info_bytes, 4);
  put(info, static_cast<std::uint32_t>(spec.width), old ? 2 : 4);
  put(info, static_cast<std::uint32_t>(spec.height), old ? 2 : 4);
  put(info, spec.planes, 2);
  put(info, static_cast<std::uint32_t>(spec.bits), 2);
  if (!old) {
    put(info, spec.compression, 4);
    put(info, data.size(), 4);
    put(info, 5000, 4);
    put(info, 6000, 4);
    put(info, spec.colours_field >= 0 ? static_cast<std::uint64_t>(spec.colours_field) : spec.palette.size(), 4);
    put(info, 0, 4);
    const std::size_t inside = spec.info_bytes >= 56 ? 4 : spec.info_bytes >= 52 ? 3 : 0;
    for (std::size_t i = 0; i < inside; ++i) put(info, i < spec.masks.size() ? spec.masks[i] : 0, 4);
    info.resize(spec.info_bytes);
    if (inside == 0) {
      for (const std::uint32_t mask : spec.masks) put(info, mask, 4);
    }
  }
  for (const auto& colour : spec.palette) {
    info.insert(info.end(), colour.begin(), colour.end());
    if (!old) info.push_back(0);
  }
  info.resize(info.size() + spec.gap, 0xEE);
  std::vector<std::uint8_t> file{'B', 'M'};
  put(file, spec.file_bytes_field, 4);
  put(file, 0, 4);
  put(file, spec.offset_field >= 0 ? static_cast<std::uint64_t>(spec.offset_field) : 14 + info.size(), 4);
  file.insert(file.end(), info.begin(), info.end());
  file.insert(file.end(), data.begin(), data.end());
  const Bytes bytes = std::as_bytes(std::span(file));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> make_bmp(const BmpSpec& spec, std::span<const std::uint32_t> pixels) {
  std::vector<std::uint8_t> data;
  const int rows = std::abs(spec.height);
  for (int line = 0; line < rows; ++line) {
    const int y = spec.height < 0 ? line : rows - 1 - line;
    const auto row = pixels.subspan(static_cast<std::size_t>(y) * static_cast<std::size_t>(spec.width),
                                    static_cast<std::size_t>(spec.width));
    std::uint8_t packed = 0;
    int filled = 0;
    for (const std::uint32_t pixel : row) {
      if (spec.bits >= 8) {
        put(data, pixel, spec.bits / 8);
        continue;
      }
      packed = static_cast<std::uint8_t>(packed << spec.bits | pixel);
      filled += spec.bits;
      if (filled == 8) {
        data.push_back(packed);
        packed = 0;
        filled = 0;
      }
    }
    if (filled > 0) data.push_back(static_cast<std::uint8_t>(packed << (8 - filled)));
    while (data.size() % 4 != 0) data.push_back(0xAA);
  }
  return make_bmp_with(spec, data);
}

std::vector<std::uint8_t> encode_runs(const BmpSpec& spec, std::span<const std::uint32_t> pixels) {
  std::vector<std::uint8_t> code;
  const auto width = static_cast<std::size_t>(spec.width);
  for (std::size_t y = pixels.size() / width; y-- > 0;) {
    const auto row = pixels.subspan(y * width, width);
    bool literal = y % 2 == 0;
    for (std::size_t x = 0; x < width; literal = !literal) {
      const std::size_t count = std::min<std::size_t>(width - x, literal ? 3 + x % 9 : 1);
      if (literal && count >= 3) {
        code.push_back(0);
        code.push_back(static_cast<std::uint8_t>(count));
        const std::size_t begin = code.size();
        for (std::size_t i = 0; i < count; ++i) {
          if (spec.bits == 4) {
            if (i % 2 == 0) code.push_back(0);
            code.back() = static_cast<std::uint8_t>(code.back() | row[x + i] << (i % 2 == 0 ? 4 : 0));
          } else {
            put(code, row[x + i], spec.bits / 8);
          }
        }
        if ((code.size() - begin) % 2 != 0) code.push_back(0);
        x += count;
        continue;
      }
      std::size_t run = 1;
      while (x + run < width && run < 255 && row[x + run] == row[x]) ++run;
      code.push_back(static_cast<std::uint8_t>(run));
      if (spec.bits == 4) {
        code.push_back(static_cast<std::uint8_t>(row[x] << 4 | row[x]));
      } else {
        put(code, row[x], spec.bits / 8);
      }
      x += run;
    }
    code.push_back(0);
    code.push_back(y == 0 ? 1 : 0);
  }
  return code;
}

cv::Mat bmp_reference(const BmpSpec& spec, std::span<const std::uint32_t> pixels) {
  const std::array<std::uint32_t, 4> masks = masks_of(spec);
  const int channels = is_gray(spec) ? 1 : spec.bits > 8 && spec.bits != 24 && masks[3] != 0 ? 4 : 3;
  cv::Mat image(std::abs(spec.height), spec.width, CV_8UC(channels));
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    std::uint8_t* out = image.ptr() + i * static_cast<std::size_t>(channels);
    const std::uint32_t pixel = pixels[i];
    for (int c = 0; c < channels; ++c) {
      const auto channel = static_cast<std::size_t>(c);
      if (spec.bits <= 8) {
        out[c] = pixel < spec.palette.size() ? spec.palette[pixel][channel] : std::uint8_t{0};
      } else if (spec.bits == 24) {
        out[c] = static_cast<std::uint8_t>(pixel >> 8 * c & 0xFF);
      } else {
        out[c] = level_of(pixel, masks[c == 3 ? 3 : 2 - channel]);
      }
    }
  }
  return image;
}

}  // namespace pixmill::pipeline

#include "tests/pipeline/codecs/gif_files.hpp"

#include <algorithm>
#include <map>

namespace pixmill::pipeline {

namespace {

class BitWriter {
 public:
  void put(std::uint32_t code, int bits) {
    waiting_ |= code << filled_;
    filled_ += bits;
    for (; filled_ >= 8; filled_ -= 8, waiting_ >>= 8) bytes_.push_back(static_cast<std::uint8_t>(waiting_ & 0xFF));
  }
  std::vector<std::uint8_t> finish() {
    if (filled_ > 0) bytes_.push_back(static_cast<std::uint8_t>(waiting_ & 0xFF));
    return bytes_;
  }

 private:
  std::uint32_t waiting_ = 0;
  int filled_ = 0;
  std::vector<std::uint8_t> bytes_;
};

int size_field(std::size_t entries) {
  int field = 0;
  while ((std::size_t{2} << field) < entries) ++field;
  return field;
}

}  // namespace

std::vector<std::uint8_t> compress_gif(std::span<const std::uint8_t> indexes, int bits) {
  const std::uint32_t clear = 1U << bits;
  BitWriter codes;
  std::map<std::pair<std::uint32_t, std::uint8_t>, std::uint32_t> table;
  std::uint32_t next = clear + 2;
  int width = bits + 1;
  codes.put(clear, width);
  std::optional<std::uint32_t> prefix;
  for (const std::uint8_t index : indexes) {
    if (!prefix) {
      prefix = index;
      continue;
    }
    const auto found = table.find({*prefix, index});
    if (found != table.end()) {
      prefix = found->second;
      continue;
    }
    codes.put(*prefix, width);
    // Readers are one entry behind.
    if (next == 1U << width && width < 12) ++width;
    if (next < 4096) {
      table[{*prefix, index}] = next++;
    } else {
      codes.put(clear, width);
      table.clear();
      next = clear + 2;
      width = bits + 1;
    }
    prefix = index;
  }
  if (prefix) {
    codes.put(*prefix, width);
    if (next == 1U << width && width < 12) ++width;
  }
  codes.put(clear + 1, width);
  return codes.finish();
}

std::vector<std::byte> make_gif_with(const GifSpec& spec, std::span<const std::uint8_t> data) {
  std::vector<std::uint8_t> file{'G', 'I', 'F', '8', '9', 'a'};
  const auto put16 = [&file](int value) {
    file.push_back(static_cast<std::uint8_t>(value & 0xFF));
    file.push_back(static_cast<std::uint8_t>(value >> 8 & 0xFF));
  };
  const auto put_palette = [&file](const std::vector<std::array<std::uint8_t, 3>>& palette) {
    for (const auto& colour : palette) file.insert(file.end(), colour.begin(), colour.end());
  };
  put16(spec.canvas_width);
  put16(spec.canvas_height);
  file.push_back(static_cast<std::uint8_t>(spec.global.empty() ? 0 : 0x80 | size_field(spec.global.size())));
  file.push_back(static_cast<std::uint8_t>(spec.background));
  file.push_back(0);
  put_palette(spec.global);
  file.insert(file.end(), {'!', 0xFE, 5, 'h', 'e', 'l', 'l', 'o', 0});
  if (spec.transparent) {
    file.insert(file.end(), {'!', 0xF9, 4, 1, 0, 0, static_cast<std::uint8_t>(*spec.transparent), 0});
  }
  file.push_back(',');
  for (const int value : {spec.left, spec.top, spec.width, spec.height}) put16(value);
  file.push_back(static_cast<std::uint8_t>((spec.local.empty() ? 0 : 0x80 | size_field(spec.local.size())) |
                                           (spec.interlaced ? 0x40 : 0)));
  put_palette(spec.local);
  file.insert(file.end(), data.begin(), data.end());
  file.push_back(';');
  const Bytes bytes = std::as_bytes(std::span(file));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> make_gif(const GifSpec& spec, std::span<const std::uint8_t> indexes) {
  const auto width = static_cast<std::size_t>(spec.width);
  std::vector<std::uint8_t> ordered;
  const auto add_row = [&](int y) {
    const auto row = indexes.subspan(static_cast<std::size_t>(y) * width, width);
    ordered.insert(ordered.end(), row.begin(), row.end());
  };
  if (spec.interlaced) {
    for (int y = 0; y < spec.height; y += 8) add_row(y);
    for (int y = 4; y < spec.height; y += 8) add_row(y);
    for (int y = 2; y < spec.height; y += 4) add_row(y);
    for (int y = 1; y < spec.height; y += 2) add_row(y);
  } else {
    for (int y = 0; y < spec.height; ++y) add_row(y);
  }
  const std::vector<std::uint8_t> code = compress_gif(ordered, spec.code_bits);
  std::vector<std::uint8_t> data{static_cast<std::uint8_t>(spec.code_bits)};
  for (std::size_t at = 0; at < code.size(); at += spec.block_bytes) {
    const std::size_t count = std::min(spec.block_bytes, code.size() - at);
    data.push_back(static_cast<std::uint8_t>(count));
    data.insert(data.end(), code.begin() + static_cast<std::ptrdiff_t>(at),
                code.begin() + static_cast<std::ptrdiff_t>(at + count));
  }
  data.push_back(0);
  return make_gif_with(spec, data);
}

}  // namespace pixmill::pipeline

#include "tests/pipeline/codecs/tiff_files.hpp"

#include <tiffio.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace pixmill::pipeline {

namespace {

struct Memory {
  std::vector<std::byte> bytes;
  std::size_t at = 0;
};

Memory& of(thandle_t self) { return *static_cast<Memory*>(self); }

tmsize_t read_from(thandle_t self, void* to, tmsize_t count) {
  Memory& memory = of(self);
  const std::size_t there = memory.bytes.size() - std::min(memory.at, memory.bytes.size());
  const std::size_t taken = std::min(static_cast<std::size_t>(count), there);
  if (taken > 0) std::memcpy(to, memory.bytes.data() + memory.at, taken);
  memory.at += taken;
  return static_cast<tmsize_t>(taken);
}

tmsize_t write_to(thandle_t self, void* from, tmsize_t count) {
  Memory& memory = of(self);
  const auto size = static_cast<std::size_t>(count);
  if (memory.at + size > memory.bytes.size()) memory.bytes.resize(memory.at + size);
  std::memcpy(memory.bytes.data() + memory.at, from, size);
  memory.at += size;
  return count;
}

toff_t seek_in(thandle_t self, toff_t offset, int whence) {
  Memory& memory = of(self);
  if (whence == SEEK_CUR) offset += memory.at;
  if (whence == SEEK_END) offset += memory.bytes.size();
  memory.at = offset;
  return offset;
}

int close_it(thandle_t /*self*/) { return 0; }
toff_t size_of_it(thandle_t self) { return of(self).bytes.size(); }

/// Samples as libtiff takes them: bytes of this machine's order, or packed bits.
std::vector<std::uint8_t> packed(std::span<const std::uint64_t> samples, int bits) {
  const auto width = static_cast<std::size_t>(bits);
  std::vector<std::uint8_t> out((samples.size() * width + 7) / 8, 0);
  if (bits % 8 == 0 && bits != 24) {
    for (std::size_t i = 0; i < samples.size(); ++i) std::memcpy(out.data() + i * (width / 8), &samples[i], width / 8);
    return out;
  }
  std::size_t position = 0;
  for (const std::uint64_t sample : samples) {
    for (std::size_t bit = width; bit-- > 0; ++position) {
      if ((sample >> bit & 1) != 0) out[position / 8] |= static_cast<std::uint8_t>(0x80 >> position % 8);
    }
  }
  return out;
}

/// The samples of one block of one plane (or of all, contiguous); beyond the image, those at its border.
std::vector<std::uint8_t> block(const TiffSpec& spec, std::span<const std::uint64_t> samples, std::uint32_t left,
                                std::uint32_t top, std::uint32_t width, std::uint32_t height, int plane) {
  std::vector<std::uint8_t> out;
  const auto count = static_cast<std::size_t>(spec.samples);
  for (std::uint32_t y = top; y < top + height; ++y) {
    std::vector<std::uint64_t> row;
    for (std::uint32_t x = left; x < left + width; ++x) {
      for (std::size_t s = 0; s < count; ++s) {
        if (spec.separate && s != static_cast<std::size_t>(plane)) continue;
        const std::size_t from = std::min(y, spec.height - 1) * std::size_t{spec.width} + std::min(x, spec.width - 1);
        row.push_back(samples[from * count + s]);
      }
    }
    std::vector<std::uint8_t> bytes = packed(row, spec.bits);
    // libtiff swaps the bytes of samples before its floating-point predictor, whose output has no byte order.
    if (spec.predictor == 3 && spec.big_endian) {
      const auto size = static_cast<std::ptrdiff_t>(spec.bits / 8);
      for (auto at = bytes.begin(); at != bytes.end(); at += size) std::reverse(at, at + size);
    }
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return out;
}

void set_tags(TIFF* tiff, const TiffSpec& spec) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, spec.width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, spec.height);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, spec.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, spec.samples);
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, spec.sample_format);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, spec.separate ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, spec.compression);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, spec.photometric);
  if (spec.reversed_bits) TIFFSetField(tiff, TIFFTAG_FILLORDER, FILLORDER_LSB2MSB);
  if (spec.orientation != 0) TIFFSetField(tiff, TIFFTAG_ORIENTATION, spec.orientation);
  if (!spec.white_point.empty()) TIFFSetField(tiff, TIFFTAG_WHITEPOINT, spec.white_point.data());
  if (spec.predictor != 1) TIFFSetField(tiff, TIFFTAG_PREDICTOR, spec.predictor);
  if (spec.group3_options != 0) TIFFSetField(tiff, TIFFTAG_GROUP3OPTIONS, spec.group3_options);
  if (spec.photometric == PHOTOMETRIC_YCBCR && spec.compression == COMPRESSION_JPEG) {
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
  if (spec.photometric == PHOTOMETRIC_YCBCR && spec.compression != COMPRESSION_JPEG) {
    TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, 1, 1);
  }
  if (!spec.extra_samples.empty()) {
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, static_cast<int>(spec.extra_samples.size()), spec.extra_samples.data());
  }
  if (!spec.colour_map.empty()) {
    const std::size_t third = spec.colour_map.size() / 3;
    TIFFSetField(tiff, TIFFTAG_COLORMAP, spec.colour_map.data(), spec.colour_map.data() + third,
                 spec.colour_map.data() + 2 * third);
  }
  if (spec.tile != 0) {
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, spec.tile);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, spec.tile);
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, spec.rows_per_strip == 0 ? spec.height : spec.rows_per_strip);
  }
}

}  // namespace

std::vector<std::byte> make_tiff(const TiffSpec& spec, std::span<const std::uint64_t> samples) {
  Memory memory;
  TIFFSetWarningHandler(nullptr);  // remarks on old compressions that are wanted here
  const std::string mode = std::string("w") + (spec.big_endian ? "b" : "l") + (spec.big_tiff ? "8" : "4");
  TIFF* tiff =
      TIFFClientOpen("it", mode.c_str(), &memory, read_from, write_to, seek_in, close_it, size_of_it, nullptr, nullptr);
  if (tiff == nullptr) throw std::runtime_error("TIFFClientOpen");
  set_tags(tiff, spec);
  const std::uint32_t across = spec.tile != 0 ? spec.tile : spec.width;
  const std::uint32_t down = spec.tile != 0 ? spec.tile : spec.rows_per_strip == 0 ? spec.height : spec.rows_per_strip;
  std::uint32_t index = 0;
  for (int plane = 0; plane < (spec.separate ? spec.samples : 1); ++plane) {
    for (std::uint32_t top = 0; top < spec.height; top += down) {
      for (std::uint32_t left = 0; left < spec.width; left += across) {
        const std::uint32_t rows = spec.tile != 0 ? down : std::min(down, spec.height - top);
        std::vector<std::uint8_t> data = block(spec, samples, left, top, across, rows, plane);
        const auto bytes = static_cast<tmsize_t>(data.size());
        const tmsize_t done = spec.tile != 0 ? TIFFWriteEncodedTile(tiff, index, data.data(), bytes)
                                             : TIFFWriteEncodedStrip(tiff, index, data.data(), bytes);
        if (done != bytes) throw std::runtime_error("TIFFWriteEncoded");
        ++index;
      }
    }
  }
  TIFFClose(tiff);
  return memory.bytes;
}

std::vector<std::uint64_t> make_tiff_samples(const TiffSpec& spec) {
  std::vector<std::uint64_t> samples(std::size_t{spec.width} * spec.height * static_cast<std::size_t>(spec.samples));
  std::uint64_t state = 99;
  std::uint64_t run = 0;
  for (std::uint64_t& sample : samples) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    if (spec.bits == 1) {
      if ((state >> 60) < 3) run ^= 1;
      sample = run;
    } else {
      sample = spec.bits == 64 ? state : state >> (64 - spec.bits);
    }
  }
  return samples;
}

void TiffBuilder::put(std::vector<std::byte>& out, std::uint64_t value, int bytes) const {
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<std::byte>(value >> 8 * (big_endian_ ? bytes - 1 - i : i) & 0xFF));
  }
}

TiffBuilder& TiffBuilder::tag(int tag, int type, const std::vector<std::uint64_t>& values) {
  Field field{tag, type, values.size(), {}, 0, false};
  for (const std::uint64_t value : values) put(field.values, value, type == 3 ? 2 : type == 4 ? 4 : type == 16 ? 8 : 1);
  fields_.push_back(std::move(field));
  return *this;
}

TiffBuilder& TiffBuilder::lie(int tag, int type, std::uint64_t count, std::uint64_t value) {
  fields_.push_back({tag, type, count, {}, value, true});
  return *this;
}

std::vector<std::byte> TiffBuilder::file(Bytes data, std::int64_t claimed_tags) const {
  const int word = big_tiff_ ? 8 : 4;
  std::vector<std::byte> out{std::byte{big_endian_ ? std::uint8_t{'M'} : std::uint8_t{'I'}},
                             std::byte{big_endian_ ? std::uint8_t{'M'} : std::uint8_t{'I'}}};
  put(out, big_tiff_ ? 43 : 42, 2);
  if (big_tiff_) {
    put(out, 8, 2);
    put(out, 0, 2);
  }
  const std::uint64_t directory = (data_at() + data.size() + 1) / 2 * 2;
  put(out, directory, word);
  out.insert(out.end(), data.begin(), data.end());
  out.resize(directory);
  put(out, claimed_tags >= 0 ? static_cast<std::uint64_t>(claimed_tags) : fields_.size(), big_tiff_ ? 8 : 2);
  std::vector<std::byte> behind;
  const auto width = static_cast<std::size_t>(word);
  const std::uint64_t end = directory + (big_tiff_ ? 8 : 2) + fields_.size() * (4 + 2 * width) + width;
  for (const Field& field : fields_) {
    put(out, static_cast<std::uint64_t>(field.tag), 2);
    put(out, static_cast<std::uint64_t>(field.type), 2);
    put(out, field.count, word);
    if (field.lies) {
      put(out, field.offset, word);
    } else if (field.values.size() <= width) {
      out.insert(out.end(), field.values.begin(), field.values.end());
      out.resize(out.size() + width - field.values.size());
    } else {
      put(out, end + behind.size(), word);
      behind.insert(behind.end(), field.values.begin(), field.values.end());
    }
  }
  put(out, 0, word);
  out.insert(out.end(), behind.begin(), behind.end());
  return out;
}

TiffBuilder gray_tiff(std::uint64_t width, std::uint64_t height, std::uint64_t data_bytes, int compression) {
  TiffBuilder builder;
  builder.tag(256, 4, {width}).tag(257, 4, {height}).tag(258, 3, {8});
  builder.tag(259, 3, {static_cast<std::uint64_t>(compression)}).tag(262, 3, {1});
  builder.tag(273, 4, {builder.data_at()}).tag(277, 3, {1}).tag(278, 4, {height}).tag(279, 4, {data_bytes});
  return builder;
}

}  // namespace pixmill::pipeline

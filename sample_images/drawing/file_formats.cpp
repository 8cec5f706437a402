#include "sample_images/drawing/file_formats.hpp"

#include <spng.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include <jpeglib.h>

namespace pixmill::samples {
namespace {

unsigned quantised(double v, unsigned top) { return static_cast<unsigned>(std::lround(clamp01(v) * top)); }
unsigned char byte_of(double v) { return static_cast<unsigned char>(quantised(v, 255)); }

void append16(FileBytes& rows, double v) {
  const auto level = static_cast<std::uint16_t>(quantised(v, 65535));
  std::array<unsigned char, 2> bytes{};  // libspng takes 16-bit samples in the machine's own order.
  std::memcpy(bytes.data(), &level, bytes.size());
  rows.insert(rows.end(), bytes.begin(), bytes.end());
}

void must(int code, const char* call) {
  if (code != 0) throw std::runtime_error(std::string(call) + ": " + spng_strerror(code));
}

spng_ihdr header(int width, int height, int depth, spng_color_type type) {
  spng_ihdr ihdr{};
  ihdr.width = static_cast<std::uint32_t>(width);
  ihdr.height = static_cast<std::uint32_t>(height);
  ihdr.bit_depth = static_cast<std::uint8_t>(depth);
  ihdr.color_type = static_cast<std::uint8_t>(type);
  return ihdr;
}

FileBytes encode_png(spng_ihdr ihdr, const FileBytes& rows, const spng_plte* palette = nullptr) {
  struct Free {
    void operator()(spng_ctx* context) const { spng_ctx_free(context); }
  };
  const std::unique_ptr<spng_ctx, Free> context(spng_ctx_new(SPNG_CTX_ENCODER));
  if (!context) throw std::bad_alloc();
  must(spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1), "spng_set_option");
  must(spng_set_option(context.get(), SPNG_IMG_COMPRESSION_LEVEL, 9), "spng_set_option");
  must(spng_set_ihdr(context.get(), &ihdr), "spng_set_ihdr");
  if (palette != nullptr) {
    spng_plte plte = *palette;
    must(spng_set_plte(context.get(), &plte), "spng_set_plte");
  }
  must(spng_encode_image(context.get(), rows.data(), rows.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE),
       "spng_encode_image");
  std::size_t size = 0;
  int code = 0;
  auto* const bytes = static_cast<unsigned char*>(spng_get_png_buffer(context.get(), &size, &code));
  must(code, "spng_get_png_buffer");
  FileBytes file(bytes, bytes + size);
  std::free(bytes);
  return file;
}

/// Samples of less than a byte, first pixel in the high bits, each row from a new byte on.
template <class Value>
FileBytes packed(int width, int height, int bits, Value value) {
  FileBytes rows;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; x += 8 / bits) {
      unsigned byte = 0;
      for (int i = 0; i < 8 / bits; ++i) {
        const unsigned v = x + i < width ? value(x + i, y) : 0;
        byte = (byte << static_cast<unsigned>(bits)) | v;
      }
      rows.push_back(static_cast<unsigned char>(byte));
    }
  }
  return rows;
}

struct Compressor {
  Compressor() {
    info.err = jpeg_std_error(&errors);
    errors.error_exit = [](j_common_ptr common) {
      std::array<char, JMSG_LENGTH_MAX> text{};
      common->err->format_message(common, text.data());
      throw std::runtime_error(text.data());
    };
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &buffer, &size);
  }
  ~Compressor() {
    jpeg_destroy_compress(&info);
    std::free(buffer);
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  jpeg_error_mgr errors{};
  jpeg_compress_struct info{};
  unsigned char* buffer = nullptr;
  unsigned long size = 0;  // NOLINT: libjpeg's own type.
};

void append_pixel(FileBytes& row, Colour c, const JpegForm& form) {
  if (form.gray) {
    row.push_back(byte_of(c.r));
  } else if (form.cmyk) {
    const double white = std::max({clamp01(c.r), clamp01(c.g), clamp01(c.b), 0.02});
    for (const double v : {c.r / white, c.g / white, c.b / white, white}) row.push_back(byte_of(v));
  } else {
    for (const double v : {c.r, c.g, c.b}) row.push_back(byte_of(v));
  }
}

/// A big-endian TIFF header with the one entry.
std::array<unsigned char, 32> exif_orientation(int orientation) {
  return {'E', 'x', 'i', 'f',  0,    0, 'M', 'M', 0, 42, 0, 0, 0,
          8,   0,   1,   0x01, 0x12, 0, 3,   0,   0, 0,  1, 0, static_cast<unsigned char>(orientation),
          0,   0,   0,   0,    0,    0};
}

}  // namespace

FileBytes png_gray8(const Mask& gray) {
  FileBytes rows;
  for (const double v : gray.samples) rows.push_back(byte_of(v));
  return encode_png(header(gray.width, gray.height, 8, SPNG_COLOR_TYPE_GRAYSCALE), rows);
}

FileBytes png_gray16(const Mask& gray) {
  FileBytes rows;
  for (const double v : gray.samples) append16(rows, v);
  return encode_png(header(gray.width, gray.height, 16, SPNG_COLOR_TYPE_GRAYSCALE), rows);
}

FileBytes png_two_level(const Mask& gray) {
  const auto bit = [&](int x, int y) { return gray.at(x, y) >= 0.5 ? 1U : 0U; };
  return encode_png(header(gray.width, gray.height, 1, SPNG_COLOR_TYPE_GRAYSCALE),
                    packed(gray.width, gray.height, 1, bit));
}

FileBytes png_gray_alpha8(const Mask& gray, const Mask& alpha) {
  FileBytes rows;
  for (std::size_t i = 0; i < gray.samples.size(); ++i) {
    rows.push_back(byte_of(gray.samples[i]));
    rows.push_back(byte_of(alpha.samples[i]));
  }
  return encode_png(header(gray.width, gray.height, 8, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA), rows);
}

FileBytes png_rgb8(const Picture& picture, bool interlaced) {
  FileBytes rows;
  for (const Colour c : picture.samples) {
    for (const double v : {c.r, c.g, c.b}) rows.push_back(byte_of(v));
  }
  spng_ihdr ihdr = header(picture.width, picture.height, 8, SPNG_COLOR_TYPE_TRUECOLOR);
  if (interlaced) ihdr.interlace_method = SPNG_INTERLACE_ADAM7;
  return encode_png(ihdr, rows);
}

FileBytes png_rgb16(const Picture& picture) {
  FileBytes rows;
  for (const Colour c : picture.samples) {
    for (const double v : {c.r, c.g, c.b}) append16(rows, v);
  }
  return encode_png(header(picture.width, picture.height, 16, SPNG_COLOR_TYPE_TRUECOLOR), rows);
}

FileBytes png_rgba8(const Picture& picture, const Mask& alpha) {
  FileBytes rows;
  for (std::size_t i = 0; i < picture.samples.size(); ++i) {
    const Colour c = picture.samples[i];
    for (const double v : {c.r, c.g, c.b, alpha.samples[i]}) rows.push_back(byte_of(v));
  }
  return encode_png(header(picture.width, picture.height, 8, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA), rows);
}

FileBytes png_palette4(const Plane<int>& indices, const std::vector<Colour>& palette) {
  spng_plte plte{};
  for (const Colour c : palette) {
    plte.entries[plte.n_entries++] = {byte_of(c.r), byte_of(c.g), byte_of(c.b), 255};
  }
  const auto nibble = [&](int x, int y) { return static_cast<unsigned>(indices.at(x, y)); };
  return encode_png(header(indices.width, indices.height, 4, SPNG_COLOR_TYPE_INDEXED),
                    packed(indices.width, indices.height, 4, nibble), &plte);
}

FileBytes jpeg(const Picture& picture, const JpegForm& form) {
  Compressor compressor;
  jpeg_compress_struct& info = compressor.info;
  info.image_width = static_cast<JDIMENSION>(picture.width);
  info.image_height = static_cast<JDIMENSION>(picture.height);
  info.input_components = form.gray ? 1 : (form.cmyk ? 4 : 3);
  info.in_color_space = form.gray ? JCS_GRAYSCALE : (form.cmyk ? JCS_CMYK : JCS_RGB);
  jpeg_set_defaults(&info);
  if (form.cmyk) jpeg_set_colorspace(&info, JCS_YCCK);
  jpeg_set_quality(&info, form.quality, TRUE);
  info.optimize_coding = TRUE;
  info.dct_method = JDCT_ISLOW;  // The one transform that is exact, and so the same, with and without SIMD.
  if (form.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  if (form.orientation != 1) {
    const auto exif = exif_orientation(form.orientation);
    jpeg_write_marker(&info, JPEG_APP0 + 1, exif.data(), static_cast<unsigned>(exif.size()));
  }
  FileBytes row;
  for (int y = 0; y < picture.height; ++y) {
    row.clear();
    for (int x = 0; x < picture.width; ++x) append_pixel(row, picture.at(x, y), form);
    JSAMPROW line = row.data();
    jpeg_write_scanlines(&info, &line, 1);
  }
  jpeg_finish_compress(&info);
  return {compressor.buffer, compressor.buffer + compressor.size};
}

}  // namespace pixmill::samples

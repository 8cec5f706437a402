#include "pipeline/codecs/tiff_schemes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace pixmill::pipeline {

namespace {

struct Named {
  int number;
  std::string_view name;
};

/// Those that are read. LZMA and WebP inside a TIFF, which libtiff could decode, take memory that their own headers
/// claim; nothing in libtiff bounds it. Its decoder of word-aligned fax data loses its place in sound files.
constexpr std::array kRead{tiff::kNone,        tiff::kFaxRle,  tiff::kFaxGroup3, tiff::kFaxGroup4, tiff::kLzw,
                           tiff::kJpeg,        tiff::kDeflate, tiff::kNext,      tiff::kPackBits,  tiff::kOldDeflate,
                           tiff::kThunderScan, tiff::kSgiLog,  tiff::kSgiLog24,  tiff::kZstd};

constexpr std::array<Named, 23> kCompressions{{
    {32771, "CCITT RLE of whole words"},
    {6, "old-style JPEG"},
    {9, "JBIG (T.85)"},
    {10, "JBIG (T.43)"},
    {32895, "IT8 CT"},
    {32896, "IT8 LW"},
    {32897, "IT8 MP"},
    {32898, "IT8 BL"},
    {32908, "Pixar film"},
    {32909, "PixarLog"},
    {33003, "JPEG 2000"},
    {33005, "JPEG 2000"},
    {33007, "ALOJPEG"},
    {34661, "JBIG"},
    {34712, "JPEG 2000"},
    {34713, "Nikon NEF"},
    {34887, "LERC"},
    {34892, "lossy JPEG"},
    {34925, "LZMA"},
    {34934, "PNG"},
    {50001, "WebP"},
    {50002, "JPEG XL"},
    {52546, "JPEG XL"},
}};

constexpr std::array<Named, 8> kPhotometrics{{
    {4, "transparency mask"},
    {5, "separated inks"},
    {6, "YCbCr"},
    {8, "CIE L*a*b*"},
    {9, "ICC L*a*b*"},
    {10, "ITU L*a*b*"},
    {32803, "colour filter array"},
    {34892, "linear raw"},
}};

template <std::size_t N>
std::string named(const std::array<Named, N>& table, int number, std::string_view kind) {
  const auto* found = std::find_if(table.begin(), table.end(), [number](const Named& n) { return n.number == number; });
  if (found == table.end()) return fmt::format("{} {}", kind, number);
  return fmt::format("{} ({} {})", found->name, kind, number);
}

}  // namespace

bool reads_tiff_compression(int compression) {
  return std::find(kRead.begin(), kRead.end(), compression) != kRead.end();
}

std::string tiff_compression_name(int compression) { return named(kCompressions, compression, "compression"); }

std::string tiff_photometric_name(int photometric) {
  return named(kPhotometrics, photometric, "photometric interpretation");
}

bool is_tiff_fax(int compression) {
  return compression == tiff::kFaxRle || compression == tiff::kFaxGroup3 || compression == tiff::kFaxGroup4;
}

bool decodes_tiff_rows(int compression) {
  return is_tiff_fax(compression) || compression == tiff::kLzw || compression == tiff::kJpeg ||
         compression == tiff::kDeflate || compression == tiff::kOldDeflate || compression == tiff::kZstd;
}

}  // namespace pixmill::pipeline

#pragma once

#include <string>

/// The compression schemes and colour spaces that a TIFF may name.
namespace pixmill::pipeline {

namespace tiff {
inline constexpr int kNone = 1;
inline constexpr int kFaxRle = 2;
inline constexpr int kFaxGroup3 = 3;
inline constexpr int kFaxGroup4 = 4;
inline constexpr int kLzw = 5;
inline constexpr int kJpeg = 7;
inline constexpr int kDeflate = 8;
inline constexpr int kNext = 32766;
inline constexpr int kPackBits = 32773;
inline constexpr int kThunderScan = 32809;
inline constexpr int kOldDeflate = 32946;
inline constexpr int kSgiLog = 34676;
inline constexpr int kSgiLog24 = 34677;
inline constexpr int kZstd = 50000;

inline constexpr int kWhiteIsZero = 0;
inline constexpr int kBlackIsZero = 1;
inline constexpr int kRgb = 2;
inline constexpr int kPalette = 3;
inline constexpr int kSeparated = 5;
inline constexpr int kYcbcr = 6;
inline constexpr int kCieLab = 8;
inline constexpr int kLogL = 32844;
inline constexpr int kLogLuv = 32845;
}  // namespace tiff

/// Whether that compression is read.
[[nodiscard]] bool reads_tiff_compression(int compression);
/// "JBIG (compression 34661)", or "compression 4711" for one without a name.
[[nodiscard]] std::string tiff_compression_name(int compression);
/// "colour filter array (photometric interpretation 32803)", likewise.
[[nodiscard]] std::string tiff_photometric_name(int photometric);

/// CCITT's fax encodings, which hold one bit a pixel.
[[nodiscard]] bool is_tiff_fax(int compression);
/// Whether rows can be decoded one by one, so that a block need not be decoded at once.
[[nodiscard]] bool decodes_tiff_rows(int compression);

}  // namespace pixmill::pipeline

#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// How the image that an EXIF block goes with differs from the one that it came with.
struct ExifEdit {
  std::uint32_t width = 0;  ///< Of the image that is written.
  std::uint32_t height = 0;
  bool upright = true;        ///< It was turned as the orientation says, so that says 1 from now on.
  bool axes_swapped = false;  ///< What was across is now upright: the two resolutions change places.
};

/// Makes an EXIF block true of another image, in place, so that whatever points into it (maker notes do) still does.
///
/// Sets the orientation to 1 where that is asked for, and the widths and heights that are there to those of the image;
/// drops the thumbnail, which shows the picture as it was: its directory is unlinked, and its pixels are cut off where
/// nothing lies behind them and overwritten with zeros otherwise. Adds nothing; all else stays. Doing it again, without
/// axes_swapped, changes nothing.
///
/// False: `tiff` is no sound TIFF structure, and is not to be used. Any bytes are safe; the block never grows. Costs a
/// few passes over at most 4 x 65,535 directory entries.
[[nodiscard]] bool edit_exif(std::vector<std::byte>& tiff, const ExifEdit& edit);

/// An EXIF block that says nothing but that orientation, 1–8.
[[nodiscard]] std::vector<std::byte> orientation_exif(int orientation);

}  // namespace pixmill::pipeline

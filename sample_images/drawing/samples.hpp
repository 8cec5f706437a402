#pragma once

#include "sample_images/drawing/file_formats.hpp"

/// The pictures, each as the bytes of its file. Every call gives the same bytes.
namespace pixmill::samples {

[[nodiscard]] FileBytes scanned_page();       ///< Colour JPEG: a printed page under uneven light.
[[nodiscard]] FileBytes old_letter();         ///< Grayscale JPEG: handwriting, the back of the sheet showing through.
[[nodiscard]] FileBytes rubber_stamp();       ///< Gray and alpha PNG: a worn stamp.
[[nodiscard]] FileBytes coins();              ///< 8-bit gray PNG: coins on cloth, lit from one side.
[[nodiscard]] FileBytes blood_cells();        ///< RGB PNG: a stained smear under a microscope.
[[nodiscard]] FileBytes fluorescent_cells();  ///< 16-bit RGB PNG: nuclei and membranes on black.
[[nodiscard]] FileBytes hand_xray();          ///< 16-bit gray PNG: the bones of a hand.
[[nodiscard]] FileBytes night_sky();          ///< Progressive JPEG: stars over hills.
[[nodiscard]] FileBytes colour_chart();       ///< RGB PNG: patches and ramps.
[[nodiscard]] FileBytes street();             ///< Colour JPEG: a street, with the noise of a small camera.
[[nodiscard]] FileBytes lighthouse();         ///< JPEG stored on its side, with EXIF orientation 6.
[[nodiscard]] FileBytes island_map();         ///< Palette PNG, 4 bits: heights, contours, names.
[[nodiscard]] FileBytes windmill_badge();     ///< RGBA PNG: a badge with a soft shadow.
[[nodiscard]] FileBytes floor_plan();         ///< 1-bit PNG: the plan of a flat.
[[nodiscard]] FileBytes rainfall_chart();     ///< Interlaced RGB PNG: bars and a curve.
[[nodiscard]] FileBytes market_flyer();       ///< CMYK JPEG: a flyer with crop marks, as printers send it.

}  // namespace pixmill::samples

#pragma once

#include <pixmill/verdict.hpp>

#include <opencv2/core/mat.hpp>

#include <string>

/// How an image lies in memory.
///
/// A cv::Mat with two dimensions and at least one pixel, CV_8U or CV_16U, of 1 (gray), 2 (gray, alpha), 3 (B, G, R) or
/// 4 (B, G, R, alpha) channels; levels from 0 to 255 or 65535. Rows may be padded.
namespace pixmill {

/// What became of one image in memory: the image, or why there is none.
///
///     if (const pixmill::ImageResult page = plan.apply(photo)) show(page.image);
///     else complain(page.detail);
struct ImageResult {
  Verdict verdict = Verdict::cancelled;  ///< What became of it.
  /// Why it failed. Where it did not: empty, or what there is to know, as "median works on 8 bits of this 16-bit
  /// image".
  std::string detail;
  cv::Mat image;  ///< Its pixels are this object's alone, but for what Pool::acquire() says. Empty unless the verdict
                  ///< is a good one.

  /// Whether there is an image.
  [[nodiscard]] explicit operator bool() const { return is_well(verdict); }
};

}  // namespace pixmill

#pragma once

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace pixmill::bench {

/// Like a photo of a page: smooth light, edges, noise. CV_8UC3; the same for the same size.
inline cv::Mat scene(int rows, int cols) {
  cv::Mat image(rows, cols, CV_8UC3);
  cv::RNG random(1);
  random.fill(image, cv::RNG::NORMAL, 150, 60);
  cv::GaussianBlur(image, image, cv::Size(9, 9), 2);
  for (int i = 0; i < 400; ++i) {
    const cv::Point corner(random.uniform(0, cols), random.uniform(0, rows));
    cv::rectangle(image, cv::Rect(corner, cv::Size(random.uniform(5, 300), random.uniform(5, 60))),
                  cv::Scalar(random.uniform(0, 256), random.uniform(0, 256), random.uniform(0, 256)),
                  i % 3 == 0 ? -1 : 3);
  }
  cv::Mat grain(rows, cols, CV_8UC3);
  random.fill(grain, cv::RNG::NORMAL, 6, 4);
  return image + grain;
}

}  // namespace pixmill::bench

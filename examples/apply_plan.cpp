// One plan over frames in memory: what is ink on a page under a lamp?
#include <pixmill/error.hpp>
#include <pixmill/plan.hpp>

#include <opencv2/core.hpp>

#include <cstdio>

namespace {

// Stands for a camera: a page that is bright on one side and in shadow on the other, with lines of ink on it.
cv::Mat frame_of_camera(int number) {
  cv::Mat frame(480, 640, CV_8UC3);
  for (int y = 0; y < frame.rows; ++y) {
    for (int x = 0; x < frame.cols; ++x) {
      const bool ink = y % 24 < 6 && (x + number * 5) % 40 < 28;
      const int light = 90 + x / 5;
      const auto level = static_cast<uchar>(ink ? light / 2 : light);
      frame.at<cv::Vec3b>(y, x) = {level, level, level};
    }
  }
  return frame;
}

}  // namespace

int main() try {
  // The same as Plan::parse("gray,adaptive=sauvola:window=41").
  const pixmill::Plan plan = pixmill::Plan().then("gray").then("adaptive", {{"method", "sauvola"}, {"window", 41}});
  std::printf("%s\n", plan.text().c_str());

  pixmill::ImageResult page;  // used again, so that no frame after the first takes memory
  for (int number = 0; number < 5; ++number) {
    plan.apply(frame_of_camera(number), page);
    if (!page) {
      std::fprintf(stderr, "frame %d: %s\n", number, page.detail.c_str());
      return 1;
    }
    const double paper = cv::countNonZero(page.image);
    std::printf("frame %d: %.1f %% ink\n", number, 100 - 100 * paper / static_cast<double>(page.image.total()));
  }
  return 0;
} catch (const pixmill::Error& error) {  // a chain that makes no sense
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}

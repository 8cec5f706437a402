// A plug-in with one kernel, which darkens the corners.
//
//     pixmill run photos -o out --plugin ./vignette_plugin.so --ops vignette=60
#include <pixmill/plugin.hpp>

#include <opencv2/core.hpp>

#include <array>
#include <cstdint>

namespace {

// The squared distance from the middle, 0 there and 1024 in the corners.
std::int64_t distance(const cv::Mat& image, int x, int y) {
  const std::int64_t dx = 2 * std::int64_t{x} - (image.cols - 1);
  const std::int64_t dy = 2 * std::int64_t{y} - (image.rows - 1);
  const std::int64_t farthest =
      std::int64_t{image.cols} * image.cols + std::int64_t{image.rows} * image.rows;  // of pixels' edges: never 0
  return 1024 * (dx * dx + dy * dy) / farthest;
}

template <typename Level>
void darken(const cv::Mat& in, cv::Mat& out, std::int64_t percent) {
  const int channels = in.channels();
  for (int y = 0; y < in.rows; ++y) {
    const auto* from = in.ptr<Level>(y);
    auto* to = out.ptr<Level>(y);
    for (int x = 0; x < in.cols; ++x) {
      const std::int64_t keep = 100 * 1024 - percent * distance(in, x, y);
      for (int c = 0; c < channels; ++c, ++from, ++to) *to = static_cast<Level>(*from * keep / (100 * 1024));
    }
  }
}

constexpr std::array kParams{
    pixmill::ParamDescriptor{.name = "strength",
                             .summary = "How much light is lost in the corners, in percent",
                             .type = pixmill::ParamType::integer,
                             .default_text = "50",
                             .min = 0,
                             .max = 100},
};

}  // namespace

PIXMILL_PLUGIN(registrar) {
  pixmill::KernelDefinition vignette;
  vignette.descriptor.name = "vignette";
  vignette.descriptor.summary = "Darkens the corners, as old lenses do";
  vignette.descriptor.params = kParams;
  vignette.image = [](const cv::Mat& in, cv::Mat& out, const pixmill::KernelArguments& given) {
    if (in.depth() == CV_16U) {
      darken<std::uint16_t>(in, out, given.integer("strength"));
    } else {
      darken<std::uint8_t>(in, out, given.integer("strength"));
    }
  };
  vignette.scratch_images = 0;
  registrar.kernel(vignette);
}

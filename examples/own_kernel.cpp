// Own kernels in a program: a class that changes the size, a function of the image, a function of the level; then a
// chain of them with those of pixmill, over an image in memory and over a folder.
//
//     own_kernel [INPUT_FOLDER OUTPUT_FOLDER]
#include <pixmill/batch.hpp>
#include <pixmill/error.hpp>
#include <pixmill/kernel.hpp>
#include <pixmill/plan.hpp>

#include <opencv2/core.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>

namespace {

// A frame around the picture: the size that comes out is not the one that goes in.
class Frame final : public pixmill::KernelOperation {
 public:
  explicit Frame(int width) : width_(width) {}
  pixmill::ImageShape output_shape(const pixmill::ImageShape& in) const override {
    return {in.width + 2 * width_, in.height + 2 * width_, in.channels, in.bits};
  }
  std::uint64_t scratch_bytes(const pixmill::ImageShape& /*in*/) const override { return 0; }
  void apply(const cv::Mat& in, cv::Mat& out) const override {
    cv::copyMakeBorder(in, out, width_, width_, width_, width_, cv::BORDER_CONSTANT, cv::Scalar::all(0));
  }

 private:
  int width_;
};

void register_frame() {
  static constexpr std::array params{
      pixmill::ParamDescriptor{.name = "width",
                               .summary = "Of the frame, in pixels",
                               .type = pixmill::ParamType::integer,
                               .default_text = "8",
                               .min = 1,
                               .max = 1000},
  };
  pixmill::KernelDefinition frame;
  frame.descriptor.name = "frame";
  frame.descriptor.summary = "Puts a black frame around the picture";
  frame.descriptor.params = params;
  frame.bind = [](const pixmill::KernelArguments& given) {
    return std::make_unique<Frame>(static_cast<int>(given.integer("width")));
  };
  pixmill::register_kernel(frame);
}

// Old photographs are brown. Whole numbers, so that every machine gives the same bits.
void make_brown(const cv::Mat& in, cv::Mat& out, const pixmill::KernelArguments& /*given*/) {
  if (in.channels() != 3) {
    in.copyTo(out);
    return;
  }
  for (int y = 0; y < in.rows; ++y) {
    const auto* from = in.ptr<cv::Vec3b>(y);
    auto* to = out.ptr<cv::Vec3b>(y);
    for (int x = 0; x < in.cols; ++x) {
      const int b = from[x][0];
      const int g = from[x][1];
      const int r = from[x][2];
      to[x] = {static_cast<uchar>((131 * b + 534 * g + 272 * r) / 1000),
               static_cast<uchar>(std::min(255, (168 * b + 686 * g + 349 * r) / 1000)),
               static_cast<uchar>(std::min(255, (189 * b + 769 * g + 393 * r) / 1000))};
    }
  }
}

void register_brown_and_posters() {
  pixmill::KernelDefinition brown;
  brown.descriptor.name = "brown";
  brown.descriptor.summary = "Brown, as old photographs are";
  brown.descriptor.depth = pixmill::DepthNeed::eight_bits;
  brown.image = make_brown;
  brown.scratch_images = 0;
  pixmill::register_kernel(brown);

  pixmill::KernelDefinition poster;
  poster.descriptor.name = "poster";
  poster.descriptor.summary = "Leaves four levels";
  poster.level = [](int level, int largest, const pixmill::KernelArguments& /*given*/) {
    return level * 4 / (largest + 1) * largest / 3;
  };
  pixmill::register_kernel(poster);
}

}  // namespace

int main(int argc, char** argv) try {
  register_frame();
  register_brown_and_posters();
  const pixmill::Plan plan = pixmill::Plan::parse("resize=50%,brown,poster,frame=4");
  std::printf("%s\n", plan.text().c_str());
  if (argc < 3) {
    const pixmill::ImageResult picture = plan.apply(cv::Mat(40, 60, CV_8UC3, cv::Scalar(200, 180, 90)));
    std::printf("%d x %d: %s\n", picture.image.cols, picture.image.rows, picture ? "well" : picture.detail.c_str());
    return picture ? 0 : 1;
  }
  pixmill::BatchOptions options;
  options.inputs.paths = {argv[1]};
  options.plan = plan;
  options.output.emplace();
  options.output->directory = argv[2];
  options.output->overwrite = true;
  options.supervision.start = pixmill::StartMethod::fork;  // worker processes then have what is registered here
  const pixmill::BatchReport report = pixmill::run_batch(options);
  std::printf("%llu of %llu images ok\n", static_cast<unsigned long long>(report.count(pixmill::Verdict::ok)),
              static_cast<unsigned long long>(report.images));
  return report.all_well() ? 0 : 1;
} catch (const pixmill::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}

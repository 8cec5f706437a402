// Makes faces in photos unrecognisable: OpenCV's cascade finds them, a wide blur hides them, in worker processes.
//
//     face_blurrer CASCADE.xml INPUT_FOLDER OUTPUT_FOLDER
//
// A cascade finds what it was trained for: faces from the front, as haarcascade_frontalface_default.xml of OpenCV does.
#include <pixmill/batch.hpp>
#include <pixmill/error.hpp>
#include <pixmill/kernel.hpp>

#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string checksum(const std::string& text) {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211U;
  return std::to_string(hash);
}

class BlurFaces final : public pixmill::KernelOperation {
 public:
  // Workers open no files, so all is read here, before there are any.
  explicit BlurFaces(const std::string& path) : cascade_(text_of(path)), checksum_(checksum(cascade_)) {
    idle_.push_back(detector());
  }

  // The gray copy, and what OpenCV keeps of it at each scale: three sums of 4 bytes, at scales of 1, 1/1.1, 1/1.21, …
  std::uint64_t scratch_bytes(const pixmill::ImageShape& in) const override {
    return static_cast<std::uint64_t>(in.width) * static_cast<std::uint64_t>(in.height) * 96 + (4U << 20U);
  }

  void apply(const cv::Mat& in, cv::Mat& out) const override {
    cv::Mat gray = in;
    if (in.channels() == 3) cv::cvtColor(in, gray, cv::COLOR_BGR2GRAY);
    std::vector<cv::Rect> faces;
    auto finder = take();
    finder->detectMultiScale(gray, faces, 1.1, 3);
    put_back(std::move(finder));
    in.copyTo(out);
    for (const cv::Rect& face : faces) {
      cv::Mat part = out(face);
      cv::GaussianBlur(part, part, cv::Size(), face.width / 6.0);
    }
  }

  // With another cascade, photos that are done already are done again.
  std::string identity() const override { return checksum_; }

 private:
  using Detector = std::unique_ptr<cv::CascadeClassifier>;

  Detector detector() const {
    auto made = std::make_unique<cv::CascadeClassifier>();
    const cv::FileStorage storage(cascade_, cv::FileStorage::READ | cv::FileStorage::MEMORY);
    if (!made->read(storage.getFirstTopLevelNode())) throw std::runtime_error("that is no cascade");
    return made;
  }

  // One detector serves one thread at a time.
  Detector take() const {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return detector();
    Detector last = std::move(idle_.back());
    idle_.pop_back();
    return last;
  }
  void put_back(Detector finder) const {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(finder));
  }

  std::string cascade_;
  std::string checksum_;
  mutable std::mutex mutex_;
  mutable std::vector<Detector> idle_;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s CASCADE.xml INPUT_FOLDER OUTPUT_FOLDER\n", argv[0]);
    return 2;
  }
  const std::string cascade = argv[1];
  pixmill::KernelDefinition blur_faces;
  blur_faces.descriptor.name = "blur-faces";
  blur_faces.descriptor.summary = "Makes faces unrecognisable";
  blur_faces.descriptor.depth = pixmill::DepthNeed::eight_bits;
  blur_faces.bind = [&cascade](const pixmill::KernelArguments&) { return std::make_unique<BlurFaces>(cascade); };
  pixmill::register_kernel(blur_faces);

  pixmill::BatchOptions options;
  options.inputs.paths = {argv[2]};
  options.plan = pixmill::Plan::parse("blur-faces");
  options.output.emplace();
  options.output->directory = argv[3];
  options.output->format = "same";
  options.output->overwrite = true;
  options.supervision.start = pixmill::StartMethod::fork;  // worker processes then have the kernel
  options.limits.max_memory = std::uint64_t{4} << 30U;     // OpenCV takes 1 GiB for a photo of 12 megapixels
  options.on_outcome = [](const pixmill::ImageOutcome& outcome) {
    if (pixmill::is_well(outcome.verdict)) return;
    const std::string verdict(pixmill::to_string(outcome.verdict));
    std::fprintf(stderr, "%s: %s: %s\n", outcome.input.c_str(), verdict.c_str(), outcome.detail.c_str());
  };
  const pixmill::BatchReport report = pixmill::run_batch(options);
  std::printf("%llu of %llu photos ok\n", static_cast<unsigned long long>(report.count(pixmill::Verdict::ok)),
              static_cast<unsigned long long>(report.images));
  return report.all_well() ? 0 : 1;
} catch (const pixmill::Error& error) {  // no such folder, no cascade
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}

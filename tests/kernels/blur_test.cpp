#include "tests/kernels/images.hpp"

#include <cmath>
#include <cstdint>

namespace pixmill::kernels::testing {
namespace {

std::unique_ptr<const FrameOperation> blur(double sigma) { return frame_operation("blur", {{"sigma", Value{sigma}}}); }

// What OpenCV documents as its bit-exact Gaussian, without vectors: weights in fixed point, the error of each carried
// on to the next, the middle one taking what is left.
std::vector<std::uint64_t> fixed_weights(int window, double sigma, int bits) {
  const cv::Mat exact = cv::getGaussianKernel(window, sigma, CV_64F);
  const double one = std::ldexp(1.0, bits);
  std::vector<std::uint64_t> weights(static_cast<std::size_t>(window));
  double carried = 0;
  std::int64_t sum = 0;
  for (int i = 0; i < window / 2; ++i) {
    const double wanted = exact.at<double>(i) * one + carried;
    const double weight = std::nearbyint(wanted);
    carried = wanted - weight;
    weights[static_cast<std::size_t>(i)] = static_cast<std::uint64_t>(weight);
    weights[static_cast<std::size_t>(window - 1 - i)] = static_cast<std::uint64_t>(weight);
    sum += 2 * static_cast<std::int64_t>(weight);
  }
  weights[static_cast<std::size_t>(window / 2)] = static_cast<std::uint64_t>((std::int64_t{1} << bits) - sum);
  return weights;
}

template <typename T>
cv::Mat plain_blur(const cv::Mat& in, double sigma) {
  constexpr int kBits = sizeof(T) == 1 ? 8 : 16;
  const int side = static_cast<int>(std::nearbyint(sigma * (sizeof(T) == 1 ? 3 : 4) * 2 + 1)) | 1;
  const auto weights_of = [&](int pixels) { return fixed_weights(pixels == 1 ? 1 : side, sigma, kBits); };
  const auto across = weights_of(in.cols);
  const auto down = weights_of(in.rows);
  const int channels = in.channels();
  std::vector<std::uint64_t> rows(static_cast<std::size_t>(in.rows * in.cols * channels));
  const auto at = [&](int y, int x, int c) -> std::uint64_t& {
    return rows[static_cast<std::size_t>((y * in.cols + x) * channels + c)];
  };
  cv::Mat out(in.size(), in.type());
  for (const bool vertical : {false, true}) {
    const auto& weights = vertical ? down : across;
    const int radius = static_cast<int>(weights.size() / 2);
    for (int y = 0; y < in.rows; ++y) {
      for (int x = 0; x < in.cols; ++x) {
        for (int c = 0; c < channels; ++c) {
          std::uint64_t sum = 0;
          for (int i = -radius; i <= radius; ++i) {
            const std::uint64_t weight = weights[static_cast<std::size_t>(i + radius)];
            if (vertical) {
              sum += weight * at(cv::borderInterpolate(y + i, in.rows, cv::BORDER_REFLECT_101), x, c);
            } else {
              const int column = cv::borderInterpolate(x + i, in.cols, cv::BORDER_REFLECT_101);
              sum += weight * in.ptr<T>(y)[column * channels + c];
            }
          }
          if (!vertical) {
            at(y, x, c) = sum;
          } else {
            const std::uint64_t half = std::uint64_t{1} << (2 * kBits - 1);
            out.ptr<T>(y)[x * channels + c] = static_cast<T>((sum + half) >> (2 * kBits));
          }
        }
      }
    }
  }
  return out;
}

TEST(Blur, IsOpenCvs) {
  for (const double sigma : {0.1, 0.5, 1.0, 2.3, 5.0, 17.0}) {
    for (const int depth : {CV_8U, CV_16U}) {
      for (int channels = 1; channels <= 4; ++channels) {
        for (const cv::Size size : awkward_sizes()) {
          const cv::Mat image = noise(size.height, size.width, CV_MAKETYPE(depth, channels), 7);
          cv::Mat wanted;
          cv::GaussianBlur(image, wanted, cv::Size(), sigma);
          ASSERT_TRUE(same(applied(*blur(sigma), padded(image)), wanted))
              << sigma << " " << size << " " << depth << " " << channels;
        }
      }
    }
  }
}

TEST(Blur, IsExactArithmeticWhateverTheProcessor) {
  for (const double sigma : {0.1, 0.2, 0.4, 0.6, 0.83, 1.0, 1.17, 2.0, 3.4, 11.0, 40.0}) {
    for (const int depth : {CV_8U, CV_16U}) {
      for (const int channels : {1, 3}) {
        for (const cv::Size size : {cv::Size(1, 1), cv::Size(1, 9), cv::Size(40, 1), cv::Size(67, 23)}) {
          const cv::Mat image = noise(size.height, size.width, CV_MAKETYPE(depth, channels), 7);
          const cv::Mat wanted =
              depth == CV_8U ? plain_blur<std::uint8_t>(image, sigma) : plain_blur<std::uint16_t>(image, sigma);
          ASSERT_TRUE(same(applied(*blur(sigma), image), wanted)) << sigma << " " << size << " " << depth;
        }
      }
    }
  }
}

TEST(Blur, IsTheSameOnEveryInstructionSet) {
  for (const double sigma : {0.8, 1.7, 3.0, 9.0, 150.0}) {
    for (const int depth : {CV_8U, CV_16U}) {
      for (int channels = 1; channels <= 4; ++channels) {
        for (const cv::Size size : {cv::Size(2, 2), cv::Size(3, 40), cv::Size(67, 23), cv::Size(700, 9)}) {
          const cv::Mat image = noise(size.height, size.width, CV_MAKETYPE(depth, channels), 7);
          cv::Mat wanted;
          cv::GaussianBlur(image, wanted, cv::Size(), sigma);
          for_each_simd_target([&] {
            ASSERT_TRUE(same(applied(*blur(sigma), padded(image)), wanted)) << sigma << " " << size << " " << channels;
          });
        }
      }
    }
  }
}

TEST(Blur, CarriesRoundingAsFarAsItGoes) {
  for (const int depth : {CV_8U, CV_16U}) {
    // White and black at their most, so that sums are as large as they get.
    cv::Mat image(70, 1500, CV_MAKETYPE(depth, 1), cv::Scalar::all(depth == CV_8U ? 255 : 65535));
    image.colRange(400, 800).setTo(0);
    image.rowRange(30, 41).setTo(0);
    for (const double sigma : {0.8, 0.9, 3.3, 60.0}) {
      cv::Mat wanted;
      cv::GaussianBlur(image, wanted, cv::Size(), sigma);
      ASSERT_TRUE(same(applied(*blur(sigma), image), wanted)) << sigma << " " << depth;
    }
  }
}

TEST(Blur, KeepsAConstantPicture) {
  for (const double sigma : {0.1, 1.0, 30.0, 200.0}) {
    for (const int depth : {CV_8U, CV_16U}) {
      const cv::Mat image(20, 33, CV_MAKETYPE(depth, 3), cv::Scalar::all(depth == CV_8U ? 255 : 65535));
      ASSERT_TRUE(same(applied(*blur(sigma), image), image)) << sigma << " " << depth;
    }
  }
}

}  // namespace
}  // namespace pixmill::kernels::testing

#include "pipeline/pixel_fold.hpp"

#include "tests/support/sample_files.hpp"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <numeric>
#include <thread>

namespace pixmill::pipeline {
namespace {

std::vector<ReductionImage> wanted(const std::vector<std::string_view>& names) {
  std::vector<ReductionImage> images;
  for (const std::string_view name : names) {
    images.push_back({kernels::find_reduction(name), std::string(name) + ".png", find_codec("png")});
  }
  return images;
}

InputList named(int count) {
  InputList inputs;
  for (int i = 0; i < count; ++i) {
    const std::string name = std::to_string(i) + ".png";
    inputs.append(name, name.size(), 1);
  }
  return inputs;
}

std::vector<std::vector<std::byte>> finished(const PixelFold& fold) {
  std::vector<std::vector<std::byte>> all(fold.images().size());
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(fold.finish(i, all[i]).usable());
  return all;
}

TEST(PixelFold, ThreadsAndOrderDoNotChangeABit) {
  std::vector<cv::Mat> frames;
  for (int i = 0; i < 40; ++i) {
    const int types[] = {CV_8UC1, CV_8UC3, CV_16UC1};
    frames.push_back(tests::noise_frame(70, 41, types[i % 3], static_cast<std::uint64_t>(i)));
  }
  const auto names = wanted({"mean-image", "min-image", "max-image", "std-image"});
  PixelFold one(names, 0);
  for (std::size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(one.add(i, frames[i]), PixelFold::Added::yes);
  PixelFold many(names, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = frames.size() - 4 + t; i < frames.size(); i -= 4) many.add(i, frames[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(many.count(), frames.size());
  EXPECT_EQ(finished(one), finished(many));
}

TEST(PixelFold, NamesTheFirstThatDiffersInWhateverOrderTheyCome) {
  const InputList inputs = named(6);
  std::vector<std::uint64_t> order(6);
  std::iota(order.begin(), order.end(), 0U);
  do {
    PixelFold fold(wanted({"mean-image"}), 0);
    for (const std::uint64_t index : order) {
      // 2 and 4 differ from 0, 1, 3 and 5, and from each other.
      const int width = index == 2 ? 5 : index == 4 ? 6 : 4;
      static_cast<void>(fold.add(index, tests::noise_frame(width, 3, CV_8UC1)));
    }
    const std::string trouble = fold.trouble(inputs);
    EXPECT_NE(trouble.find("0.png is 4x3 and 2.png is 5x3"), std::string::npos) << trouble;
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(PixelFold, RefusesWhatDoesNotFitInMemory) {
  PixelFold fold(wanted({"mean-image", "std-image"}), 10000000);
  EXPECT_TRUE(fold.refusal({10, 10, 3, kernels::Depth::eight}).empty());
  const std::string why = fold.refusal({1000, 1000, 3, kernels::Depth::eight});
  EXPECT_NE(why.find("mean-image, std-image of 1000x1000 pixels takes"), std::string::npos) << why;
  EXPECT_EQ(fold.add(0, tests::noise_frame(1000, 1000, CV_8UC3)), PixelFold::Added::no_memory);
  EXPECT_EQ(fold.trouble(named(1)), why);
  EXPECT_EQ(PixelFold(wanted({"mean-image"}), 0).refusal({65535, 65535, 3, kernels::Depth::eight}), "");
}

TEST(PixelFold, AsksForMemoryAgainWhenColourComes) {
  const auto names = wanted({"mean-image", "std-image"});
  const kernels::FrameShape gray{600, 400, 1, kernels::Depth::eight};
  PixelFold fold(names, PixelFold(names, 0).bytes(gray));
  EXPECT_EQ(fold.add(0, tests::noise_frame(600, 400, CV_8UC1)), PixelFold::Added::yes);
  EXPECT_EQ(fold.add(1, tests::noise_frame(600, 400, CV_8UC3)), PixelFold::Added::no_memory);
  EXPECT_NE(fold.trouble(named(2)).find("can be had"), std::string::npos);
}

TEST(PixelFold, OfNothingHasNoTrouble) {
  const PixelFold fold(wanted({"max-image"}), 0);
  EXPECT_EQ(fold.count(), 0U);
  EXPECT_EQ(fold.trouble(named(0)), "");
}

}  // namespace
}  // namespace pixmill::pipeline

#include "tests/pipeline/own/kernels_for_tests.hpp"
#include "tests/support/sample_files.hpp"

#include <pixmill/error.hpp>
#include <pixmill/kernel.hpp>
#include <pixmill/plan.hpp>

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace pixmill {
namespace {

using tests::named;
using tests::noise_frame;
using tests::same_pixels;
using tests::that_does;

cv::Mat padded(const cv::Mat& image) {
  cv::Mat large(image.rows + 3, image.cols + 11, image.type(), cv::Scalar::all(99));
  cv::Mat inside = large(cv::Rect(4, 2, image.cols, image.rows));
  image.copyTo(inside);
  return inside;
}

std::vector<cv::Mat> all_kinds() {
  std::vector<cv::Mat> images;
  for (const int type : {CV_8UC1, CV_8UC3, CV_16UC1, CV_16UC3}) {
    images.push_back(noise_frame(17, 9, type));
    images.push_back(noise_frame(1, 1, type));
    images.push_back(padded(noise_frame(33, 5, type)));
    images.push_back(cv::Mat(6, 7, type, cv::Scalar::all(77)));
  }
  return images;
}

void expect_same(const std::string& chain, const std::string& oracle) {
  for (const cv::Mat& image : all_kinds()) {
    const ImageResult got = Plan::parse(chain).apply(image);
    const ImageResult want = Plan::parse(oracle).apply(image);
    EXPECT_TRUE(got) << chain << ": " << got.detail;
    EXPECT_TRUE(same_pixels(got.image, want.image)) << chain << ", type " << image.type() << ", " << image.size();
  }
}

std::string refusal(const KernelDefinition& definition) {
  try {
    register_kernel(definition);
    return "registered";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    return error.what();
  }
}

std::string failure(const std::string& chain, const cv::Mat& image = noise_frame(8, 8, CV_8UC1)) {
  const ImageResult result = Plan::parse(chain).apply(image);
  EXPECT_EQ(result.verdict, Verdict::kernel_failed);
  EXPECT_TRUE(result.image.empty());
  return result.detail;
}

TEST(OwnKernel, OfTheImageGivesWhatOursGive) {
  KernelDefinition definition = named("own-invert");
  definition.image = [](const cv::Mat& in, cv::Mat& out, const KernelArguments&) { tests::invert_all(in, out); };
  register_kernel(definition);
  expect_same("own-invert", "invert");
  expect_same("blur=2,own-invert,threshold=otsu", "blur=2,invert,threshold=otsu");
  expect_same("own-invert,own-invert", "");
}

TEST(OwnKernel, OfLevelsGivesWhatOursGive) {
  KernelDefinition definition = named("level-invert");
  definition.level = [](int level, int largest, const KernelArguments&) { return largest - level; };
  register_kernel(definition);
  expect_same("level-invert", "invert");
  expect_same("gray,level-invert,threshold=otsu", "gray,invert,threshold=otsu");
  definition = named("beyond");
  definition.level = [](int level, int largest, const KernelArguments&) {
    return level % 2 == 0 ? -level - 5 : level + largest;
  };
  register_kernel(definition);
  const ImageResult ends = Plan::parse("beyond,invert").apply(cv::Mat(1, 2, CV_8UC1, cv::Scalar(3)));
  EXPECT_EQ(ends.image.at<std::uint8_t>(0, 0), 0);
}

TEST(OwnKernel, OfLevelsIsAskedOnceForEach) {
  std::atomic<int> asked{0};
  KernelDefinition definition = named("level-counts");
  definition.level = [&asked](int level, int /*largest*/, const KernelArguments&) {
    ++asked;
    return level;
  };
  register_kernel(definition);
  const Plan plan = Plan::parse("level-counts");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(plan.apply(cv::Mat(2, 2, CV_8UC1, cv::Scalar(9))));
  EXPECT_EQ(asked, 256);
  EXPECT_TRUE(plan.apply(cv::Mat(2, 2, CV_16UC1, cv::Scalar(9))));
  EXPECT_EQ(asked, 256 + 65536);
}

TEST(OwnKernel, AsAClassMayChangeTheSize) {
  KernelDefinition definition = named("own-transpose");
  definition.bind = [](const KernelArguments&) { return std::make_unique<tests::Transpose>(); };
  register_kernel(definition);
  expect_same("own-transpose", "rotate=90,flip=h");
  expect_same("own-transpose,resize=50%,own-transpose,own-transpose", "rotate=90,flip=h,resize=50%");
}

TEST(OwnKernel, GetsGrayAndEightBitsWhereItNeedsThem) {
  std::array<std::atomic<int>, 2> seen{};
  KernelDefinition definition = that_does("gray-eight", [&seen](const cv::Mat& in) {
    seen[0] = in.channels();
    seen[1] = in.depth();
  });
  definition.descriptor.channels = ChannelNeed::one;
  definition.descriptor.depth = DepthNeed::eight_bits;
  register_kernel(definition);
  const Plan plan = Plan::parse("gray-eight");
  EXPECT_EQ(plan.text(), "gray=luma,gray-eight");
  EXPECT_TRUE(plan.apply(noise_frame(5, 5, CV_16UC3)));
  EXPECT_EQ(seen[0], 1);
  EXPECT_EQ(seen[1], CV_8U);
  // It could have made colours, so the next one that needs gray gets it again.
  EXPECT_EQ(Plan::parse("gray-eight,adaptive").text().substr(0, 32), "gray=luma,gray-eight,gray=luma,a");
  EXPECT_EQ(Plan::parse(plan.text()).text(), plan.text());
}

TEST(OwnKernel, SeesAlphaOnlyIfItKeepsIt) {
  std::atomic<int> channels{0};
  KernelDefinition definition = that_does("drops", [&](const cv::Mat& in) { channels = in.channels(); });
  register_kernel(definition);
  definition = that_does("keeps", [&](const cv::Mat& in) { channels = in.channels(); });
  definition.descriptor.keeps_alpha = true;
  register_kernel(definition);
  EXPECT_EQ(Plan::parse("drops").apply(noise_frame(5, 5, CV_8UC4)).image.channels(), 3);
  EXPECT_EQ(channels, 3);
  EXPECT_EQ(Plan::parse("keeps").apply(noise_frame(5, 5, CV_8UC4)).image.channels(), 4);
  EXPECT_EQ(channels, 4);
}

TEST(OwnKernel, ReadsItsArguments) {
  static constexpr std::array kChoices{Choice{"soft", ""}, Choice{"hard", ""}};
  std::vector<ParamDescriptor> params = {
      {.name = "count", .type = ParamType::integer, .default_text = "3", .min = 1, .max = 9},
      {.name = "sigma", .type = ParamType::number, .default_text = "1.5", .min = 0, .max = 10},
      {.name = "method", .type = ParamType::choice, .default_text = "hard", .choices = kChoices},
      {.name = "at", .type = ParamType::level, .default_text = "50%"},
      {.name = "to", .type = ParamType::size, .default_text = "640x"},
      {.name = "in", .type = ParamType::region, .default_text = "5x6+7+8"},
      {.name = "file", .type = ParamType::text},
  };
  std::string seen;
  {
    const std::string name = "reads";  // nothing of it is needed after it is registered
    KernelDefinition definition = named(name);
    definition.descriptor.params = params;
    definition.image = [&seen](const cv::Mat& in, cv::Mat& out, const KernelArguments& given) {
      in.copyTo(out);
      const RegionArgument region = given.region("in");
      const std::vector<double> numbers = {static_cast<double>(given.integer("count")),
                                           given.number("sigma"),
                                           given.level("at", 8),
                                           given.level("at", 16),
                                           static_cast<double>(given.size("to").width),
                                           static_cast<double>(region.x + region.y)};
      seen = std::string(given.choice("method")) + (given.given("file") ? std::string(given.text("file")) : "-");
      for (const double number : numbers) seen += ' ' + std::to_string(number).substr(0, 6);
    };
    register_kernel(definition);
    params.clear();
  }
  const cv::Mat image = noise_frame(4, 4, CV_8UC1);
  EXPECT_TRUE(Plan::parse("reads").apply(image));
  EXPECT_EQ(seen, "hard- 3.0000 1.5000 127.50 32767. 640.00 15.000");
  EXPECT_TRUE(Plan().then("reads", {{"method", "soft"}, {"file", "a/b c.xml"}, {"count", 7}}).apply(image));
  EXPECT_EQ(seen, "softa/b c.xml 7.0000 1.5000 127.50 32767. 640.00 15.000");
  for (const char* wrong :
       {"reads=10", "reads=x", "reads=sigma=11", "reads=method=mild", "reads=file=", "reads=mode=1"}) {
    EXPECT_THROW(static_cast<void>(Plan::parse(wrong)), Error) << wrong;
  }
}

TEST(OwnKernel, AsksForWhatItHasNot) {
  static constexpr std::array kParams{ParamDescriptor{.name = "file", .type = ParamType::text}};
  KernelDefinition definition = named("asks-wrong");
  definition.descriptor.params = kParams;
  definition.image = [](const cv::Mat& in, cv::Mat&, const KernelArguments& given) {
    static_cast<void>(in.rows == 8 ? given.integer("size") : in.rows == 9 ? given.integer("file") : 0);
    static_cast<void>(given.text("file"));
  };
  register_kernel(definition);
  EXPECT_EQ(failure("asks-wrong"), "asks-wrong: it asks for its parameter 'size', which its descriptor has not");
  EXPECT_EQ(failure("asks-wrong=x", noise_frame(9, 9, CV_8UC1)),
            "asks-wrong: it asks for file as a whole number, which it is not");
  EXPECT_EQ(failure("asks-wrong", noise_frame(7, 7, CV_8UC1)), "asks-wrong: it needs file, which was not given");
}

TEST(OwnKernel, WhatItThrowsFailsTheImage) {
  register_kernel(that_does("throws", [](const cv::Mat& in) {
    if (in.cols == 1) throw std::runtime_error("the page is upside down");
    if (in.cols == 2) throw 42;
    if (in.cols == 3) throw std::bad_alloc();
    if (in.cols == 4) cv::error(cv::Error::StsBadArg, "a wrong argument", "f", "f.cpp", 1);
    if (in.cols == 5) cv::error(cv::Error::StsNoMem, "no memory", "f", "f.cpp", 1);
  }));
  const auto image = [](int width) { return noise_frame(width, 3, CV_8UC1); };
  EXPECT_EQ(failure("throws", image(1)), "throws: the page is upside down");
  EXPECT_EQ(failure("throws", image(2)), "throws: it threw what is no std::exception");
  EXPECT_EQ(Plan::parse("throws").apply(image(3)).verdict, Verdict::out_of_memory);
  EXPECT_EQ(failure("throws", image(4)), "throws: OpenCV: a wrong argument");
  EXPECT_EQ(Plan::parse("throws").apply(image(5)).verdict, Verdict::out_of_memory);
  EXPECT_TRUE(Plan::parse("throws").apply(image(6)));
  KernelDefinition levels = named("throws-too");
  levels.level = [](int level, int, const KernelArguments&) {
    if (level == 200) throw std::runtime_error("200 is too much");
    return level;
  };
  register_kernel(levels);
  EXPECT_EQ(failure("throws-too"), "throws-too: 200 is too much");
}

TEST(OwnKernel, WhatItGivesIsLookedAt) {
  KernelDefinition definition = named("gives");
  definition.image = [](const cv::Mat& in, cv::Mat& out, const KernelArguments&) {
    if (in.cols == 1) out = cv::Mat(5, 5, CV_8UC1, cv::Scalar(0));
    if (in.cols == 2) out = cv::Mat(in.size(), CV_8UC3, cv::Scalar(0));
    if (in.cols == 3) out.release();
    if (in.cols == 4) out = in + 1;  // another matrix, of the right kind
  };
  register_kernel(definition);
  for (const int width : {1, 2, 3}) {
    EXPECT_EQ(failure("gives", noise_frame(width, 3, CV_8UC1)).substr(0, 59),
              "gives: it gave another image than its output_shape() said, ");
  }
  const cv::Mat image = noise_frame(4, 3, CV_8UC1);
  EXPECT_TRUE(same_pixels(Plan::parse("gives").apply(image).image, image + 1));
}

TEST(OwnKernel, ShapesThatAreNoneAreRefused) {
  class Shape final : public tests::Transpose {
   public:
    [[nodiscard]] ImageShape output_shape(const ImageShape& in) const override {
      switch (in.width) {
        case 1:
          return {0, 1, 1, 8};
        case 2:
          return {1, -1, 1, 8};
        case 3:
          return {1, 1, 5, 8};
        case 4:
          return {1, 1, 1, 32};
        case 5:
          return {1, 1, 4, 8};  // alpha out of nothing
        case 6:
          return {1 << 30, 1 << 30, 1, 8};
        default:
          throw std::runtime_error("not this one");
      }
    }
  };
  KernelDefinition definition = named("shapes");
  definition.bind = [](const KernelArguments&) { return std::make_unique<Shape>(); };
  register_kernel(definition);
  for (int width = 1; width <= 6; ++width) {
    EXPECT_NE(failure("shapes", noise_frame(width, 3, CV_8UC1)).find("which is no image here"), std::string::npos);
  }
  EXPECT_EQ(failure("shapes", noise_frame(7, 3, CV_8UC1)), "shapes: not this one");
}

TEST(OwnKernel, RandomNumbersAreThoseOfTheImage) {
  std::atomic<unsigned> drawn{0};
  register_kernel(that_does("draws", [&](const cv::Mat&) { drawn = cv::theRNG().next(); }));
  const Plan plan = Plan::parse("draws");
  cv::theRNG() = cv::RNG(7);
  const unsigned next = cv::RNG(7).next();
  EXPECT_TRUE(plan.apply(noise_frame(4, 4, CV_8UC1)));
  const unsigned first = drawn;
  EXPECT_EQ(cv::theRNG().next(), next);  // the host's are untouched
  EXPECT_TRUE(plan.apply(noise_frame(5, 5, CV_8UC1)));
  EXPECT_EQ(drawn, first);
}

TEST(OwnKernel, NamesThatAreTakenAreRefused) {
  register_kernel(that_does("once", [](const cv::Mat&) {}));
  EXPECT_NE(
      refusal(that_does("once", [](const cv::Mat&) {})).find("a kernel of that name already, which is registered"),
      std::string::npos);
  EXPECT_NE(refusal(that_does("blur", [](const cv::Mat&) {})).find("which is pixmill's"), std::string::npos);
  for (const char* name : {"", "Sepia", "9lives", "a,b", "a b", "a=b", "a:b", "ä"}) {
    EXPECT_NE(refusal(that_does(name, [](const cv::Mat&) {})).find("is no name"), std::string::npos) << name;
  }
}

TEST(OwnKernel, DefinitionsThatContradictThemselvesAreRefused) {
  const auto expect = [](const KernelDefinition& definition, const char* why) {
    const std::string got = refusal(definition);
    EXPECT_NE(got.find(why), std::string::npos) << got;
  };
  const KernelDefinition sound = that_does("unsound", [](const cv::Mat&) {});
  expect(named("unsound"), "exactly one of bind, image and level");
  KernelDefinition wrong = sound;
  wrong.level = [](int level, int, const KernelArguments&) { return level; };
  expect(wrong, "exactly one of bind, image and level");
  wrong = sound;
  wrong.descriptor.depth = DepthNeed::depends;
  expect(wrong, "depth");
  wrong = sound;
  wrong.scratch_images = -1;
  expect(wrong, "scratch_images");
  wrong = sound;
  wrong.system_calls = {99999};
  expect(wrong, "99999 is no number of a system call");
  const auto with_param = [&](const ParamDescriptor& param, const char* why) {
    wrong = sound;
    wrong.descriptor.params = std::span(&param, 1);
    expect(wrong, why);
  };
  with_param({.name = "Size", .type = ParamType::text}, "no name for a parameter");
  with_param({.name = "size", .type = ParamType::choice}, "needs choices");
  with_param({.name = "size", .type = ParamType::number, .min = 2, .max = 1}, "has no range");
  with_param({.name = "size", .type = ParamType::integer, .default_text = "7", .min = 1, .max = 5}, "its own default");
  static constexpr std::array kTwins{ParamDescriptor{.name = "a", .type = ParamType::text},
                                     ParamDescriptor{.name = "a", .type = ParamType::text}};
  wrong = sound;
  wrong.descriptor.params = kTwins;
  expect(wrong, "one name");
}

TEST(OwnKernel, WhatItsBindThrowsRefusesThePlan) {
  KernelDefinition definition = named("unbound");
  static constexpr std::array kParams{
      ParamDescriptor{.name = "mode", .type = ParamType::integer, .default_text = "0", .min = 0, .max = 3}};
  definition.descriptor.params = kParams;
  definition.bind = [](const KernelArguments& given) -> std::unique_ptr<const KernelOperation> {
    if (given.integer("mode") == 0) throw std::runtime_error("no such model");
    if (given.integer("mode") == 1) throw 1;
    if (given.integer("mode") == 2) throw Error(ErrorCode::machine, "no room for the model");
    return nullptr;
  };
  register_kernel(definition);
  const auto thrown = [](const char* chain) -> std::string {
    try {
      return Plan::parse(chain).text();
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_EQ(thrown("unbound"), "unbound: no such model");
  EXPECT_EQ(thrown("unbound=1"), "unbound: its bind threw what is no std::exception");
  EXPECT_EQ(thrown("unbound=2"), "no room for the model");
  EXPECT_EQ(thrown("unbound=3"), "own kernel 'unbound': its bind gave no operation");
}

TEST(OwnKernel, IsListedBehindOurs) {
  const std::size_t before = kernel_descriptors().size();
  KernelDefinition definition = that_does("listed", [](const cv::Mat&) {});
  register_kernel(definition);
  const auto all = kernel_descriptors();
  ASSERT_EQ(all.size(), before + 1);
  EXPECT_EQ(all.back()->name, "listed");
  EXPECT_EQ(all.back()->summary, "Of a test");
  EXPECT_EQ(all.front()->name, "gray");
  try {
    static_cast<void>(Plan::parse("lited"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'listed'?"), std::string::npos);
  }
}

TEST(OwnKernel, IsRegisteredWhileOthersParse) {
  std::vector<std::jthread> threads;
  std::atomic<int> registered{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &registered] {
      for (int i = 0; i < 20; ++i) {
        const std::string name = "thread-" + std::to_string(t) + "-" + std::to_string(i);
        register_kernel(that_does(name, [](const cv::Mat&) {}));
        registered += static_cast<int>(Plan::parse(name).apply(noise_frame(3, 3, CV_8UC1)).verdict == Verdict::ok);
        static_cast<void>(kernel_descriptors());
      }
    });
  }
  threads.clear();
  EXPECT_EQ(registered, 80);
}

}  // namespace
}  // namespace pixmill

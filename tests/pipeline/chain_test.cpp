#include "pipeline/plan/chain.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plan.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

std::string refusal(const std::string& chain) {
  try {
    static_cast<void>(parse_chain(chain));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    return error.what();
  }
  return {};
}

TEST(Chain, WritesOutEveryDefault) {
  EXPECT_EQ(parse_chain("gray,threshold=otsu").text, "gray=luma,threshold=otsu:type=binary:scope=image");
  EXPECT_EQ(parse_chain("gray,adaptive=mean").text, "gray=luma,adaptive=mean:window=11:c=2:k=0.2:r=128:type=binary");
}

TEST(Chain, PutsGrayBeforeAKernelThatNeedsOneChannel) {
  const Chain chain = parse_chain("threshold=otsu,adaptive");
  ASSERT_EQ(chain.steps.size(), 3U);
  EXPECT_TRUE(chain.steps[0].inserted);
  EXPECT_EQ(chain.text, parse_chain("gray,threshold=otsu,adaptive").text);
}

TEST(Chain, PutsNoGrayWhereOneChannelIsCertain) {
  EXPECT_EQ(parse_chain("gray=bt709,invert,threshold=9").steps.size(), 3U);
  EXPECT_EQ(parse_chain("invert,threshold=9").steps.size(), 3U);
}

TEST(Chain, TextReadsBackAsItself) {
  for (const char* text :
       {"gray=max,threshold=50%:max=128", "threshold=12.5:type=tozero_inv", "resize=640x", "resize=x480",
        "resize=33.5%:filter=cubic,invert", "adaptive=gaussian:window=31:c=-1.5", "resize=3x4"}) {
    const std::string once = parse_chain(text).text;
    EXPECT_EQ(parse_chain(once).text, once) << text;
  }
}

TEST(Chain, SameWorkHasSameText) {
  EXPECT_EQ(parse_chain("threshold=100").text,
            parse_chain(" gray = luma , threshold = value=100.0 : type=binary").text);
}

TEST(Chain, EmptyTextIsTheEmptyChain) {
  EXPECT_TRUE(parse_chain("").steps.empty());
  EXPECT_TRUE(parse_chain("  ").steps.empty());
}

struct Wrong {
  const char* chain;
  const char* names;
};

TEST(Chain, RefusalsNameTheTokenAndTheWayOut) {
  for (const Wrong& wrong : std::vector<Wrong>{{"grey", "'gray'"},
                                               {"gray,threshold=otsuu", "'otsu'"},
                                               {"threshold=70000", "70000"},
                                               {"threshold=-1", "-1"},
                                               {"threshold=nan", "nan"},
                                               {"threshold=101%", "101%"},
                                               {"threshold", "value"},
                                               {"adaptive=mean:window=4", "window=4"},
                                               {"adaptive=mean:window=1", "window=1"},
                                               {"adaptive=mean:wndow=5", "'window'"},
                                               {"adaptive=mean:window=5:window=7", "twice"},
                                               {"adaptive=mean:5", "'5'"},
                                               {"adaptive=gaussian:k=0.3", "k does nothing for gaussian"},
                                               {"adaptive=sauvola:r=0", "r=0"},
                                               {"gray,,invert", "missing"},
                                               {"gray,", "missing"},
                                               {",", "missing"},
                                               {"invert=3", "invert"},
                                               {"gray=", "empty"},
                                               {"resize=0x5", "0x5"},
                                               {"resize=x", "resize"},
                                               {"resize=70000x1", "70000x1"},
                                               {"resize=1e9%", "1e9%"},
                                               {"resize", "size"}}) {
    const std::string message = refusal(wrong.chain);
    EXPECT_NE(message.find(wrong.names), std::string::npos) << wrong.chain << " -> " << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST(Chain, RefusesAChainWithoutEnd) {
  std::string chain = "invert";
  for (int i = 0; i < 300; ++i) chain += ",invert";
  EXPECT_NE(refusal(chain).find("256"), std::string::npos);
}

TEST(Chain, EveryKernelsExampleIsAChain) {
  for (const KernelDescriptor* kernel : kernel_descriptors()) {
    for (const std::string_view example : kernel->examples) {
      EXPECT_NO_THROW(static_cast<void>(parse_chain(example))) << example;
    }
  }
}

}  // namespace
}  // namespace pixmill::pipeline

#include "tests/kernels/images.hpp"

#include <set>

namespace pixmill::kernels::testing {
namespace {

TEST(Descriptors, AreComplete) {
  std::set<std::string_view> names;
  for (const Kernel& kernel : all_kernels()) {
    const KernelDescriptor& descriptor = *kernel.descriptor;
    SCOPED_TRACE(descriptor.name);
    EXPECT_TRUE(names.insert(descriptor.name).second);
    EXPECT_FALSE(descriptor.summary.empty());
    EXPECT_FALSE(descriptor.notes.empty());
    EXPECT_FALSE(descriptor.source.empty());
    EXPECT_FALSE(descriptor.examples.empty());
    for (const std::string_view example : descriptor.examples) {
      EXPECT_NE(example.find(descriptor.name), std::string_view::npos) << example;
    }
    EXPECT_EQ(find_kernel(descriptor.name)->descriptor, &descriptor);
    EXPECT_TRUE(!descriptor.has_bare || !descriptor.params.empty());
    for (const ParamDescriptor& param : descriptor.params) {
      SCOPED_TRACE(param.name);
      EXPECT_FALSE(param.summary.empty());
      const bool chosen = param.type == ParamType::choice || param.type == ParamType::level_or_choice;
      EXPECT_EQ(chosen, !param.choices.empty());
      EXPECT_EQ(param.min < param.max, param.type != ParamType::choice);
      for (const Choice& choice : param.choices) EXPECT_FALSE(choice.summary.empty());
      EXPECT_FALSE(param.required && !param.default_text.empty());
    }
  }
}

TEST(Descriptors, DefaultsBindWhereNothingIsRequired) {
  for (const Kernel& kernel : all_kernels()) {
    const auto params = kernel.descriptor->params;
    if (std::ranges::any_of(params, [](const auto& param) { return param.required; })) continue;
    EXPECT_NO_THROW(bound(kernel.descriptor->name, {})) << kernel.descriptor->name;
  }
}

TEST(Descriptors, AnUnknownNameIsNull) { EXPECT_EQ(find_kernel("grey"), nullptr); }

TEST(Level, PercentIsOfFullScale) {
  EXPECT_EQ((Level{50, true}.at(Depth::eight, "x")), 127.5);
  EXPECT_EQ((Level{100, true}.at(Depth::sixteen, "x")), 65535.0);
  EXPECT_EQ((Level{65535, false}.at(Depth::sixteen, "x")), 65535.0);
  EXPECT_THROW(static_cast<void>(Level{101, true}.at(Depth::eight, "x")), KernelFailure);
  EXPECT_THROW(static_cast<void>(Level{255.5, false}.at(Depth::eight, "x")), KernelFailure);
}

}  // namespace
}  // namespace pixmill::kernels::testing

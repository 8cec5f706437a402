#include "cli/kernel_text.hpp"

#include "cli/terminal.hpp"

#include <pixmill/plan.hpp>

#include <gtest/gtest.h>

#include <array>
#include <sstream>
#include <string>

namespace pixmill::cli {
namespace {

TEST(AcceptedValues, SaysTypeAndRange) {
  ParamDescriptor param;
  param.type = ParamType::integer;
  param.min = 3;
  param.max = 255;
  param.odd = true;
  EXPECT_EQ(accepted_values(param), "a whole number from 3 to 255, odd");
  param.type = ParamType::number;
  param.min = -0.5;
  EXPECT_EQ(accepted_values(param), "a number from -0.5 to 255");
  const std::array<Choice, 2> choices = {Choice{"on", ""}, Choice{"off", ""}};
  param.choices = choices;
  param.type = ParamType::choice;
  EXPECT_EQ(accepted_values(param), "on or off");
}

TEST(KernelDetails, NameEveryParameterChoiceAndDefault) {
  for (const KernelDescriptor* kernel : kernel_descriptors()) {
    const std::string text = kernel_details(*kernel, 100);
    EXPECT_NE(text.find(kernel->name), std::string::npos);
    for (const std::string_view example : kernel->examples) EXPECT_NE(text.find(example), std::string::npos);
    for (const ParamDescriptor& param : kernel->params) {
      EXPECT_NE(text.find("\n  " + std::string(param.name) + ' '), std::string::npos) << text;
      for (const Choice& choice : param.choices) EXPECT_NE(text.find(choice.name), std::string::npos);
    }
  }
}

TEST(KernelList, KeepsToTheWidth) {
  std::istringstream lines(kernel_list(kernel_descriptors(), 60));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    if (line.find("'pixmill kernels NAME'") != std::string::npos) continue;
    EXPECT_LE(columns(line), 60U) << line;
  }
  EXPECT_GE(count, static_cast<int>(kernel_descriptors().size()));
}

}  // namespace
}  // namespace pixmill::cli

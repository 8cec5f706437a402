#include "cli/help_page.hpp"

#include "cli/command.hpp"
#include "cli/overview.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>

#include <string>

namespace pixmill::cli {
namespace {

TEST(Render, LaysOutOptionsWithTheirDefaults) {
  HelpPage page;
  page.usage = "pixmill run";
  page.summary = "Runs.";
  page.groups = {{"where", {{"-o,--output", "DIR", "folder", ""}, {"--quality", "N", "of JPEG", "95"}}}};
  page.example = "pixmill run a";
  page.example_meaning = "does a";
  EXPECT_EQ(render(page, 80),
            "usage: pixmill run\n\nRuns.\n\nwhere:\n"
            "  -o, --output DIR            folder\n"
            "      --quality N             of JPEG (default: 95)\n"
            "\nexample:\n  pixmill run a\n    does a\n");
}

TEST(Overview, NamesEveryCommand) {
  const std::string text = overview();
  for (const Command& command : commands()) {
    EXPECT_NE(text.find(std::string("\n  ") + std::string(command.name)), std::string::npos) << command.name;
    EXPECT_NE(short_usage().find(command.name), std::string::npos) << command.name;
  }
}

TEST(CommandNamed, FindsOrSaysWhatThereIs) {
  EXPECT_EQ(command_named("run").name, "run");
  try {
    static_cast<void>(command_named("stast"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).rfind("no command 'stast'; did you mean stats?", 0), 0U) << error.what();
  }
}

}  // namespace
}  // namespace pixmill::cli

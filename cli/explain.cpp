#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/quantities.hpp"
#include "cli/streams.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

namespace pixmill::cli {
namespace {

constexpr std::size_t kColumn = 10;

std::string section(std::string_view title, const std::vector<std::string>& lines, std::size_t width) {
  std::string out;
  for (const std::string& line : lines) {
    out += two_columns(out.empty() ? title : std::string_view(), escape_for_terminal(line), 0, kColumn, width);
  }
  return out;
}

std::string described(const Explanation::Image& image, std::uint64_t max_memory) {
  std::string text = image.format;
  if (image.memory_bytes > 0) {
    text += fmt::format("{}needs {} of memory of {} allowed", text.empty() ? "" : "; ", format_size(image.memory_bytes),
                        format_size(max_memory));
  }
  if (image.verdict != Verdict::ok || !image.detail.empty()) {
    text += (text.empty() ? "" : "; ") + std::string(to_string(image.verdict));
  }
  return image.detail.empty() ? text : text + ": " + image.detail;
}

std::string rendered(const Explanation& explanation, std::uint64_t max_memory, std::size_t width) {
  std::string out = section("chain", {explanation.chain.empty() ? "(empty)" : explanation.chain}, width);
  out += section("decode", explanation.decode, width);
  std::vector<std::string> passes;
  for (const std::string& pass : explanation.passes) passes.push_back(fmt::format("{}. {}", passes.size() + 1, pass));
  out += section("passes", passes, width);
  out += section("encode", explanation.encode, width);
  for (const Explanation::Image& image : explanation.images) {
    out += '\n' + escape_for_terminal(image.input) + '\n';
    out += two_columns("", escape_for_terminal(described(image, max_memory)), 0, 4, width);
  }
  return out;
}

}  // namespace

int explain_command(std::span<const std::string> arguments) {
  BatchArguments given;
  HelpPage page;
  page.usage = "pixmill explain --ops CHAIN [INPUT...] [options]";
  page.summary =
      "Shows how a chain will really run: what the decoders already do, which kernels share a pass over the pixels, "
      "how "
      "the result is stored; and what the header of each INPUT says. No pixel is read and nothing is written.";
  page.tables = {kernel_table()};
  page.example = "pixmill explain --ops gray,threshold=otsu scan.jpg";
  page.example_meaning = "shows that only the luma of the JPEG is decoded, and the memory that takes";
  ArgumentParser parser(page);
  add_chain_options(parser, given);
  add_input_options(parser, given);
  add_format_options(parser, given);
  add_reduction_options(parser, given);
  add_limit_options(parser, given);
  if (!parse_batch_arguments(parser, arguments, given)) {
    write_stdout(render(parser.page(), page_width()));
    return kExitWell;
  }
  given.batch.output = given.output;
  write_stdout(rendered(pixmill::explain(given.batch), given.batch.limits.max_memory, page_width()));
  return kExitWell;
}

}  // namespace pixmill::cli

#include "pipeline/journal/partial_text.hpp"
#include "pipeline/journal/row.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

/// Any line of a manifest or a state file: nothing, or something that is written and read back as itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pixmill::pipeline;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  if (const auto row = parse_row(line)) {
    const auto again = parse_row(row_line(row->outcome, row->plan));
    if (!again || again->outcome.input != row->outcome.input || again->outcome.verdict != row->outcome.verdict) {
      std::abort();
    }
  }
  for (const bool with_histogram : {false, true}) {
    const auto read = parse_partial(line, with_histogram);
    if (!read) continue;
    if (read->partial.channels.size() != 1 && read->partial.channels.size() != 3) std::abort();
    const std::string written = partial_line(read->key, read->partial);
    if (!written.empty() && parse_partial_key(written) != read->key) std::abort();
  }
  return 0;
}

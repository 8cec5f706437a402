#include "pipeline/plan/chain.hpp"

#include <pixmill/error.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

/// Any text: a chain whose text reads back as itself, or one line that says what is wrong.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using pixmill::pipeline::parse_chain;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const pixmill::pipeline::Chain chain = parse_chain(text);
    if (parse_chain(chain.text).text != chain.text) std::abort();
  } catch (const pixmill::Error& error) {
    if (error.code() != pixmill::ErrorCode::usage) std::abort();
  }
  return 0;
}

#include "ipc/worker.hpp"

#include <algorithm>
#include <cstring>

namespace pixmill::ipc {

void set_trouble(Descriptor& message, std::string_view text) {
  auto* words = reinterpret_cast<char*>(&message) + offsetof(Descriptor, input_offset);
  std::memset(words, 0, kTroubleBytes);
  std::memcpy(words, text.data(), std::min(text.size(), kTroubleBytes));
}

std::string trouble_text(const Descriptor& message) {
  const auto* words = reinterpret_cast<const char*>(&message) + offsetof(Descriptor, input_offset);
  std::string text(words, std::find(words, words + kTroubleBytes, '\0'));
  for (char& letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    // Bytes of UTF-8 may stay.
    if (code < 0x20 || code == 0x7f) letter = '?';
  }
  return text;
}

}  // namespace pixmill::ipc

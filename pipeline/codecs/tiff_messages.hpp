#pragma once

#include "pipeline/codecs/codec.hpp"

#include <tiffio.h>

#include <array>
#include <cstdarg>
#include <optional>

namespace pixmill::pipeline {

/// What libtiff has to say about one block: the first message that means damage is kept, nothing is printed.
///
/// libtiff calls its two functions; they neither allocate nor throw.
class TiffMessages {
 public:
  /// Forgets what was said.
  void clear() { text_[0] = '\0'; }
  /// Whether anything was said that makes the pixels doubtful.
  [[nodiscard]] bool damaged() const { return text_[0] != '\0'; }
  /// The message as a verdict, in plain words; corrupt if nothing was said.
  [[nodiscard]] CodecStatus status() const;
  /// Which line of the block the message is about, where it says so: of faxes it does.
  [[nodiscard]] std::optional<std::uint32_t> line() const;

  /// For TIFFOpenOptionsSet…HandlerExtR, with the object as user data.
  [[gnu::format(printf, 4, 0)]] static int on_error(TIFF* tiff, void* self, const char* module, const char* format,
                                                    std::va_list arguments);
  [[gnu::format(printf, 4, 0)]] static int on_warning(TIFF* tiff, void* self, const char* module, const char* format,
                                                      std::va_list arguments);

 private:
  std::array<char, 256> text_{};
};

}  // namespace pixmill::pipeline

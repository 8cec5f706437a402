#pragma once

#include "pipeline/codecs/codec.hpp"

#include <csetjmp>
#include <cstdio>
// jpeglib.h wants size_t and FILE declared before it.
#include <jpeglib.h>

namespace pixmill::pipeline {

/// libjpeg's error manager with a way back: a fatal error jumps out of the attempt() it happened in.
///
/// `manager` must stay the first member: libjpeg hands its address to the callbacks.
struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf jump;

  /// Calls `step`, which calls libjpeg, and tells whether it came back by itself. What lies between here and the jump
  /// is left without its destructors: `step` and what it calls must own nothing. Exceptions must not cross libjpeg.
  template <typename Step>
  bool attempt(Step&& step) {
    if (setjmp(jump) != 0) return false;  // NOLINT(cert-err52-cpp): the only way out of libjpeg
    step();
    return true;
  }

  /// Leaves the running attempt().
  [[noreturn]] void leave();
};

/// Connects `errors` to a (de)compressor that is about to be created. Nothing is ever printed.
void install(JpegErrors& errors);

/// libjpeg's words for its last message, without the "Corrupt JPEG data:" that they often begin with.
[[nodiscard]] std::string jpeg_message(j_common_ptr codec);

/// What a fatal error of the decompressor says of the file.
[[nodiscard]] Verdict jpeg_verdict(int message_code);

}  // namespace pixmill::pipeline

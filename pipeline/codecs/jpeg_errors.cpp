#include "pipeline/codecs/jpeg_errors.hpp"

#include <jerror.h>

#include <array>
#include <string_view>

namespace pixmill::pipeline {

namespace {

void on_error_exit(j_common_ptr codec) { reinterpret_cast<JpegErrors*>(codec->err)->leave(); }

void on_message(j_common_ptr /*codec*/, int /*level*/) {}

void on_output(j_common_ptr /*codec*/) {}

}  // namespace

void JpegErrors::leave() { std::longjmp(jump, 1); }

void install(JpegErrors& errors) {
  jpeg_std_error(&errors.manager);
  errors.manager.error_exit = on_error_exit;
  errors.manager.emit_message = on_message;
  errors.manager.output_message = on_output;
}

std::string jpeg_message(j_common_ptr codec) {
  std::array<char, JMSG_LENGTH_MAX> buffer{};
  codec->err->format_message(codec, buffer.data());
  std::string_view text(buffer.data());
  constexpr std::string_view kPrefix = "Corrupt JPEG data: ";
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  return std::string(text);
}

Verdict jpeg_verdict(int message_code) {
  switch (message_code) {
    case JERR_OUT_OF_MEMORY:
      return Verdict::out_of_memory;
    case JERR_NO_BACKING_STORE:
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
      return Verdict::too_large;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
      return Verdict::unsupported;
    case JERR_INPUT_EMPTY:
    case JERR_INPUT_EOF:
      return Verdict::truncated;
    default:
      return Verdict::corrupt;
  }
}

}  // namespace pixmill::pipeline

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

void Metadata::leave_out(std::string_view sentence) {
  if (!left_out.empty()) left_out += "; ";
  left_out += sentence;
}

void Metadata::clear() {
  icc.clear();
  exif.clear();
  pixels_per_metre_x = pixels_per_metre_y = 0;
  left_out.clear();
}

kernels::FrameShape Decoder::decoded_shape(const ImageHeader& header, const DecodeRequest& request) {
  kernels::FrameShape shape = header.shape;
  if (request.luma) {
    shape.channels = 1;
  } else if (!request.keep_alpha) {
    shape.channels = kernels::colour_channels(shape.channels);
  }
  return shape;
}

}  // namespace pixmill::pipeline

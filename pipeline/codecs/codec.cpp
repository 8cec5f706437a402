#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

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

#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

[[nodiscard]] std::unique_ptr<Decoder> make_bmp_decoder();

}  // namespace pixmill::pipeline

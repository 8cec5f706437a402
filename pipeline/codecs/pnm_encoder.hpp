#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

[[nodiscard]] std::unique_ptr<Encoder> make_pnm_encoder();

}  // namespace pixmill::pipeline

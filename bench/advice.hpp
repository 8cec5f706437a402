#pragma once

#include "bench/report.hpp"

#include <string>

namespace pixmill::bench {

/// How much longer an isolated backend may take and still be advised: what it is worth that an image that crashes
/// costs no other.
inline constexpr double kPriceOfIsolation = 0.10;

/// The backend and the number of workers to use for such images, with the reason, in one sentence. It goes by whole
/// runs where they were measured. Of what is equally fast it takes the isolated one, then the one with fewer workers.
[[nodiscard]] std::string advice_for(const Report& report);

}  // namespace pixmill::bench

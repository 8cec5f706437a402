#pragma once

#include "bench/report.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace pixmill::bench {

/// How an image goes wrong.
enum class Fault : std::uint8_t {
  crash,  ///< A kernel writes where nothing is.
  hang,   ///< A kernel never ends.
  bomb,   ///< Its header asks for 3,600 million pixels.
};
inline constexpr std::array kFaults = {Fault::crash, Fault::hang, Fault::bomb};
[[nodiscard]] constexpr std::string_view to_string(Fault fault) {
  return fault == Fault::crash ? "crash" : fault == Fault::hang ? "hang" : "bomb";
}

/// Runs a backend with two workers, in a process of its own, over twenty good images with a bad one in their middle. A
/// backend that watches over its images gives up on one after a second; a run that hangs is ended after `patience`.
/// Crash and hang are made by the program that runs on the image, when it sees a mark in it. Nothing if `stop` ended
/// it. Throws Error (machine) where the backend cannot be had.
[[nodiscard]] std::optional<FaultResult> run_with_fault(const std::string& backend, Fault fault,
                                                        const std::stop_token& stop,
                                                        std::chrono::milliseconds patience = std::chrono::seconds(20));

}  // namespace pixmill::bench

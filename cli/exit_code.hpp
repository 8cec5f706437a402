#pragma once

namespace pixmill::cli {

/// How a process ends; scripts are written against these. A signal adds its number to kExitSignal.
inline constexpr int kExitWell = 0;
inline constexpr int kExitFailures = 1;  ///< The run ended, but some images failed.
inline constexpr int kExitUsage = 2;     ///< Wrong use; nothing was done.
inline constexpr int kExitMachine = 3;   ///< The machine cannot give what was asked.
inline constexpr int kExitSignal = 128;

}  // namespace pixmill::cli

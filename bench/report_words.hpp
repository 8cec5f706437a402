#pragma once

#include "bench/report.hpp"

#include <string>
#include <vector>

/// The words and numbers of a report, the same in every form of it.
namespace pixmill::bench {

/// "processes -j 2, files not in the page cache: 300 ms [290 ms, 310 ms], 1.500 […] of the time, slower".
[[nodiscard]] std::string cold_text(const Cold& cold);
/// "4.31 [4.20, 4.52]", or a dash.
[[nodiscard]] std::string peer_ratio(const Peer& peer);
/// "47 of 48": inputs that it made an output of; a dash where it was never run.
[[nodiscard]] std::string peer_outputs(const Peer& peer);
/// Of its outputs.
[[nodiscard]] std::string peer_mebibytes(const Peer& peer);
/// What a program does otherwise, what its outputs differ in, or why it has no time; may be empty.
[[nodiscard]] std::string peer_remark(const Peer& peer);
/// How a run with a fault ended, in a few words.
[[nodiscard]] std::string ending_text(const FaultResult& fault);
/// Whether the noise is worth a warning.
[[nodiscard]] bool unquiet(const Noise& noise);

/// "12.3 ms", "1.23 s".
[[nodiscard]] std::string duration_text(double seconds);
/// "410 ns", "43.2 µs".
[[nodiscard]] std::string latency_text(double nanoseconds);
/// Three digits or so: "0.21", "812", "12300".
[[nodiscard]] std::string number_text(double value);
/// "0.66", "12.3", "130": of what is given in milliseconds.
[[nodiscard]] std::string milliseconds_text(double milliseconds);
/// "1.070", or "1.1" where the interval is wider than that tells; and "[1.060, 1.100]".
[[nodiscard]] std::string ratio_text(const Comparison& comparison);
[[nodiscard]] std::string ratio_interval_text(const Comparison& comparison);
/// "slower", "no difference seen"; "equal within 2 %" where the whole interval is.
[[nodiscard]] std::string relation_text(const Comparison& comparison);
/// "1.070 [1.060, 1.100] of the time, slower".
[[nodiscard]] std::string comparison_text(const Comparison& comparison);
/// Where the time of a run went, a line a crew: "workers: decode 71 %, encode 12 %, waiting 3 %, idle 2 %".
[[nodiscard]] std::vector<std::string> breakdown_lines(const Breakdown& breakdown);
/// "processes takes 1.21 [1.20, 1.23] of its time"; empty where there is nothing beside it.
[[nodiscard]] std::string floor_text(const Floor& floor);
/// The sentences on the machine, the images and the method; a line each.
[[nodiscard]] std::vector<std::string> circumstances(const Report& report);
/// What the fits say, a line each.
[[nodiscard]] std::vector<std::string> scaling_lines(const Report& report);

}  // namespace pixmill::bench

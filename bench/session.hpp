#pragma once

#include "bench/bench.hpp"
#include "bench/child_run.hpp"
#include "bench/file_mode.hpp"
#include "bench/machine_facts.hpp"
#include "bench/memory_mode.hpp"
#include "bench/peers.hpp"
#include "pipeline/inputs/input_list.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pixmill::bench {

/// One comparison, from the first process to the last. session.cpp: what has its turn when; session_runs.cpp: one run
/// of each kind.
class Session {
 public:
  /// `options` must outlive it. Throws as points_of() does.
  explicit Session(const BenchOptions& options);
  /// Once.
  [[nodiscard]] Report run();

 private:
  /// A run was stopped from outside.
  struct Stopped {};
  /// What runs once a round.
  struct Turn {
    enum class Of : std::uint8_t { backend, floor, peer, cold } of = Of::backend;
    std::size_t place = 0;  ///< Among the runs (cold, too), the floors or the peers of the report.
    Mode mode = Mode::files;
  };

  // Turns.
  void set_turns();
  void prepare();
  void find_peers();
  void look_for_files();
  void choose_passes();
  void warm_up();
  double warm_up_turn(const Turn& turn, std::size_t round);
  void take_turn(const Turn& turn, const std::string& when);
  void finish();
  // Runs.
  ChildRun one_run(std::size_t place, const std::string& when, bool watch_memory, bool time_stages);
  void first_look(std::size_t place, const ChildRun& run);
  void check_output(std::size_t place, const RunFigures& figures);
  void keep(std::size_t place, const RunFigures& figures);
  double floor_run(std::size_t place, const std::string& when);
  std::optional<double> cold_run(std::size_t place, const std::string& when);
  std::optional<ForeignRun> peer_run(std::size_t place, const std::string& when);
  void drop_peers(const Peer& own);
  void compare_queues_too();
  void see_faults();
  // What both ask.
  [[nodiscard]] bool has(Mode mode) const;
  [[nodiscard]] std::uint64_t passes(Mode mode);
  [[nodiscard]] Workload* find_workload(Mode mode);
  void say(const std::string& what);

  const BenchOptions& options_;
  const std::vector<Point> points_;
  Report report_;
  std::vector<Turn> turns_;
  std::optional<Peers> peers_;
  pipeline::InputList inputs_;
  std::vector<std::vector<RunFigures>> costs_;  // by point, one a round
  ScratchFolder scratch_;
  NoiseWatch noise_;
  std::optional<DecodedImages> images_;
  std::optional<std::uint64_t> file_hash_;
  std::optional<std::uint64_t> memory_hash_;
  std::size_t said_ = 0;
};

}  // namespace pixmill::bench

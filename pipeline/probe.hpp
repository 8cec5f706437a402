#pragma once

#include "pipeline/plan/chain.hpp"
#include "pipeline/stage_span.hpp"

#include <pixmill/verdict.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill::pipeline {

/// Who spends time on images: a worker, or a thread of the coordinator's that reads or writes for workers.
enum class Crew : std::uint8_t { worker, reader, writer };
struct Row {
  Crew crew = Crew::worker;
  int place = 0;  ///< From 0, within the crew.
  friend bool operator==(const Row&, const Row&) = default;
};

/// "worker 1".
[[nodiscard]] std::string row_name(Row row);

/// The names of the stages of that chain, by number: "read", "decode", …, the kernels.
[[nodiscard]] std::vector<std::string> stage_names(const Chain& chain);

/// What one row did for one image.
struct RowWork {
  Row row;
  std::uint64_t image = 0;
  std::span<const StageSpan> spans;  ///< In order; valid during the call.
  std::optional<Verdict> verdict;    ///< With the last of an image: what became of it.
  std::string_view reason = {};      ///< Of a Stage::lost, which stands alone.
};

/// Takes note of where time goes. Where a job has none, nothing is measured.
class Probe {
 public:
  virtual ~Probe() = default;
  /// Any thread. Must not throw, and not wait for anybody who waits for its caller.
  virtual void add(const RowWork& work) noexcept = 0;
};

}  // namespace pixmill::pipeline

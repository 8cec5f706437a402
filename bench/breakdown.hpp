#pragma once

#include "bench/report.hpp"
#include "ipc/unique_fd.hpp"

namespace pixmill::bench {

/// Carries a breakdown out of the process of a run: made before the fork, written by the child, read after its end.
class BreakdownFile {
 public:
  /// Throws Error (machine) without memory for it, as write() does.
  BreakdownFile();
  void write(const Breakdown& breakdown) const;
  /// Throws Error (machine) if the child wrote none.
  [[nodiscard]] Breakdown read() const;

 private:
  ipc::UniqueFd memory_;
};

/// Gives every one of `jobs` workers that has no row, since no image was left for it, one in which it was idle.
void add_idle_workers(Breakdown& breakdown, int jobs);

/// A breakdown summed over the rows of one crew, such as "worker", in seconds.
struct CrewTimes {
  int rows = 0;
  std::vector<double> seconds;  ///< By stage.
  double waiting = 0;
  double idle = 0;
  [[nodiscard]] double whole() const;
};
[[nodiscard]] CrewTimes sum_of_crew(const Breakdown& breakdown, const std::string& crew);

/// The numbers of so many stages in the order in which an image goes through them: kernels between decoding and
/// encoding.
[[nodiscard]] std::vector<std::size_t> order_of_stages(std::size_t count);

/// What the stages of a run in memory are called: nothing is read, and decoding is copying.
[[nodiscard]] std::vector<std::string> names_in_memory(std::vector<std::string> stages);

}  // namespace pixmill::bench

#include "bench/advice.hpp"

#include "bench/report_words.hpp"

#include <pixmill/batch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace pixmill::bench {
namespace {

bool is_isolated(const std::string& name) {
  const auto& all = backends();
  return std::any_of(all.begin(), all.end(),
                     [&](const BackendDescriptor& backend) { return backend.name == name && backend.isolated; });
}

std::string option_text(const Measured& run) {
  return fmt::format("--backend {} -j {}", run.point.backend, run.point.jobs);
}

std::string short_text(const Measured& run) { return fmt::format("{} -j {}", run.point.backend, run.point.jobs); }

std::string percent_more(const Comparison& comparison) {
  return fmt::format("{:.0f} % [{:.0f}, {:.0f}]", (comparison.ratio - 1) * 100, (comparison.interval.low - 1) * 100,
                     (comparison.interval.high - 1) * 100);
}

struct Candidate {
  const Measured* run = nullptr;
  Comparison over_fastest;
};

/// Whether nothing says that it is slower, and it is not far off either.
bool as_fast(const Comparison& over_fastest) {
  const double limit = over_fastest.relation == Relation::unclear ? kTolerance : kPriceOfIsolation;
  return over_fastest.relation != Relation::slower && over_fastest.ratio <= 1 + limit;
}

/// Isolated first, then fewer workers, then faster.
bool preferred(const Candidate& a, const Candidate& b) {
  const bool a_isolated = is_isolated(a.run->point.backend);
  const bool b_isolated = is_isolated(b.run->point.backend);
  if (a_isolated != b_isolated) return a_isolated;
  if (a.run->point.jobs != b.run->point.jobs) return a.run->point.jobs < b.run->point.jobs;
  return a.run->median < b.run->median;
}

bool quicker(const Candidate& a, const Candidate& b) { return a.run->median < b.run->median; }

/// Every run of the mode that the advice goes by, each compared with the fastest.
std::vector<Candidate> candidates_of(const Report& report) {
  const Mode mode = workload_of(report, Mode::files) != nullptr ? Mode::files : Mode::memory;
  std::vector<Candidate> all;
  for (const Measured& run : report.runs) {
    if (run.point.mode == mode) all.push_back({&run, {}});
  }
  if (all.empty()) return all;
  const Measured& fastest = *std::min_element(all.begin(), all.end(), quicker)->run;
  for (Candidate& one : all) {
    one.over_fastest = compare_rounds(fastest.seconds, one.run->seconds, kTolerance);
  }
  return all;
}

/// For where no isolated backend is among the fastest.
std::string advice_with_price(const Candidate& fastest, const Candidate* isolated) {
  const std::string unguarded = fmt::format("Use {}: {:.0f} images/s, the fastest that was measured",
                                            option_text(*fastest.run), fastest.run->images_per_s);
  if (isolated == nullptr) return unguarded + "; no isolated backend was measured.";
  if (isolated->over_fastest.ratio > 1 + kPriceOfIsolation) {
    return fmt::format(
        "{}; for images that nobody vouches for {}, which takes {} longer, and where one that crashes "
        "costs no other.",
        unguarded, option_text(*isolated->run), percent_more(isolated->over_fastest));
  }
  return fmt::format(
      "Use {}: {:.0f} images/s, and an image that crashes costs no other; {} takes {:.0f} % less time, "
      "which is the price of that.",
      option_text(*isolated->run), isolated->run->images_per_s, short_text(*fastest.run),
      (1 - 1 / isolated->over_fastest.ratio) * 100);
}

std::string sure_advice(const Report& report) {
  const std::vector<Candidate> all = candidates_of(report);
  if (all.empty()) return "";
  const Candidate& fastest = *std::min_element(all.begin(), all.end(), quicker);
  std::vector<Candidate> equal;
  const Candidate* isolated = nullptr;
  for (const Candidate& one : all) {
    if (as_fast(one.over_fastest)) equal.push_back(one);
    if (is_isolated(one.run->point.backend) && (isolated == nullptr || quicker(one, *isolated))) isolated = &one;
  }
  const Measured& chosen = *std::min_element(equal.begin(), equal.end(), preferred)->run;
  if (!is_isolated(chosen.point.backend)) {
    return advice_with_price(fastest, isolated);
  }
  const std::string why = &chosen == fastest.run
                              ? "the fastest that was measured"
                              : fmt::format("as fast as {} within the noise", short_text(*fastest.run));
  return fmt::format("Use {}: {:.0f} images/s, {}, and an image that crashes costs no other.", option_text(chosen),
                     chosen.images_per_s, why);
}

}  // namespace

std::string advice_for(const Report& report) {
  const bool none = !report.workloads.empty() && std::all_of(report.workloads.begin(), report.workloads.end(),
                                                             [](const Workload& work) { return work.pixels == 0; });
  if (none) return "No image came through, so there is nothing to advise.";
  std::string advice = sure_advice(report);
  std::vector<std::string> doubts;
  if (report.repeats < static_cast<int>(kLeastForInterval)) {
    doubts.push_back(
        fmt::format("{} round{} too few to be sure", report.repeats, report.repeats == 1 ? " is" : "s are"));
  }
  if (unquiet(report.noise)) doubts.emplace_back("the machine was not quiet");
  if (advice.empty() || doubts.empty()) return advice;
  advice.pop_back();
  return fmt::format("{} ({}).", advice, fmt::join(doubts, ", and "));
}

}  // namespace pixmill::bench

#include "bench/report_json.hpp"

#include "bench/queues.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace pixmill::bench {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Interval& interval) { return Json::array({interval.low, interval.high}); }

template <typename Value>
Json json_of(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json json_of(const MachineFacts& machine, const Noise& noise) {
  return {{"cpu", machine.cpu},
          {"cpus", machine.usable_cpus},
          {"cores", machine.cores > 0 ? Json(machine.cores) : Json(nullptr)},
          {"clock", machine.clock.empty() ? Json(nullptr) : Json(machine.clock)},
          {"memory_bytes", machine.memory_bytes},
          {"system", machine.system},
          {"simd", machine.simd},
          {"pixmill", machine.pixmill},
          {"build", machine.build},
          {"load_before", machine.load_before},
          {"noise",
           {{"probe_spread", noise.probe_spread},
            {"others_share", noise.others_share},
            {"stolen_share", noise.stolen_share}}}};
}

Json json_of(const Workload& work) {
  return {{"mode", to_string(work.mode)}, {"images", work.images},
          {"failed", work.failed},        {"pixels", work.pixels},
          {"bytes", work.bytes},          {"passes", work.passes},
          {"left_out", work.left_out},    {"warm_ups", work.warm_ups},
          {"settled", work.settled},      {"cached_share", json_of(work.cached_share)}};
}

Json json_of(const Breakdown& breakdown) {
  Json rows = Json::array();
  for (const RowTimes& row : breakdown.rows) {
    rows.push_back({{"name", row.name}, {"seconds", row.seconds}, {"waiting", row.waiting}, {"idle", row.idle}});
  }
  return {{"seconds", breakdown.seconds}, {"stages", breakdown.stages}, {"rows", std::move(rows)}};
}

Json json_of(const Measured& run) {
  return {{"mode", to_string(run.point.mode)},
          {"backend", run.point.backend},
          {"jobs", run.point.jobs},
          {"seconds", run.seconds},
          {"median", run.median},
          {"ci95", json_of(run.ci95)},
          {"outliers", run.outliers},
          {"images_per_s", run.images_per_s},
          {"mpix_per_s", run.mpix_per_s},
          {"speedup", json_of(run.speedup)},
          {"efficiency", json_of(run.efficiency)},
          {"karp_flatt", json_of(run.karp_flatt)},
          {"oversubscribed", run.oversubscribed},
          {"cpu_seconds", run.cpu_seconds},
          {"voluntary_switches", run.voluntary_switches},
          {"involuntary_switches", run.involuntary_switches},
          {"minor_faults", run.minor_faults},
          {"peak_rss_kb", run.peak_rss_kb},
          {"peak_pss_kb", json_of(run.peak_pss_kb)},
          {"output_hash", fmt::format("{:016x}", run.output_hash)},
          {"breakdown", run.breakdown ? json_of(*run.breakdown) : Json(nullptr)}};
}

Json json_of(const Floor& floor) {
  Json json = {{"mode", to_string(floor.mode)}, {"name", floor_name(floor.mode)}, {"jobs", floor.jobs},
               {"seconds", floor.seconds},      {"median", floor.median},         {"ci95", json_of(floor.ci95)}};
  json["base"] = floor.base_over ? Json(floor.base) : Json(nullptr);
  json["base_over"] = floor.base_over
                          ? Json{{"ratio", floor.base_over->ratio}, {"ci95", json_of(floor.base_over->interval)}}
                          : Json(nullptr);
  return json;
}

Json json_of(const Cold& cold) {
  const bool timed = !cold.seconds.empty();
  return {{"backend", cold.point.backend},
          {"jobs", cold.point.jobs},
          {"seconds", cold.seconds},
          {"median", timed ? Json(cold.median) : Json(nullptr)},
          {"ci95", timed ? json_of(cold.ci95) : Json(nullptr)},
          {"left_share", cold.left_share},
          {"over_warm",
           cold.over ? Json{{"ratio", cold.over->ratio}, {"ci95", json_of(cold.over->interval)}} : Json(nullptr)},
          {"why_not", cold.why_not}};
}

Json json_of(const Peer& peer) {
  const bool timed = !peer.seconds.empty();
  return {
      {"name", peer.name},
      {"version", peer.version},
      {"note", peer.note},
      {"why_not", peer.why_not},
      {"jobs", peer.jobs},
      {"inputs", peer.inputs},
      {"outputs", peer.outputs},
      {"expected", peer.expected},
      {"lacking", peer.lacking},
      {"beyond", peer.beyond},
      {"differs", peer.differs},
      {"output_bytes", peer.output_bytes},
      {"cpu_seconds", peer.cpu_seconds},
      {"busy_cpus", timed ? Json(peer.busy_cpus) : Json(nullptr)},
      {"seconds", peer.seconds},
      {"median", timed ? Json(peer.median) : Json(nullptr)},
      {"ci95", timed ? json_of(peer.ci95) : Json(nullptr)},
      {"over", peer.over ? Json{{"ratio", peer.over->ratio}, {"ci95", json_of(peer.over->interval)}} : Json(nullptr)}};
}

std::string_view to_word(Relation relation) {
  switch (relation) {
    case Relation::equal:
      return "equal";
    case Relation::faster:
      return "faster";
    case Relation::slower:
      return "slower";
    case Relation::unclear:
      return "unclear";
  }
  return "equal";
}

Json json_of(const Beside& beside) {
  return {{"mode", to_string(beside.point.mode)},
          {"backend", beside.point.backend},
          {"jobs", beside.point.jobs},
          {"over", beside.over},
          {"ratio", beside.comparison.ratio},
          {"ci95", json_of(beside.comparison.interval)},
          {"relation", to_word(beside.comparison.relation)}};
}

Json json_of(const std::vector<Prediction>& predictions) {
  Json all = Json::array();
  for (const Prediction& one : predictions) {
    all.push_back({{"jobs", one.jobs}, {"speedup", one.speedup}, {"ci95", json_of(one.interval)}});
  }
  return all;
}

Json json_of(const Scaling& scaling) {
  Json fit = {{"amdahl", nullptr}, {"usl", nullptr}, {"why_not", scaling.why_not}};
  if (const auto& law = scaling.amdahl) {
    fit["amdahl"] = {{"seconds", law->seconds},
                     {"serial_share", law->serial_share},
                     {"ci95", json_of(law->serial_interval)},
                     {"predictions", json_of(law->predictions)}};
  }
  if (const auto& law = scaling.usl) {
    fit["usl"] = {{"seconds", law->seconds},
                  {"contention", law->contention},
                  {"contention_ci95", json_of(law->contention_interval)},
                  {"coherence", law->coherence},
                  {"coherence_ci95", json_of(law->coherence_interval)},
                  {"predictions", json_of(law->predictions)}};
  }
  return fit;
}

Json json_of(const QueueResult& queue) {
  const auto ratio = [](const std::optional<Comparison>& over) {
    return over ? Json{{"ratio", over->ratio}, {"ci95", json_of(over->interval)}} : Json(nullptr);
  };
  Json histogram = Json::array();
  for (std::size_t i = 0; i < queue.histogram.size(); ++i) {
    if (queue.histogram.at(i) > 0)
      histogram.push_back({{"from_ns", bucket_begin(i)}, {"count", queue.histogram.at(i)}});
  }
  return {{"name", queue.name},
          {"waiting", queue.spins ? "spinning" : "blocking"},
          {"p50_ns", queue.p50_ns},
          {"p50_ci95", json_of(queue.p50_interval)},
          {"p99_ns", queue.p99_ns},
          {"stream_per_s", queue.stream_per_s},
          {"stream_ci95", json_of(queue.stream_interval)},
          {"stream_by_32_per_s", json_of(queue.batched_per_s)},
          {"ring_over_p50", ratio(queue.ring_over_p50)},
          {"ring_over_stream", ratio(queue.ring_over_stream)},
          {"histogram", std::move(histogram)}};
}

Json json_of(const FaultResult& fault) {
  return {{"backend", fault.backend},
          {"jobs", fault.jobs},
          {"fault", fault.fault},
          {"good", fault.good},
          {"came_through", fault.came_through},
          {"verdict", fault.verdict.empty() ? Json(nullptr) : Json(fault.verdict)},
          {"ended", fault.ended},
          {"how", fault.how},
          {"seconds", fault.seconds}};
}

// --- Reading ---

Mode mode_named(const std::string& name) {
  if (name == "files") return Mode::files;
  if (name == "memory") return Mode::memory;
  throw Error(ErrorCode::usage, "no mode is called '" + name + "'");
}

std::vector<double> read_seconds(const Json& run) {
  auto seconds = run.at("seconds").get<std::vector<double>>();
  const bool sound = !seconds.empty() && std::all_of(seconds.begin(), seconds.end(),
                                                     [](double value) { return std::isfinite(value) && value > 0; });
  if (!sound) throw Error(ErrorCode::usage, "a run has no seconds, or some that are none");
  return seconds;
}

OldReport read_old_report(const Json& json) {
  OldReport old;
  old.cpu = json.at("machine").at("cpu").get<std::string>();
  old.noise = json.at("machine").at("noise").at("probe_spread").get<double>();
  if (!(old.noise >= 0)) throw Error(ErrorCode::usage, "its noise is no number from 0");
  old.chain = json.at("chain").get<std::string>();
  for (const Json& given : json.at("runs")) {
    OldReport::Run run;
    run.point = {mode_named(given.at("mode").get<std::string>()), given.at("backend").get<std::string>(),
                 given.at("jobs").get<int>()};
    run.seconds = read_seconds(given);
    for (const Json& work : json.at("workloads")) {
      if (mode_named(work.at("mode").get<std::string>()) != run.point.mode) continue;
      run.images = work.at("images").get<std::uint64_t>();
      run.pixels = work.at("pixels").get<std::uint64_t>();
      run.passes = std::max<std::uint64_t>(1, work.at("passes").get<std::uint64_t>());
    }
    old.runs.push_back(std::move(run));
  }
  return old;
}

}  // namespace

std::string json_of(const Report& report) {
  Json json = {{"machine", json_of(report.machine, report.noise)},
               {"chain", report.chain},
               {"seed", report.seed},
               {"repeats", report.repeats}};
  json["workloads"] = Json::array();
  for (const Workload& work : report.workloads) json["workloads"].push_back(json_of(work));
  json["runs"] = Json::array();
  for (const Measured& run : report.runs) json["runs"].push_back(json_of(run));
  json["floors"] = Json::array();
  for (const Floor& floor : report.floors) json["floors"].push_back(json_of(floor));
  if (report.cold) json["cold"] = json_of(*report.cold);
  if (!report.peers.empty()) {
    json["peers"] = Json::array();
    for (const Peer& peer : report.peers) json["peers"].push_back(json_of(peer));
  }
  json["beside"] = Json::array();
  for (const Beside& beside : report.beside) json["beside"].push_back(json_of(beside));
  json["fit"] = Json::object();
  for (const Scaling& scaling : report.scaling) {
    json["fit"][std::string(to_string(scaling.mode))][scaling.backend] = json_of(scaling);
  }
  if (!report.queues.empty()) {
    json["ipc"] = Json::array();
    for (const QueueResult& queue : report.queues) json["ipc"].push_back(json_of(queue));
  }
  if (!report.faults.empty()) {
    json["faults"] = Json::array();
    for (const FaultResult& fault : report.faults) json["faults"].push_back(json_of(fault));
  }
  json["unequal"] = report.unequal;
  json["advice"] = report.advice;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

OldReport parse_old_report(const std::string& text, const std::string& name) {
  try {
    return read_old_report(Json::parse(text));
  } catch (const Json::exception&) {
    throw Error(ErrorCode::usage, name + " is no report of 'pixmill bench --json'");
  } catch (const Error& error) {
    throw Error(ErrorCode::usage, name + " is no report of 'pixmill bench --json': " + error.what());
  }
}

}  // namespace pixmill::bench

#include "bench/breakdown.hpp"

#include "pipeline/probe.hpp"

#include <pixmill/error.hpp>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <system_error>

namespace pixmill::bench {
namespace {

using Json = nlohmann::json;

[[noreturn]] void throw_errno(const char* call) {
  throw Error(ErrorCode::machine,
              std::string("where the time goes: ") + call + ": " + std::generic_category().message(errno));
}

}  // namespace

BreakdownFile::BreakdownFile() : memory_(::memfd_create("pixmill-bench", MFD_CLOEXEC)) {
  if (!memory_) throw_errno("memfd_create");
}

void BreakdownFile::write(const Breakdown& breakdown) const {
  Json rows = Json::array();
  for (const RowTimes& row : breakdown.rows) rows.push_back({row.name, row.seconds, row.waiting, row.idle});
  const std::string text = Json{breakdown.seconds, breakdown.stages, rows}.dump();
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t some = ::pwrite(memory_.get(), text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (some < 0 && errno == EINTR) continue;
    if (some < 0) throw_errno("pwrite");
    done += static_cast<std::size_t>(some);
  }
}

Breakdown BreakdownFile::read() const {
  struct stat status {};
  if (::fstat(memory_.get(), &status) != 0) throw_errno("fstat");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  if (::pread(memory_.get(), text.data(), text.size(), 0) != status.st_size) throw_errno("pread");
  try {
    const Json json = Json::parse(text);
    Breakdown breakdown;
    json.at(0).get_to(breakdown.seconds);
    json.at(1).get_to(breakdown.stages);
    for (const Json& row : json.at(2)) breakdown.rows.push_back({row.at(0), row.at(1), row.at(2), row.at(3)});
    return breakdown;
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::machine, std::string("where the time goes was not told: ") + error.what());
  }
}

void add_idle_workers(Breakdown& breakdown, int jobs) {
  std::vector<RowTimes>& rows = breakdown.rows;
  for (int place = 0; place < jobs; ++place) {
    const std::string name = pipeline::row_name({pipeline::Crew::worker, place});
    const auto named = [&name](const RowTimes& row) { return row.name == name; };
    if (std::any_of(rows.begin(), rows.end(), named)) continue;
    // Workers come first, and those before this one are all there.
    rows.insert(rows.begin() + place, {name, std::vector<double>(breakdown.stages.size()), 0, breakdown.seconds});
  }
}

double CrewTimes::whole() const { return std::accumulate(seconds.begin(), seconds.end(), waiting + idle); }

CrewTimes sum_of_crew(const Breakdown& breakdown, const std::string& crew) {
  CrewTimes sum;
  sum.seconds.resize(breakdown.stages.size());
  for (const RowTimes& row : breakdown.rows) {
    if (!row.name.starts_with(crew + ' ')) continue;
    ++sum.rows;
    for (std::size_t i = 0; i < row.seconds.size(); ++i) sum.seconds.at(i) += row.seconds[i];
    sum.waiting += row.waiting;
    sum.idle += row.idle;
  }
  return sum;
}

std::vector<std::size_t> order_of_stages(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  // read, decode, | reduce, encode, write, lost, | kernels
  if (count > 6) std::rotate(order.begin() + 2, order.begin() + 6, order.end());
  return order;
}

std::vector<std::string> names_in_memory(std::vector<std::string> stages) {
  if (stages.size() < 6) return stages;
  stages[0] = "take";
  stages[1] = "copy in";
  stages[2] = "apply levels";
  stages[4] = "hash";
  return stages;
}

}  // namespace pixmill::bench

#include "pipeline/reduction_report.hpp"

#include "pipeline/journal/base64.hpp"
#include "pipeline/journal/row.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace pixmill::pipeline {
namespace {

using kernels::Accumulator;
using kernels::ChannelResult;
using kernels::ReductionKind;

std::string decimal(kernels::Uint128 value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  return digits;
}

std::string json_string(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// `"input": "…"`, and exactly as well if it is no UTF-8.
std::string json_path(const std::string& path) {
  std::string text = "\"input\": " + json_string(path);
  if (!is_utf8(path)) text += fmt::format(", \"input_b64\": \"{}\"", base64(path));
  return text;
}

std::vector<std::string> channel_names(const Accumulator::Result& result) {
  if (result.channels.empty()) return {};
  if (result.channels.size() == 1) return {"gray"};
  return {"R", "G", "B"};
}

// One channel's value as it stands in JSON and CSV. Doubles are written so that they read back as the same bits.
std::string scalar(ReductionKind kind, const ChannelResult& channel) {
  switch (kind) {
    case ReductionKind::min:
      return std::to_string(channel.min);
    case ReductionKind::max:
      return std::to_string(channel.max);
    case ReductionKind::sum:
      return decimal(channel.sum);
    case ReductionKind::mean:
      return fmt::format("{}", channel.mean);
    case ReductionKind::std_deviation:
      return fmt::format("{}", channel.std_deviation);
    case ReductionKind::count:
    case ReductionKind::histogram:
      break;
  }
  return {};
}

std::string histogram_text(const ChannelResult& channel) {
  return fmt::format("[{}]", fmt::join(channel.histogram, ","));
}

bool is_scalar(ReductionKind kind) { return kind != ReductionKind::count && kind != ReductionKind::histogram; }

// `"pixels": 5, "depth": 8, "channels": ["gray"], "min": [0], …`
std::string body(const std::vector<ReductionKind>& kinds, const Accumulator::Result& result, bool with_histogram) {
  const bool empty = result.channels.empty();
  std::string text = fmt::format("\"pixels\": {}, \"depth\": {}, \"channels\": ", result.pixels,
                                 empty ? std::string("null") : std::to_string(static_cast<int>(result.depth)));
  const std::vector<std::string> names = channel_names(result);
  text += empty ? std::string("null") : fmt::format("[\"{}\"]", fmt::join(names, "\", \""));
  for (const ReductionKind kind : kinds) {
    if (kind == ReductionKind::count || (kind == ReductionKind::histogram && !with_histogram)) continue;
    std::vector<std::string> values;
    for (const ChannelResult& channel : result.channels) {
      values.push_back(is_scalar(kind) ? scalar(kind, channel) : histogram_text(channel));
    }
    for (const auto& reduction : kernels::all_reductions()) {
      if (reduction.kind != kind) continue;
      text += fmt::format(", \"{}\": ", reduction.name);
      text += empty ? std::string("null") : fmt::format("[{}]", fmt::join(values, ", "));
    }
  }
  return text;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

class Report final : public ReductionReport {
 public:
  Report(const ReportWish& wish, const Accumulator& accumulator,
         std::vector<std::pair<std::uint64_t, Accumulator::Result>> per_image, const InputList& inputs)
      : wish_(wish), batch_(accumulator.finish()) {
    std::sort(per_image.begin(), per_image.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [index, result] : per_image) images_.emplace_back(std::string(inputs.path(index)), std::move(result));
  }

  [[nodiscard]] std::string json() const override {
    std::string text = fmt::format("{{\"images\": {}, {}", batch_.images, body(wish_.kinds, batch_, true));
    if (wish_.per_image) {
      text += ", \"per_image\": [";
      const char* separator = "\n";
      for (const auto& [input, result] : images_) {
        text += fmt::format("{}{{{}, {}}}", separator, json_path(input), body(wish_.kinds, result, false));
        separator = ",\n";
      }
      text += "]";
    }
    return text + "}\n";
  }

  // A row a channel: input (empty for the whole batch), images, pixels, depth, channel, then what was asked for. A
  // histogram is one column a level, so that spreadsheets take it.
  [[nodiscard]] std::string csv() const override {
    std::string text = "input,images,pixels,depth,channel";
    bool with_histogram = false;
    for (const ReductionKind kind : wish_.kinds) {
      with_histogram = with_histogram || kind == ReductionKind::histogram;
      for (const auto& reduction : kernels::all_reductions()) {
        if (reduction.kind == kind && is_scalar(kind)) text += fmt::format(",{}", reduction.name);
      }
    }
    const int levels = with_histogram && !batch_.channels.empty() ? kernels::level_count(batch_.depth) : 0;
    for (int level = 0; level < levels; ++level) text += fmt::format(",histogram_{}", level);
    text += "\n";
    add_rows(text, "", batch_, levels);
    for (const auto& [input, result] : images_) add_rows(text, input, result, levels);
    return text;
  }

 private:
  void add_rows(std::string& text, const std::string& input, const Accumulator::Result& result, int levels) const {
    const std::vector<std::string> names = channel_names(result);
    for (std::size_t c = 0; c < names.size(); ++c) {
      text += fmt::format("{},{},{},{},{}", csv_field(input), result.images, result.pixels,
                          static_cast<int>(result.depth), names[c]);
      for (const ReductionKind kind : wish_.kinds) {
        if (is_scalar(kind)) text += "," + scalar(kind, result.channels[c]);
      }
      const auto& histogram = result.channels[c].histogram;
      for (int level = 0; level < levels; ++level) {
        const auto at = static_cast<std::size_t>(level);
        text += at < histogram.size() ? fmt::format(",{}", histogram[at]) : std::string(",");
      }
      text += "\n";
    }
  }

  ReportWish wish_;
  Accumulator::Result batch_;
  std::vector<std::pair<std::string, Accumulator::Result>> images_;
};

}  // namespace

std::shared_ptr<const ReductionReport> make_reduction_report(
    const ReportWish& wish, const Accumulator& accumulator,
    std::vector<std::pair<std::uint64_t, Accumulator::Result>> per_image, const InputList& inputs) {
  return std::make_shared<Report>(wish, accumulator, std::move(per_image), inputs);
}

}  // namespace pixmill::pipeline

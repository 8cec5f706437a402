#include "pipeline/reduction_report.hpp"

#include "pipeline/journal/base64.hpp"
#include "pipeline/journal/row.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace pixmill::pipeline {
namespace {

using kernels::Accumulator;
using kernels::ChannelTotals;
using kernels::LevelReduction;

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

// A value as it stands in JSON and CSV. Doubles are written so that they read back as the same bits.
struct ValueText {
  std::string operator()(kernels::Uint128 value) const { return decimal(value); }
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(const std::vector<std::uint64_t>& counts) const {
    return fmt::format("[{}]", fmt::join(counts, ","));
  }
};

struct AddNumbers {
  std::vector<double>& numbers;
  void operator()(kernels::Uint128 value) const { numbers.push_back(static_cast<double>(value)); }
  void operator()(double value) const { numbers.push_back(value); }
  void operator()(const std::vector<std::uint64_t>& counts) const {
    for (const std::uint64_t count : counts) numbers.push_back(static_cast<double>(count));
  }
};

std::string value_text(const LevelReduction& reduction, const ChannelTotals& channel) {
  return std::visit(ValueText(), reduction.finish(channel));
}

// Null where the report has it anyway, or it is an image.
const LevelReduction* values_of(const ReportWish::Row& row) {
  const auto* levels = std::get_if<LevelReduction>(&row.reduction->operation);
  return levels != nullptr && levels->finish != nullptr ? levels : nullptr;
}

bool is_own(const ReportWish::Row& row) {
  return std::holds_alternative<const kernels::OwnReduction*>(row.reduction->operation);
}

// What the n-th own reduction reports; empty: nothing.
const std::vector<double>& own_values(const Accumulator::Result& result, std::size_t n) {
  static const std::vector<double> none;
  return n < result.own.size() ? result.own[n] : none;
}

// JSON has no number that is none.
std::string own_text(double value) { return std::isfinite(value) ? fmt::format("{}", value) : std::string("null"); }

std::string own_list(const std::vector<double>& values) {
  if (values.empty()) return "null";
  std::string text;
  for (const double value : values) text += (text.empty() ? "[" : ", ") + own_text(value);
  return text + "]";
}

// `"pixels": 5, "depth": 8, "channels": ["gray"], "min": [0], …`. Lists of counts are of the whole batch alone.
std::string body(const std::vector<ReportWish::Row>& rows, const Accumulator::Result& result, bool whole) {
  const bool empty = result.channels.empty();
  std::string text = fmt::format("\"pixels\": {}, \"depth\": {}, \"channels\": ", result.pixels,
                                 empty ? std::string("null") : std::to_string(static_cast<int>(result.depth)));
  const std::vector<std::string> names = channel_names(result);
  text += empty ? std::string("null") : fmt::format("[\"{}\"]", fmt::join(names, "\", \""));
  std::size_t own = 0;
  for (const ReportWish::Row& row : rows) {
    const std::string_view name = row.reduction->descriptor->name;
    if (is_own(row)) text += fmt::format(", \"{}\": {}", name, own_list(own_values(result, own++)));
    if (!row.path.empty() && whole)
      text += fmt::format(", \"{}\": {}", name, empty || !row.made ? "null" : json_string(row.path));
    const LevelReduction* reduction = values_of(row);
    if (reduction == nullptr || (reduction->makes_counts && !whole)) continue;
    std::vector<std::string> values;
    for (const ChannelTotals& channel : result.channels) values.push_back(value_text(*reduction, channel));
    text += fmt::format(", \"{}\": ", name);
    text += empty ? std::string("null") : fmt::format("[{}]", fmt::join(values, ", "));
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
    batch_.own = wish.own;
    std::sort(per_image.begin(), per_image.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [index, result] : per_image) images_.emplace_back(std::string(inputs.path(index)), std::move(result));
  }

  [[nodiscard]] std::uint64_t images() const override { return batch_.images; }
  [[nodiscard]] std::uint64_t pixels() const override { return batch_.pixels; }
  [[nodiscard]] int depth() const override { return batch_.channels.empty() ? 0 : static_cast<int>(batch_.depth); }
  [[nodiscard]] std::vector<std::string> channels() const override { return channel_names(batch_); }

  [[nodiscard]] std::vector<double> values(std::string_view name) const override {
    std::size_t own = 0;
    for (const ReportWish::Row& row : wish_.rows) {
      const std::size_t n = is_own(row) ? own++ : 0;
      if (is_own(row) && row.reduction->descriptor->name == name) return own_values(batch_, n);
      const LevelReduction* reduction = values_of(row);
      if (reduction == nullptr || row.reduction->descriptor->name != name) continue;
      std::vector<double> numbers;
      for (const ChannelTotals& channel : batch_.channels) std::visit(AddNumbers{numbers}, reduction->finish(channel));
      return numbers;
    }
    throw Error(ErrorCode::usage,
                fmt::format("the report has no numbers of '{}': the batch was not asked for it, or it "
                            "makes none",
                            name));
  }

  [[nodiscard]] std::string json() const override {
    std::string text = fmt::format("{{\"images\": {}, {}", batch_.images, body(wish_.rows, batch_, true));
    if (wish_.per_image) {
      text += ", \"per_image\": [";
      const char* separator = "\n";
      for (const auto& [input, result] : images_) {
        text += fmt::format("{}{{{}, {}}}", separator, json_path(input), body(wish_.rows, result, false));
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
    bool with_counts = false;
    for (const ReportWish::Row& row : wish_.rows) {
      const LevelReduction* reduction = values_of(row);
      if (reduction == nullptr) continue;
      with_counts = with_counts || reduction->makes_counts;
      if (!reduction->makes_counts) text += fmt::format(",{}", row.reduction->descriptor->name);
    }
    add_own_names(text);
    const int levels = with_counts && !batch_.channels.empty() ? kernels::level_count(batch_.depth) : 0;
    for (int level = 0; level < levels; ++level) text += fmt::format(",histogram_{}", level);
    text += "\n";
    add_rows(text, "", batch_, levels);
    for (const auto& [input, result] : images_) add_rows(text, input, result, levels);
    return text;
  }

 private:
  // An own reduction has as many columns as it reports values, the same in the rows of all channels.
  void add_own_names(std::string& text) const {
    std::size_t own = 0;
    for (const ReportWish::Row& row : wish_.rows) {
      if (!is_own(row)) continue;
      const std::size_t count = own_values(batch_, own++).size();
      for (std::size_t i = 0; i < count; ++i) {
        text += fmt::format(",{}{}", row.reduction->descriptor->name, count == 1 ? "" : "_" + std::to_string(i));
      }
    }
  }

  void add_own_values(std::string& text, const Accumulator::Result& result) const {
    for (std::size_t n = 0; n < batch_.own.size(); ++n) {
      const std::vector<double>& values = own_values(result, n);
      for (std::size_t i = 0; i < batch_.own[n].size(); ++i) {
        text += ',';
        if (i < values.size() && std::isfinite(values[i])) text += fmt::format("{}", values[i]);
      }
    }
  }

  void add_rows(std::string& text, const std::string& input, const Accumulator::Result& result, int levels) const {
    const std::vector<std::string> names = channel_names(result);
    for (std::size_t c = 0; c < names.size(); ++c) {
      text += fmt::format("{},{},{},{},{}", csv_field(input), result.images, result.pixels,
                          static_cast<int>(result.depth), names[c]);
      for (const ReportWish::Row& row : wish_.rows) {
        const LevelReduction* reduction = values_of(row);
        if (reduction != nullptr && !reduction->makes_counts) text += "," + value_text(*reduction, result.channels[c]);
      }
      add_own_values(text, result);
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

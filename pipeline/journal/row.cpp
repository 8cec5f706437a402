#include "pipeline/journal/row.hpp"

#include "pipeline/journal/base64.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace pixmill::pipeline {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kReplaceInvalid = Json::error_handler_t::replace;

void put_path(Json& row, const char* key, const std::string& path) {
  row[key] = path;
  if (!is_utf8(path)) row[std::string(key) + "_b64"] = base64(path);
}

std::string path_of(const Json& row, const std::string& key) {
  if (const auto exact = row.find(key + "_b64"); exact != row.end() && exact->is_string()) {
    if (auto bytes = from_base64(exact->get_ref<const std::string&>())) return *std::move(bytes);
  }
  const auto found = row.find(key);
  return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t count_of(const Json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::uint64_t hash_of(const Json& row, const char* key) {
  const auto found = row.find(key);
  if (found == row.end() || !found->is_string()) return 0;
  return hash_from_text(found->get_ref<const std::string&>()).value_or(0);
}

double rounded(double value, double steps) { return std::round(value * steps) / steps; }

}  // namespace

bool is_utf8(const std::string& text) {
  if (std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) return true;
  try {
    static_cast<void>(Json(text).dump());
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

std::string hash_text(std::uint64_t hash) { return fmt::format("{:016x}", hash); }

std::optional<std::uint64_t> hash_from_text(std::string_view text) {
  std::uint64_t hash = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hash, 16);
  if (text.size() != 16 || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return hash;
}

std::string row_line(const ImageOutcome& outcome, std::uint64_t plan) {
  const bool was_read = outcome.input_xxh64 != 0;
  Json row;
  row["index"] = outcome.index;
  put_path(row, "input", outcome.input);
  put_path(row, "output", outcome.output);
  row["verdict"] = to_string(outcome.verdict);
  row["ms"] = rounded(outcome.ms, 1000);
  row["attempts"] = outcome.attempts;
  row["width"] = outcome.width;
  row["height"] = outcome.height;
  row["bytes_in"] = outcome.bytes_in;
  row["bytes_out"] = outcome.bytes_out;
  row["input_xxh64"] = was_read ? hash_text(outcome.input_xxh64) : std::string();
  row["output_xxh64"] = outcome.output_xxh64 != 0 ? hash_text(outcome.output_xxh64) : std::string();
  row["detail"] = outcome.detail;
  row["plan"] = hash_text(plan);
  return row.dump(-1, ' ', false, kReplaceInvalid) + "\n";
}

std::string summary_line(const BatchReport& report) {
  Json summary;
  summary["images"] = report.images;
  for (const Verdict verdict : all_verdicts()) summary[std::string(to_string(verdict))] = report.count(verdict);
  summary["seconds"] = rounded(report.seconds, 1000);
  summary["backend"] = report.backend;
  summary["jobs"] = report.jobs;
  summary["plan"] = report.plan;
  if (!report.decisions.empty()) summary["decisions"] = report.decisions;
  Json line;
  line["summary"] = std::move(summary);
  return line.dump(-1, ' ', false, kReplaceInvalid) + "\n";
}

std::optional<ManifestRow> parse_row(std::string_view line) {
  const Json row = Json::parse(line.begin(), line.end(), nullptr, false);
  if (!row.is_object()) return std::nullopt;
  const auto verdict_text = row.find("verdict");
  if (verdict_text == row.end() || !verdict_text->is_string()) return std::nullopt;
  const auto verdict = verdict_from_string(verdict_text->get_ref<const std::string&>());
  ManifestRow parsed;
  parsed.outcome.input = path_of(row, "input");
  if (!verdict || parsed.outcome.input.empty()) return std::nullopt;
  parsed.outcome.verdict = *verdict;
  parsed.outcome.index = count_of(row, "index");
  parsed.outcome.output = path_of(row, "output");
  parsed.outcome.width = static_cast<std::int64_t>(count_of(row, "width") & 0xFFFFFFFFU);
  parsed.outcome.height = static_cast<std::int64_t>(count_of(row, "height") & 0xFFFFFFFFU);
  parsed.outcome.bytes_in = count_of(row, "bytes_in");
  parsed.outcome.bytes_out = count_of(row, "bytes_out");
  parsed.outcome.input_xxh64 = hash_of(row, "input_xxh64");
  parsed.outcome.output_xxh64 = hash_of(row, "output_xxh64");
  parsed.plan = hash_of(row, "plan");
  if (const auto detail = row.find("detail"); detail != row.end() && detail->is_string()) {
    parsed.outcome.detail = detail->get<std::string>();
  }
  return parsed;
}

bool is_summary(std::string_view line) {
  if (!line.starts_with(R"({"summary":)")) return false;
  const Json whole = Json::parse(line.begin(), line.end(), nullptr, false);
  return whole.is_object() && whole["summary"].is_object() && whole["summary"].contains("images");
}

bool is_whole_line(std::string_view line) { return Json::accept(line.begin(), line.end()); }

}  // namespace pixmill::pipeline

#include "pipeline/journal/partial_text.hpp"

#include "pipeline/journal/base64.hpp"
#include "pipeline/journal/row.hpp"

#include <nlohmann/json.hpp>

#include <span>

namespace pixmill::pipeline {
namespace {

using Json = nlohmann::ordered_json;
using kernels::ChannelPartial;
using kernels::Depth;
using kernels::Partial;

Json channel_json(const ChannelPartial& channel) {
  Json json;
  json["min"] = channel.min;
  json["max"] = channel.max;
  json["sum"] = channel.sum;
  json["sum_of_squares"] = channel.sum_of_squares;
  if (channel.histogram.empty()) return json;
  // Pairs of level and count: most images leave most levels of 16 bits empty, and a two-level one all but two.
  Json pairs = Json::array();
  for (std::size_t level = 0; level < channel.histogram.size(); ++level) {
    if (channel.histogram[level] == 0) continue;
    pairs.push_back(level);
    pairs.push_back(channel.histogram[level]);
  }
  json["histogram"] = std::move(pairs);
  return json;
}

bool read_number(const Json& json, const char* key, std::uint64_t largest, std::uint64_t& value) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number_unsigned()) return false;
  value = found->get<std::uint64_t>();
  return value <= largest;
}

bool read_histogram(const Json& json, Depth depth, std::uint64_t pixels, ChannelPartial& channel) {
  const auto pairs = json.find("histogram");
  if (pairs == json.end() || !pairs->is_array() || pairs->size() % 2 != 0) return false;
  channel.histogram.assign(static_cast<std::size_t>(kernels::level_count(depth)), 0);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < pairs->size(); i += 2) {
    const Json& level = (*pairs)[i];
    const Json& count = (*pairs)[i + 1];
    if (!level.is_number_unsigned() || !count.is_number_unsigned()) return false;
    if (level.get<std::uint64_t>() >= channel.histogram.size() || count.get<std::uint64_t>() > pixels) return false;
    channel.histogram[level.get<std::size_t>()] = count.get<std::uint32_t>();
    total += count.get<std::uint64_t>();
  }
  return total == pixels;
}

bool read_channel(const Json& json, const Partial& partial, bool with_histogram, ChannelPartial& channel) {
  if (!json.is_object()) return false;
  const auto most = static_cast<std::uint64_t>(kernels::max_level(partial.depth));
  std::uint64_t least = 0;
  std::uint64_t largest = 0;
  if (!read_number(json, "min", most, least) || !read_number(json, "max", most, largest) || least > largest)
    return false;
  channel.min = static_cast<std::uint32_t>(least);
  channel.max = static_cast<std::uint32_t>(largest);
  return read_number(json, "sum", UINT64_MAX, channel.sum) &&
         read_number(json, "sum_of_squares", UINT64_MAX, channel.sum_of_squares) &&
         (!with_histogram || read_histogram(json, partial.depth, partial.pixels, channel));
}

Json parsed(std::string_view line) { return Json::parse(line.begin(), line.end(), nullptr, false); }

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<PartialKey> key_of(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  auto input = from_base64(text_of(json, "input_b64"));
  const auto input_hash = hash_from_text(text_of(json, "input_xxh64"));
  const auto plan = hash_from_text(text_of(json, "plan"));
  if (!input || input->empty() || !input_hash || !plan) return std::nullopt;
  return PartialKey{*std::move(input), *input_hash, *plan};
}

}  // namespace

std::string partial_line(const PartialKey& key, const Partial& partial) {
  Json json;
  // Base64 keeps any file name exactly, and is not for people to read.
  json["input_b64"] = base64(key.input);
  json["input_xxh64"] = hash_text(key.input_xxh64);
  json["plan"] = hash_text(key.plan);
  json["depth"] = static_cast<int>(partial.depth);
  json["pixels"] = partial.pixels;
  Json channels = Json::array();
  for (const ChannelPartial& channel : partial.channels) channels.push_back(channel_json(channel));
  json["channels"] = std::move(channels);
  if (!partial.own.empty()) {
    json["own"] = base64({reinterpret_cast<const char*>(partial.own.data()), partial.own.size()});
  }
  std::string line = json.dump() + "\n";
  if (line.size() > kLongestPartial) line.clear();
  return line;
}

std::optional<PartialKey> parse_partial_key(std::string_view line) { return key_of(parsed(line)); }

std::optional<PartialRow> parse_partial(std::string_view line, bool with_histogram) {
  const Json json = parsed(line);
  const auto key = key_of(json);
  if (!key) return std::nullopt;
  PartialRow row{*key, {}};
  Partial& partial = row.partial;
  std::uint64_t depth = 0;
  const auto channels = json.find("channels");
  if (!read_number(json, "depth", 16, depth) || (depth != 8 && depth != 16)) return std::nullopt;
  if (!read_number(json, "pixels", UINT32_MAX, partial.pixels)) return std::nullopt;
  if (channels == json.end() || !channels->is_array() || (channels->size() != 1 && channels->size() != 3)) {
    return std::nullopt;
  }
  partial.depth = depth == 16 ? Depth::sixteen : Depth::eight;
  for (const Json& channel : *channels) {
    if (!read_channel(channel, partial, with_histogram, partial.channels.emplace_back())) return std::nullopt;
  }
  const auto own = from_base64(text_of(json, "own"));
  if (!own) return std::nullopt;
  const auto bytes = std::as_bytes(std::span(*own));
  partial.own.assign(bytes.begin(), bytes.end());
  return row;
}

}  // namespace pixmill::pipeline

#include "pipeline/codecs/icc_profile.hpp"

#include "pipeline/codecs/byte_order.hpp"

namespace pixmill::pipeline {

namespace {

constexpr std::size_t kHeaderBytes = 128;
constexpr std::size_t kTagsStart = kHeaderBytes + 4;
constexpr std::size_t kTagBytes = 12;

constexpr std::size_t kClassAt = 12;
constexpr std::size_t kColourSpaceAt = 16;
constexpr std::size_t kConnectionAt = 20;
constexpr std::size_t kSignatureAt = 36;

constexpr std::uint32_t four(const char (&name)[5]) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(name[i]);
  return value;
}

bool is_sound(Bytes profile) {
  if (profile.size() < kTagsStart || read_big32(profile, 0) != profile.size()) return false;
  if (read_big32(profile, kSignatureAt) != four("acsp")) return false;
  const std::uint32_t connection = read_big32(profile, kConnectionAt);
  if (connection != four("XYZ ") && connection != four("Lab ")) return false;
  const std::size_t tags = read_big32(profile, kHeaderBytes);
  if (tags > (profile.size() - kTagsStart) / kTagBytes) return false;
  for (std::size_t i = 0; i < tags; ++i) {
    const std::size_t offset = read_big32(profile, kTagsStart + i * kTagBytes + 4);
    const std::size_t bytes = read_big32(profile, kTagsStart + i * kTagBytes + 8);
    if (offset > profile.size() || bytes > profile.size() - offset) return false;
  }
  return true;
}

}  // namespace

IccFit icc_fit(Bytes profile, int channels) {
  if (!is_sound(profile)) return IccFit::damaged;
  // A link between devices and an abstract effect describe no image.
  const std::uint32_t kind = read_big32(profile, kClassAt);
  if (kind == four("link") || kind == four("abst")) return IccFit::other_channels;
  const std::uint32_t space = read_big32(profile, kColourSpaceAt);
  return space == (channels <= 2 ? four("GRAY") : four("RGB ")) ? IccFit::fits : IccFit::other_channels;
}

std::string icc_colour_space(Bytes profile) {
  std::string name;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto c = static_cast<char>(byte_at(profile, kColourSpaceAt + i));
    name.push_back(c >= ' ' && c <= '~' ? c : '?');
  }
  while (name.ends_with(' ')) name.pop_back();
  return name;
}

void cut_icc_padding(std::vector<std::byte>& profile) {
  if (profile.size() < kHeaderBytes) return;
  const std::size_t claimed = read_big32(profile, 0);
  if (claimed >= kHeaderBytes && claimed < profile.size()) profile.resize(claimed);
}

}  // namespace pixmill::pipeline

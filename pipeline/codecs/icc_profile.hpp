#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

enum class IccFit : unsigned char {
  fits,
  other_channels,  ///< Sound, but of a colour space (or a kind) that an image of so many channels cannot have.
  damaged,
};

/// Whether an ICC profile is sound and describes images of that many channels (1 and 2: gray, 3 and 4: RGB).
///
/// Sound is what ICC.1:2022, 7.2 and 7.3 ask for as far as sizes go: the header, its signature and connection space,
/// and a table of tags that lie inside the profile. Tags are not looked into. Any bytes are safe.
[[nodiscard]] IccFit icc_fit(Bytes profile, int channels);

/// What the profile calls its colour space, as in "CMYK"; control characters are shown as '?'. Needs 128 bytes.
[[nodiscard]] std::string icc_colour_space(Bytes profile);

/// Cuts off what some writers leave behind a profile, beyond the size that it gives itself.
void cut_icc_padding(std::vector<std::byte>& profile);

}  // namespace pixmill::pipeline

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pixmill::pipeline {

/// Gives any bytes to the decoder of `format` (a name of the codec table) the way the program does: read_header(),
/// decoded_shape(), decode(), read_metadata(), with small limits, for every request that the header allows. Aborts
/// where the decoder breaks a promise of codec.hpp; every other end is a good one. Returns 0, for libFuzzer.
///
/// The promises: an unusable status says why; what it takes stays below its own reckoning; an observer sees every row
/// once, with its final pixels; nothing of a usable frame stays unwritten; the result does not depend on what the
/// decoder read before; lenient and strict agree on what is sound.
int fuzz_decoder(std::string_view format, const std::uint8_t* data, std::size_t size);

}  // namespace pixmill::pipeline

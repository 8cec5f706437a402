#pragma once

#include "kernels/frame.hpp"
#include "pipeline/program.hpp"

#include <pixmill/verdict.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace pixmill::pipeline {

/// How what became of a frame in memory travels from a pool's worker to the pool:
///
///     0                   verdict, shape, detail; then zeros
///     kAnswerHeadBytes    pixels, row after row; none unless the verdict is a good one
///
/// so that the worker can compute the pixels where they will lie, and the pool can read the head apart from them.
inline constexpr std::size_t kAnswerHeadBytes = 4096;

struct FrameAnswer {
  Verdict verdict = Verdict::ok;
  std::string detail;
  int rows = 0;  ///< 0: no pixels.
  int columns = 0;
  int type = 0;

  /// Whether its pixels are of this shape.
  [[nodiscard]] bool has(const kernels::FrameShape& shape) const {
    return rows == shape.height && columns == shape.width && type == shape.type();
  }
};

[[nodiscard]] inline std::uint64_t frame_answer_bytes(const kernels::FrameShape& shape) {
  return kAnswerHeadBytes + shape.bytes();
}

/// Writes the head of the answer; the pixels are `result.frame`. A detail that is too long is cut.
void write_answer_head(const ProgramResult& result, std::span<std::byte, kAnswerHeadBytes> head);

/// Reads the head of an answer of `size_bytes` in all, believing nothing: it must be whole, the verdict such as a
/// program gives of a frame, and the pixels, to the last byte, those of a good verdict. Nothing if it makes no sense.
[[nodiscard]] std::optional<FrameAnswer> read_answer_head(Bytes head, std::uint64_t size_bytes);

}  // namespace pixmill::pipeline

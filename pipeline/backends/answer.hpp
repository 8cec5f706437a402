#pragma once

#include "pipeline/program.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pixmill::pipeline {

/// How what became of an image travels from a worker process to the coordinator: as one run of bytes,
///
///     AnswerHeader │ StageSpan × spans │ ChannelRecord × channels │ histograms │ own states │ detail │ encoded image │
///     padding │ finished frame
///
/// in this machine's byte order, for both ends are the same program on the same machine. The padding brings the frame
/// to a multiple of 64.

/// Writes answers piece by piece, without copying pixels. Not thread-safe.
class AnswerWriter {
 public:
  /// The pieces of the answer, in order; they lie in this writer, in `result` and in `encoded`, and are valid until one
  /// of these changes.
  [[nodiscard]] const std::vector<Bytes>& write(const ProgramResult& result, Bytes encoded);

 private:
  std::vector<std::byte> fixed_;
  std::vector<std::byte> padding_;
  std::vector<Bytes> pieces_;
};

/// An answer that made sense. `encoded` and the result's frame are views of the bytes that were read.
struct ReadAnswer {
  ProgramResult result;
  Bytes encoded;
};

/// What was asked of the program.
struct AnswerWish {
  Program::Want want;
  bool histogram = false;              ///< Program::Options::reduce_histogram.
  std::uint32_t stages = 0;            ///< Program::timed_stages().
  const OwnReductions* own = nullptr;  ///< Program::Options::own.
};

/// Reads what a worker wrote, believing nothing: sizes must add up to the last byte, the verdict be such as a program
/// gives, what was wished for be there if the verdict is a good one and nothing else, and counts agree with each other.
/// The detail may be any bytes, as file names may. Nothing if it makes no sense. `bytes` must be aligned as `new`
/// aligns, and stay where they are as long as the views are used; the frame must not be written to.
[[nodiscard]] std::optional<ReadAnswer> read_answer(Bytes bytes, const AnswerWish& wish);

}  // namespace pixmill::pipeline

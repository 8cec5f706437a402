#include "pipeline/own/own_reduction.hpp"

#include "pipeline/files/whole_file.hpp"
#include "pipeline/own/own_code.hpp"
#include "pipeline/own/own_kernel.hpp"
#include "pipeline/own/stored_descriptor.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace pixmill::pipeline {
namespace {

constexpr std::size_t kMostStateBytes = 32768;
constexpr std::size_t kAlignment = 16;  // as `new` aligns
constexpr std::size_t kImagesTried = 4;

[[noreturn]] void refuse(std::string_view reduction, const std::string& why) {
  throw Error(ErrorCode::usage, fmt::format("own reduction '{}': {}", reduction, why));
}

std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

UserReduction::UserReduction(const ReductionDefinition& definition, std::string plugin)
    : name_(definition.descriptor.name),
      summary_(definition.descriptor.summary),
      notes_(definition.descriptor.notes),
      definition_(definition),
      plugin_(std::move(plugin)) {
  check_own_name("reduction", name_);
  definition_.descriptor = {.name = name_, .summary = summary_, .notes = notes_};
  row_ = {&definition_.descriptor, this};
  if (definition.descriptor.makes_image) refuse(name_, "makes_image is for reductions of pixmill");
  if (definition.state_bytes < 1 || definition.state_bytes > kMostStateBytes) {
    refuse(name_, fmt::format("state_bytes must be from 1 to {}, not {}", kMostStateBytes, definition.state_bytes));
  }
  if (!definition.add || !definition.merge || !definition.report) {
    refuse(name_, "its definition must have all of add, merge and report");
  }
  if (!(definition.scratch_images >= 0 && definition.scratch_images <= 1e6)) {
    refuse(name_, fmt::format("scratch_images must be from 0 to 1000000, not {}", definition.scratch_images));
  }
  check_system_calls(fmt::format("own reduction '{}'", name_), definition.system_calls);
}

OwnReductions::OwnReductions(std::vector<const UserReduction*> reductions) : reductions_(std::move(reductions)) {
  bytes_ = kAlignment;
  std::string known;
  for (const UserReduction* reduction : reductions_) {
    const std::size_t size = reduction->definition().state_bytes;
    known += fmt::format("{} {} {}\n", reduction->name(), reduction->definition().version, size);
    offsets_.push_back(bytes_);
    bytes_ += aligned(size);
  }
  checksum_ = content_hash(std::as_bytes(std::span(known)));
}

bool OwnReductions::fits(std::span<const std::byte> own) const {
  return own.size() == bytes_ && std::memcmp(own.data(), &checksum_, sizeof checksum_) == 0;
}

std::span<const std::byte> OwnReductions::state(std::size_t n, std::span<const std::byte> own) const {
  return own.subspan(offsets_[n], reductions_[n]->definition().state_bytes);
}

std::span<std::byte> OwnReductions::state(std::size_t n, std::span<std::byte> own) const {
  return own.subspan(offsets_[n], reductions_[n]->definition().state_bytes);
}

std::vector<std::byte> OwnReductions::nothing() const {
  std::vector<std::byte> own(bytes_);
  std::memcpy(own.data(), &checksum_, sizeof checksum_);
  return own;
}

std::vector<std::byte> OwnReductions::of_image(const cv::Mat& image) const {
  std::vector<std::byte> own = nothing();
  for (std::size_t n = 0; n < reductions_.size(); ++n) {
    const SameRandomNumbers same;
    const cv::Mat alone(image.rows, image.cols, image.type(), image.data, image.step);
    call_own_code(reductions_[n]->name(), [&] { reductions_[n]->definition().add(alone, state(n, std::span(own))); });
  }
  return own;
}

std::uint64_t OwnReductions::scratch_bytes(const kernels::FrameShape& shape) const {
  double most = 0;
  for (const UserReduction* reduction : reductions_) most = std::max(most, reduction->definition().scratch_images);
  return bytes_ + static_cast<std::uint64_t>(std::ceil(static_cast<double>(shape.bytes()) * most));
}

std::vector<int> OwnReductions::system_calls() const {
  std::vector<int> calls;
  for (const UserReduction* reduction : reductions_) {
    const std::vector<int>& more = reduction->definition().system_calls;
    calls.insert(calls.end(), more.begin(), more.end());
  }
  return calls;
}

OwnFold::OwnFold(const OwnReductions& reductions)
    : reductions_(reductions), total_(reductions.nothing()), failed_(reductions.all().size()) {}

void OwnFold::fail(std::size_t n, const std::string& why) {
  failed_[n] = true;
  trouble_ += fmt::format("{}own reduction {} has no result: {}", trouble_.empty() ? "" : "; ",
                          reductions_.all()[n]->name(), why);
}

void OwnFold::add(std::span<const std::byte> own) {
  ++images_;
  // A copy is aligned.
  std::vector<std::byte> from(own.begin(), own.end());
  for (std::size_t n = 0; n < failed_.size(); ++n) {
    if (failed_[n]) continue;
    const UserReduction& reduction = *reductions_.all()[n];
    try {
      call_own_code(reduction.name(), [&] {
        reduction.definition().merge(reductions_.state(n, std::span<const std::byte>(from)),
                                     reductions_.state(n, std::span(total_)));
      });
    } catch (const std::exception& error) {
      fail(n, error.what());
    }
  }
  if (first_.size() < kImagesTried) first_.push_back(std::move(from));
}

// Which images come first differs from run to run, but not whether a merge that is right passes.
void OwnFold::try_orders(std::size_t n) {
  const auto& merge = reductions_.all()[n]->definition().merge;
  using State = std::vector<std::byte>;
  const auto merged = [&merge](const State& from, State into) {
    merge(from, into);
    return into;
  };
  std::vector<State> states;
  for (const auto& own : first_) {
    const std::span<const std::byte> state = reductions_.state(n, std::span(own));
    states.emplace_back(state.begin(), state.end());
  }
  const State nothing(reductions_.all()[n]->definition().state_bytes);
  const State& c = states.front();
  for (std::size_t i = 0; i < states.size(); ++i) {
    const State& a = states[i];
    if (merged(a, nothing) != a || merged(nothing, a) != a) {
      return fail(n, "merging it with a state of zeros, which is that of no image, changes it");
    }
    for (std::size_t j = 0; j < i; ++j) {
      const State& b = states[j];
      if (merged(a, b) != merged(b, a)) return fail(n, "its merge depends on the order of images");
      if (merged(merged(a, b), c) != merged(a, merged(b, c))) {
        return fail(n, "its merge depends on how images are grouped");
      }
    }
  }
}

std::vector<std::vector<double>> OwnFold::of_one(std::span<const std::byte> own) const {
  std::vector<std::vector<double>> values(failed_.size());
  const std::vector<std::byte> copy(own.begin(), own.end());
  for (std::size_t n = 0; n < failed_.size(); ++n) {
    const UserReduction& reduction = *reductions_.all()[n];
    try {
      values[n] = call_own_code(reduction.name(), [&] {
        return reduction.definition().report(reductions_.state(n, std::span<const std::byte>(copy)), 1);
      });
    } catch (const std::exception&) {
      // Then this image has none; what is wrong is said of the batch.
    }
  }
  return values;
}

std::vector<std::vector<double>> OwnFold::finish() {
  std::vector<std::vector<double>> values(failed_.size());
  for (std::size_t n = 0; n < failed_.size() && images_ > 0; ++n) {
    if (failed_[n]) continue;
    const UserReduction& reduction = *reductions_.all()[n];
    try {
      call_own_code(reduction.name(), [&] { try_orders(n); });
      if (failed_[n]) continue;
      values[n] = call_own_code(reduction.name(), [&] {
        return reduction.definition().report(reductions_.state(n, std::span<const std::byte>(total_)), images_);
      });
      if (values[n].empty()) fail(n, "its report gave no value");
    } catch (const std::exception& error) {
      fail(n, error.what());
    }
  }
  return values;
}

}  // namespace pixmill::pipeline

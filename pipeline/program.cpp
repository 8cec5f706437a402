#include "pipeline/program.hpp"

#include "kernels/orient.hpp"
#include "pipeline/metadata.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

namespace pixmill::pipeline {
namespace {

using kernels::FrameShape;

std::string mebibytes(std::uint64_t bytes) { return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / 1048576.0); }

CodecStatus no_image(Bytes file) {
  return {Verdict::unsupported, file.empty() ? "the file is empty" : "its content is no image format that is known"};
}

template <typename Table, typename Make>
auto& made_once(Table& table, const Codec& codec, Make make) {
  for (auto& [known, object] : table) {
    if (known == &codec) return *object;
  }
  return *table.emplace_back(&codec, make()).second;
}

}  // namespace

std::string why_no_frame(const cv::Mat& image) {
  if (image.dims > 2) return fmt::format("it has {} dimensions; an image has 2", image.dims);
  if (image.empty()) return "it has no pixels";
  if (image.depth() != CV_8U && image.depth() != CV_16U) {
    return fmt::format("its pixels are {}; CV_8U and CV_16U are supported", cv::depthToString(image.depth()));
  }
  if (image.channels() > 4) return fmt::format("it has {} channels; 1 to 4 are supported", image.channels());
  return {};
}

Decoder& WorkerMemory::decoder(const Codec& codec) { return made_once(decoders_, codec, codec.make_decoder); }
Encoder& WorkerMemory::encoder(const Codec& codec) { return made_once(encoders_, codec, codec.make_encoder); }

void WorkerMemory::trim(std::size_t keep_bytes) {
  workspace_.trim(keep_bytes);
  for (auto& [codec, decoder] : decoders_) decoder->trim(keep_bytes);
  for (auto& [codec, encoder] : encoders_) encoder->trim(keep_bytes);
  for (std::vector<std::byte>* block : {&metadata.icc, &metadata.exif}) {
    if (block->capacity() > keep_bytes) std::vector<std::byte>().swap(*block);
  }
  if (encoded.capacity() > keep_bytes) {
    encoded.clear();
    encoded.shrink_to_fit();
  }
}

Program::Program(const Plan& plan, const Options& options) : plan_(plan), options_(options) {
  const Chain& chain = chain_of(plan_);
  chain_keeps_alpha_ = true;
  std::size_t decided = 0;
  for (const ChainStep& step : chain.steps) {
    add_step(step, decided);
    if (undecided_ != nullptr && options_.until_undecided) break;
  }
  luma_first_ = !steps_.empty() && steps_.front().frame != nullptr && steps_.front().frame->is_luma();
}

void Program::add_step(const ChainStep& source, std::size_t& decided) {
  const KernelDescriptor& descriptor = *source.kernel->descriptor;
  Step step{&source, nullptr, nullptr, descriptor.depth == DepthNeed::eight_bits};
  kernels::Operation operation = source.kernel->bound(source.arguments);
  if (auto* level = std::get_if<std::unique_ptr<const kernels::LevelOperation>>(&operation)) {
    step.level = std::move(*level);
    if (step.level->needs_batch() && decided < options_.decided.size()) {
      step.level = options_.decided[decided++];
    } else if (step.level->needs_batch()) {
      if (undecided_ == nullptr) undecided_ = step.level;
      if (options_.until_undecided) return;
    }
  } else {
    step.frame = std::move(std::get<std::unique_ptr<const kernels::FrameOperation>>(operation));
    step.eight_bits = step.eight_bits || step.frame->needs_eight_bits();
  }
  steps_.push_back(std::move(step));
  chain_keeps_alpha_ = chain_keeps_alpha_ && descriptor.keeps_alpha;
}

FrameShape Program::result_of(FrameShape shape) const {
  for (const Step& step : steps_) {
    if (step.eight_bits) shape = kernels::eight_bit(shape);
    if (step.frame != nullptr) shape = step.frame->output_shape(shape);
  }
  return shape;
}

FrameShape Program::result_of_frame(const cv::Mat& image) const {
  FrameShape shape = kernels::shape_of(image);
  if (!chain_keeps_alpha_) shape.channels = kernels::colour_channels(shape.channels);
  return result_of(shape);
}

std::vector<int> Program::system_calls() const {
  std::vector<int> calls = options_.own != nullptr ? options_.own->system_calls() : std::vector<int>();
  for (const Step& step : steps_) {
    if (step.source->kernel->own == nullptr) continue;
    const std::span<const int> more = step.source->kernel->own->system_calls();
    calls.insert(calls.end(), more.begin(), more.end());
  }
  std::sort(calls.begin(), calls.end());
  calls.erase(std::unique(calls.begin(), calls.end()), calls.end());
  return calls;
}

std::vector<Program::OwnPart> Program::own_parts() const {
  std::vector<OwnPart> parts;
  for (const ChainStep& step : chain_of(plan_).steps) {
    const kernels::OwnKernel* own = step.kernel->own;
    if (own == nullptr) continue;
    parts.push_back({"kernel", step.kernel->descriptor->name, step.identity, own->plugin()});
  }
  if (options_.own == nullptr) return parts;
  for (const UserReduction* own : options_.own->all()) {
    const ReductionDefinition& definition = own->definition();
    parts.push_back({"reduction", own->name(),
                     fmt::format("{} of {} bytes", definition.version, definition.state_bytes), own->plugin()});
  }
  return parts;
}

std::vector<std::string> Program::decisions() const {
  std::vector<std::string> lines;
  for (const Step& step : steps_) {
    if (step.level == nullptr) continue;
    if (std::string line = step.level->decision(); !line.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

DecodeRequest Program::request_for(const ImageHeader& header, const Codec* output) const {
  DecodeRequest request;
  request.luma = luma_first_ && header.stores_luma;
  request.keep_alpha = options_.write && output != nullptr && output->holds_alpha && chain_keeps_alpha_;
  request.lenient = options_.lenient;
  return request;
}

// The sum of the largest that each slot will hold: slots keep their size, so that is what a worker really takes.
std::uint64_t Program::memory_needed(std::uint64_t file_bytes, const ImageHeader& header, const DecodeRequest& request,
                                     const Encoder* encoder, FrameShape& result) const {
  FrameShape shape = Decoder::decoded_shape(header, request);
  std::uint64_t current = shape.bytes();
  std::uint64_t other = 0;
  std::uint64_t scratch = header.decoder_bytes;
  const auto step_to = [&](const FrameShape& next) {
    other = std::max(other, next.bytes());
    std::swap(current, other);
    shape = next;
  };
  if (options_.apply_orientation && header.orientation > 1) step_to(kernels::oriented_shape(shape, header.orientation));
  for (const Step& step : steps_) {
    if (step.eight_bits && shape.depth == kernels::Depth::sixteen) step_to(kernels::eight_bit(shape));
    if (step.frame == nullptr || step.frame->leaves_unchanged(shape)) continue;
    scratch = std::max(scratch, step.frame->scratch_bytes(shape));
    step_to(step.frame->output_shape(shape));
  }
  if (options_.own != nullptr) {
    scratch = std::max(scratch, options_.own->scratch_bytes(shape));
    if (kernels::has_alpha(shape.channels)) other = std::max(other, kernels::without_alpha(shape).bytes());
  }
  result = shape;
  std::uint64_t bytes = file_bytes + current + other + scratch;
  if (encoder != nullptr) {
    const Encoder::Need need = encoder->need(shape, false);
    bytes += need.output_bytes + need.scratch_bytes;
    if (options_.keep_metadata) bytes += metadata_bytes(file_bytes);
  }
  return bytes;
}

Program::Reckoning Program::reckon(Bytes file, WorkerMemory& memory) const {
  Reckoning reckoning;
  reckoning.codec = recognise(file.first(std::min(file.size(), kSniffBytes)));
  if (reckoning.codec == nullptr) {
    reckoning.status = no_image(file);
    return reckoning;
  }
  reckoning.output = options_.format != nullptr ? options_.format : reckoning.codec;
  if (options_.write && reckoning.output->make_encoder == nullptr) {
    reckoning.status = {Verdict::unsupported,
                        fmt::format("{} files cannot be written; choose another --format", reckoning.output->title)};
    return reckoning;
  }
  const LimitOptions& limits = options_.limits;
  reckoning.status = memory.decoder(*reckoning.codec)
                         .read_header(file, {limits.max_pixels, limits.max_side, limits.max_memory}, reckoning.header);
  if (!reckoning.status.usable()) return reckoning;
  if (!options_.apply_orientation) reckoning.orientation_left = std::exchange(reckoning.header.orientation, 1);
  // As if everything were wanted, so that a verdict does not depend on what an earlier run left to do.
  const Encoder* encoder = options_.write ? &memory.encoder(*reckoning.output) : nullptr;
  try {
    reckoning.memory_bytes = memory_needed(file.size(), reckoning.header,
                                           request_for(reckoning.header, reckoning.output), encoder, reckoning.result);
  } catch (const kernels::KernelFailure& failure) {
    reckoning.status = {Verdict::kernel_failed, failure.what()};
    return reckoning;
  }
  if (reckoning.memory_bytes > limits.max_memory) {
    reckoning.status = {
        Verdict::too_large,
        fmt::format("{} x {} pixels need {} here, more than --max-memory {}", reckoning.header.shape.width,
                    reckoning.header.shape.height, mebibytes(reckoning.memory_bytes), mebibytes(limits.max_memory))};
  }
  return reckoning;
}

}  // namespace pixmill::pipeline

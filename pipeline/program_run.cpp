#include "pipeline/program.hpp"

#include "kernels/depth.hpp"
#include "kernels/orient.hpp"
#include "pipeline/metadata.hpp"

#include <fmt/format.h>

#include <opencv2/core.hpp>

#include <chrono>
#include <new>
#include <utility>

namespace pixmill::pipeline {
namespace {

using kernels::FrameShape;
using kernels::LevelTable;

cv::Mat frame_in_slot(kernels::Workspace& workspace, std::size_t slot, const FrameShape& shape) {
  void* pixels = workspace.slot(slot, shape.bytes()).data();
  return {static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type(), pixels};
}

void add_note(std::string& detail, const std::string& note) {
  if (!detail.empty()) detail += "; ";
  detail += note;
}

}  // namespace

/// One image on its way through the program.
class Program::Run {
 public:
  Run(const Program& program, Bytes file, Want want, WorkerMemory& memory)
      : program_(program),
        file_(file),
        want_(want),
        memory_(memory),
        spans_(program.options_.time_stages ? &result_.spans : nullptr) {}

  ProgramResult over_file() {
    return guarded([this] { through(); });
  }

  ProgramResult over_frame(const cv::Mat& image, cv::Mat& out) {
    ProgramResult result = guarded([&] { from(image, out); });
    if (!is_well(result.verdict)) out.release();
    return result;
  }

 private:
  template <typename Body>
  ProgramResult guarded(Body body) {
    const auto begin = std::chrono::steady_clock::now();
    try {
      if (spans_ != nullptr) spans_->reserve(program_.timed_stages());
      body();
    } catch (const kernels::KernelFailure& failure) {
      fail(Verdict::kernel_failed, failure.what());
    } catch (const std::bad_alloc&) {
      fail(Verdict::out_of_memory, "the memory it is entitled to could not be had");
    } catch (const cv::Exception& failure) {
      if (failure.code == cv::Error::StsNoMem) {
        fail(Verdict::out_of_memory, "the memory it is entitled to could not be had");
      } else {
        fail(Verdict::kernel_failed, "OpenCV: " + failure.err);
      }
    } catch (const std::exception& failure) {
      fail(Verdict::kernel_failed, failure.what());
    }
    result_.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    return std::move(result_);
  }

  void fail(Verdict verdict, const std::string& detail) {
    result_.verdict = verdict;
    result_.detail = detail;
    result_.partial.reset();
  }

  void through() {
    if (!open_and_decode()) return;
    apply_steps();
    if (want_.partial || want_.frame) reduce();
    if (want_.encoded) encode();
    if (want_.frame && is_well(result_.verdict)) result_.frame = frame_;
  }

  void from(const cv::Mat& image, cv::Mat& out) {
    if (const std::string why = why_no_frame(image); !why.empty()) return fail(Verdict::unsupported, why);
    result_.width = image.cols;
    result_.height = image.rows;
    frame_ = image;
    borrowed_ = true;
    if (kernels::has_alpha(image.channels()) && !program_.chain_keeps_alpha_) drop_alpha();
    table_.emplace(kernels::depth_of(frame_));
    out_ = &out;
    last_change_ = last_change();
    apply_steps();
    hand_over();
  }

  void drop_alpha() {
    static_cast<void>(colours());
    take_other();
  }

  // The frame without its alpha, in the other slot.
  const cv::Mat& colours() {
    cv::Mat& out = other_frame(kernels::without_alpha(kernels::shape_of(frame_)));
    constexpr int kSame[] = {0, 0, 1, 1, 2, 2};
    cv::mixChannels(&frame_, 1, &out, 1, kSame, static_cast<std::size_t>(out.channels()));
    return out;
  }

  // The last step that makes a new frame of this one: it may put it where the result belongs.
  [[nodiscard]] const Step* last_change() const {
    const Step* last = nullptr;
    FrameShape shape = kernels::shape_of(frame_);
    for (const Step& step : program_.steps_) {
      if (step.eight_bits) shape = kernels::eight_bit(shape);
      if (step.frame == nullptr || step.frame->leaves_unchanged(shape)) continue;
      shape = step.frame->output_shape(shape);
      last = &step;
    }
    return last;
  }

  cv::Mat& result_frame(const FrameShape& shape) {
    out_->create(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type());
    other_ = *out_;
    return other_;
  }

  void hand_over() {
    if (frame_.data == out_->data) return settle();
    out_->create(frame_.size(), frame_.type());
    if (table_->is_identity()) {
      frame_.copyTo(*out_);
    } else {
      kernels::apply_table(*table_, frame_, *out_);
    }
  }

  bool open_and_decode() {
    const StageTimer timer(spans_, Stage::decode);
    return open() && decode();
  }

  void apply_steps() {
    for (std::size_t i = first_step_; i < program_.steps_.size(); ++i) {
      const StageTimer timer(spans_, stage_of_step(i));
      apply(program_.steps_[i]);
    }
  }

  bool open() {
    const Reckoning reckoning = program_.reckon(file_, memory_);
    codec_ = reckoning.codec;
    output_ = reckoning.output;
    header_ = reckoning.header;
    orientation_left_ = reckoning.orientation_left;
    const FrameShape upright = kernels::oriented_shape(header_.shape, header_.orientation);
    result_.width = upright.width;
    result_.height = upright.height;
    if (!reckoning.status.usable()) {
      fail(reckoning.status.verdict, reckoning.status.detail);
      return false;
    }
    request_ = program_.request_for(header_, output_);
    return true;
  }

  bool decode() {
    const FrameShape shape = Decoder::decoded_shape(header_, request_);
    frame_ = frame_in_slot(memory_.workspace(), slot_, shape);
    table_.emplace(shape.depth);
    first_step_ = program_.luma_first_ && shape.channels == 1 ? 1 : 0;
    two_level_ = header_.two_level && shape.channels == 1;
    BandObserver observer;
    if (segment_needs_histogram(first_step_, shape)) {
      memory_.histogram.reset(shape.depth, shape.channels);
      observer = [this](const cv::Mat& rows) { memory_.histogram.add(rows); };
      counted_ = true;
    }
    const CodecStatus status = memory_.decoder(*codec_).decode(request_, frame_, observer);
    if (!status.usable()) {
      fail(status.verdict, status.detail);
      return false;
    }
    result_.verdict = status.verdict;
    result_.detail = status.detail;
    // Lenient rows that were never decoded were never shown to the observer.
    if (status.verdict == Verdict::repaired) counted_ = false;
    if (header_.orientation > 1) {
      cv::Mat& turned = other_frame(kernels::oriented_shape(shape, header_.orientation));
      kernels::orient(frame_, header_.orientation, turned);
      take_other();
      sideways_ = header_.orientation >= 5;
    }
    return true;
  }

  // Whether the histogram of the frame as it stands before step `from` will be asked for, before another frame replaces
  // it.
  [[nodiscard]] bool segment_needs_histogram(std::size_t from, const FrameShape& shape) const {
    for (std::size_t i = from; i < program_.steps_.size(); ++i) {
      const Step& step = program_.steps_[i];
      if (step.level == nullptr || (step.eight_bits && shape.depth == kernels::Depth::sixteen)) return false;
      if (step.level->needs_histogram()) return true;
    }
    return want_.partial;
  }

  cv::Mat& other_frame(const FrameShape& shape) {
    const std::size_t slot = slot_ == kernels::slots::kFrameA ? kernels::slots::kFrameB : kernels::slots::kFrameA;
    other_ = frame_in_slot(memory_.workspace(), slot, shape);
    return other_;
  }

  void take_other() {
    std::swap(frame_, other_);
    borrowed_ = false;
    slot_ = slot_ == kernels::slots::kFrameA ? kernels::slots::kFrameB : kernels::slots::kFrameA;
  }

  // The histogram of the levels that come out of the pending table.
  const kernels::Histogram& histogram() {
    if (!counted_) {
      memory_.histogram.reset(kernels::depth_of(frame_), frame_.channels());
      memory_.histogram.add(frame_);
      counted_ = true;
    }
    if (table_->is_identity()) return memory_.histogram;
    memory_.histogram.map_through(*table_, memory_.mapped);
    return memory_.mapped;
  }

  // Brings the frame itself up to date with the pending table.
  void settle() {
    if (table_->is_identity()) return;
    two_level_ = is_two_level();
    if (borrowed_) {
      kernels::apply_table(*table_, frame_, other_frame(kernels::shape_of(frame_)));
      take_other();
    } else {
      kernels::apply_table(*table_, frame_, frame_);
    }
    table_.emplace(table_->depth());
    counted_ = false;
  }

  [[nodiscard]] bool is_two_level() const {
    if (frame_.channels() != 1) return false;
    if (table_->is_two_level()) return true;
    const auto extreme = [this](int level) {
      const int value = (*table_)[static_cast<std::size_t>(level)];
      return value == 0 || value == kernels::max_level(table_->depth());
    };
    return two_level_ && extreme(0) && extreme(kernels::max_level(table_->depth()));
  }

  void apply(const Step& step) {
    if (step.eight_bits && kernels::depth_of(frame_) == kernels::Depth::sixteen) to_eight_bits(step);
    if (step.level != nullptr) {
      step.level->compose(step.level->needs_histogram() ? &histogram() : nullptr, *table_);
      return;
    }
    const kernels::FrameOperation& operation = *step.frame;
    const FrameShape shape = kernels::shape_of(frame_);
    if (operation.leaves_unchanged(shape)) return;
    settle();
    sideways_ = sideways_ != operation.turns_sideways();
    const FrameShape next = operation.output_shape(shape);
    cv::Mat& out = out_ != nullptr && &step == last_change_ ? result_frame(next) : other_frame(next);
    operation.apply(frame_, out, memory_.workspace());
    two_level_ = next.channels == 1 && operation.output_is_two_level(two_level_);
    replace_frame();
  }

  void to_eight_bits(const Step& step) {
    settle();
    cv::Mat& out = other_frame(kernels::eight_bit(kernels::shape_of(frame_)));
    kernels::reduce_depth(frame_, out);
    take_other();
    counted_ = false;
    table_.emplace(kernels::Depth::eight);
    add_note(result_.detail,
             fmt::format("{} works on 8 bits of this 16-bit image", step.source->kernel->descriptor->name));
  }

  void replace_frame() {
    take_other();
    counted_ = false;
    if (kernels::depth_of(frame_) != table_->depth()) table_.emplace(kernels::depth_of(frame_));
  }

  void reduce() {
    const StageTimer timer(spans_, Stage::reduce);
    if (want_.partial) {
      result_.partial = kernels::make_partial(histogram(), program_.options_.reduce_histogram);
      if (const OwnReductions* own = program_.options_.own.get(); own != nullptr) {
        settle();
        result_.partial->own = own->of_image(kernels::has_alpha(frame_.channels()) ? colours() : frame_);
      }
    }
    if (want_.frame) settle();
  }

  const Metadata* metadata() {
    if (!program_.options_.keep_metadata) return nullptr;
    Metadata& metadata = memory_.metadata;
    metadata.clear();
    memory_.decoder(*codec_).read_metadata(metadata);
    const bool oriented = program_.options_.apply_orientation;
    adapt_metadata(metadata, {kernels::shape_of(frame_), orientation_left_, oriented, sideways_});
    if (!metadata.left_out.empty()) add_note(result_.detail, metadata.left_out);
    return &metadata;
  }

  void encode() {
    const StageTimer timer(spans_, Stage::encode);
    EncodeSource source;
    source.metadata = metadata();
    source.frame = &frame_;
    source.table = table_->is_identity() ? nullptr : &*table_;
    source.two_level = is_two_level();
    if (program_.options_.format == nullptr) source.like = &header_;
    if (kernels::depth_of(frame_) == kernels::Depth::sixteen && !source.two_level && !output_->holds_sixteen_bits) {
      add_note(result_.detail, fmt::format("{} holds 8 bits of this 16-bit image", output_->title));
    }
    const CodecStatus status = memory_.encoder(*output_).encode(source, program_.options_.encode, memory_.encoded);
    if (!status.usable()) return fail(status.verdict, status.detail);
    if (!status.detail.empty()) add_note(result_.detail, status.detail);
  }

  const Program& program_;
  Bytes file_;
  Want want_;
  WorkerMemory& memory_;
  ProgramResult result_;
  std::vector<StageSpan>* spans_;  // null: nobody wants to know
  const Codec* codec_ = nullptr;
  const Codec* output_ = nullptr;
  ImageHeader header_;
  int orientation_left_ = 1;
  DecodeRequest request_;
  std::size_t first_step_ = 0;
  std::size_t slot_ = kernels::slots::kFrameA;
  cv::Mat frame_;
  cv::Mat other_;
  std::optional<LevelTable> table_;  // pending: what the steps so far do to the levels of frame_
  bool borrowed_ = false;            // frame_ is the caller's, and only read
  cv::Mat* out_ = nullptr;           // where the result belongs, if the caller says so
  const Step* last_change_ = nullptr;
  bool two_level_ = false;  // frame_ itself holds 0 and the largest level only
  bool counted_ = false;    // memory_.histogram is of frame_
  bool sideways_ = false;   // what was across in the file is upright in frame_
};

ProgramResult Program::run(Bytes file, Want want, WorkerMemory& memory) const {
  return Run(*this, file, want, memory).over_file();
}

ProgramResult Program::run_frame(const cv::Mat& image, cv::Mat& out, WorkerMemory& memory) const {
  return Run(*this, {}, {.encoded = false, .partial = false, .frame = true}, memory).over_frame(image, out);
}

}  // namespace pixmill::pipeline

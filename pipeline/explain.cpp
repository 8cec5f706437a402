#include "ipc/sandbox.hpp"
#include "kernels/histogram.hpp"
#include "kernels/orient.hpp"
#include "pipeline/batch_setup.hpp"
#include "pipeline/files/whole_file.hpp"
#include "pipeline/program.hpp"

#include <pixmill/batch.hpp>

#include <fmt/format.h>

#include <opencv2/core.hpp>

#include <span>
#include <string>
#include <vector>

namespace pixmill {
namespace {

using pipeline::BatchSetup;
using pipeline::Program;

std::vector<std::string> decode_lines(const Program& program) {
  std::vector<std::string> lines;
  if (program.decodes_luma()) {
    lines.emplace_back("JPEG: the stored luma alone is decoded; colours are never computed");
    lines.emplace_back("other formats: colours are decoded, then weighted as bt601");
  } else {
    lines.emplace_back("every channel of the file is decoded");
  }
  if (program.options().apply_orientation) lines.emplace_back("EXIF orientation is applied right after decoding");
  if (!program.keeps_alpha() || !program.options().write) lines.emplace_back("alpha is dropped, not composited");
  return lines;
}

/// Writes down the passes over the pixels, in the order in which Program::run() makes them.
class Passes {
 public:
  explicit Passes(const Program& program) : program_(program) {}

  std::vector<std::string> operator()() {
    const std::size_t first = program_.decodes_luma() ? 1 : 0;
    for (std::size_t i = first; i < program_.steps().size(); ++i) take(program_.steps()[i]);
    if (program_.options().reduce) {
      lines_.push_back(counted_ ? "reductions: from the histogram that was counted already"
                                : "reductions: a histogram is counted" + where());
    }
    if (const auto& own = program_.options().own; program_.options().reduce && own != nullptr) take_own(*own);
    if (!table_.empty()) {
      lines_.push_back(
          fmt::format("one table of levels ({}), applied while the output is packed", fmt::join(table_, ", ")));
    }
    if (lines_.empty()) lines_.emplace_back("none: decoded pixels are encoded as they are");
    return std::move(lines_);
  }

 private:
  [[nodiscard]] std::string where() const {
    return own_pass_ ? " in a pass of its own" : ", band by band, while decoded rows are in cache";
  }

  static std::string also_called(std::span<const int> numbers) {
    std::string calls;
    for (const int number : numbers) {
      calls += (calls.empty() ? "; workers may also call " : ", ") + ipc::call_name(number);
    }
    return calls;
  }

  static std::string own_note(const Program::Step& step) {
    return fmt::format(" (own kernel, version {}{})", step.source->identity,
                       also_called(step.source->kernel->own->system_calls()));
  }

  void settle() {
    if (table_.empty()) return;
    lines_.push_back(fmt::format("one table of levels ({}), in place", fmt::join(table_, ", ")));
    table_.clear();
  }

  void take_own(const pipeline::OwnReductions& own) {
    settle();
    for (const pipeline::UserReduction* reduction : own.all()) {
      lines_.push_back(fmt::format("{} (own reduction, version {}{}): a look at the finished frame", reduction->name(),
                                   reduction->definition().version, also_called(reduction->definition().system_calls)));
    }
  }

  void take(const Program::Step& step) {
    const std::string text = pipeline::step_text(*step.source);
    std::string inserted = step.source->inserted ? " (put there: the next kernel needs one channel)" : "";
    if (step.source->kernel->own != nullptr) inserted = own_note(step);
    if (step.eight_bits) {
      lines_.push_back(fmt::format("16-bit images only: reduced to 8 bits as (v + 128) / 257, for {}", text));
    }
    if (step.level != nullptr) {
      if (step.level->needs_batch()) {
        lines_.push_back(fmt::format(
            "{} needs the whole batch: a first pass over all images, up to here, counts their levels", text));
      } else if (step.level->needs_histogram() && !counted_) {
        lines_.push_back(fmt::format("a histogram is counted for {}{}", text, where()));
        counted_ = true;
      }
      table_.push_back(text + inserted);
      return;
    }
    settle();
    lines_.push_back(fmt::format("{}{}: a pass over the frame", text, inserted));
    counted_ = false;
    own_pass_ = true;
  }

  const Program& program_;
  std::vector<std::string> lines_;
  std::vector<std::string> table_;
  bool counted_ = false;
  bool own_pass_ = false;
};

// Tries the steps on levels alone: whether an 8-bit image ends with black and white only is decided by the chain.
bool ends_two_level(const Program& program) {
  kernels::LevelTable table(kernels::Depth::eight);
  kernels::Histogram histogram;
  cv::Mat ramp(16, 16, CV_8UC1);
  for (int i = 0; i < 256; ++i) ramp.at<std::uint8_t>(i / 16, i % 16) = static_cast<std::uint8_t>(i);
  histogram.reset(kernels::Depth::eight, 1);
  histogram.add(ramp);
  bool two_level = false;
  try {
    for (const Program::Step& step : program.steps()) {
      if (step.level != nullptr) {
        step.level->compose(&histogram, table);
        continue;
      }
      two_level = step.frame->output_is_two_level(two_level || table.is_two_level());
      table = kernels::LevelTable(kernels::Depth::eight);
    }
  } catch (const kernels::KernelFailure&) {
    return false;
  }
  return table.is_two_level() || (two_level && table.is_identity());
}

std::vector<std::string> encode_lines(const BatchOptions& options, const Program& program) {
  if (!program.options().write) return {"nothing is written but the reductions"};
  const OutputOptions& output = *options.output;
  std::string line = output.format == "same" ? "the format of the input" : output.format;
  const pipeline::Codec* codec = program.options().format;
  if ((codec == nullptr || codec->holds_one_bit) && ends_two_level(program)) {
    line += codec == nullptr ? ", 1 bit a pixel where the format has that" : ", 1 bit a pixel";
  }
  if (pipeline::heeds_compression(output.format)) line += fmt::format(", compression {}", output.compression);
  if (pipeline::heeds_quality(output.format)) {
    line += fmt::format(", quality {}{}", output.quality, codec == nullptr ? " (jpg, webp)" : "");
  }
  if (codec == nullptr || !codec->holds_sixteen_bits) line += ", 8 bits of 16-bit images";
  if (codec == nullptr) line += " where it holds no more";
  std::vector<std::string> lines{std::move(line)};
  if (output.keep_metadata) {
    lines.emplace_back("ICC profile, EXIF and resolution are kept as far as the format holds them and they fit");
  } else {
    lines.emplace_back("ICC profile, EXIF and resolution are dropped (--keep-metadata keeps them)");
  }
  return lines;
}

Explanation::Image explain_image(const std::string& path, const Program& program, pipeline::WorkerMemory& memory) {
  Explanation::Image image;
  image.input = path;
  pipeline::FileBuffer file;
  pipeline::CodecStatus status = pipeline::read_whole_file(path, program.options().limits.max_memory, file);
  if (status.usable()) {
    const Program::Reckoning reckoning = program.reckon(file.bytes(), memory);
    status = reckoning.status;
    image.memory_bytes = reckoning.memory_bytes;
    if (reckoning.codec != nullptr && reckoning.header.shape.width > 0) {
      const auto shape = kernels::oriented_shape(reckoning.header.shape, reckoning.header.orientation);
      image.format = fmt::format("{} {}x{}, {} channel{}, {} bits", reckoning.codec->title, shape.width, shape.height,
                                 shape.channels, shape.channels == 1 ? "" : "s",
                                 reckoning.header.two_level ? 1 : static_cast<int>(shape.depth));
    }
  }
  image.verdict = status.verdict;
  image.detail = status.detail;
  return image;
}

}  // namespace

Explanation explain(const BatchOptions& wanted) {
  BatchOptions options = wanted;
  const bool nowhere = options.output && options.output->directory.empty();
  if (nowhere) options.output->directory = ".";  // what is written can be explained without saying where
  BatchSetup setup = pipeline::check_options(options);
  if (nowhere) setup.naming.directory.clear();
  const Program program(options.plan, setup.program);
  Explanation explanation;
  explanation.chain = options.plan.text();
  explanation.decode = decode_lines(program);
  explanation.passes = Passes(program)();
  explanation.encode = encode_lines(options, program);
  if (options.inputs.paths.empty() && !options.inputs.files_from) return explanation;
  const pipeline::InputList inputs = pipeline::list_inputs(options.inputs, setup.naming.directory);
  pipeline::WorkerMemory memory;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    explanation.images.push_back(explain_image(std::string(inputs.path(i)), program, memory));
  }
  return explanation;
}

}  // namespace pixmill

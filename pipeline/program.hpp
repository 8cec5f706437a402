#pragma once

#include "kernels/accumulator.hpp"
#include "kernels/kernel.hpp"
#include "pipeline/codecs/codec.hpp"
#include "pipeline/own/own_reduction.hpp"
#include "pipeline/plan/chain.hpp"
#include "pipeline/stage_span.hpp"

#include <pixmill/batch.hpp>
#include <pixmill/verdict.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pixmill::pipeline {

/// What one worker uses again for every image: frames, codecs, tables, the encoded output. Not thread-safe.
class WorkerMemory {
 public:
  [[nodiscard]] kernels::Workspace& workspace() { return workspace_; }
  [[nodiscard]] Decoder& decoder(const Codec& codec);
  [[nodiscard]] Encoder& encoder(const Codec& codec);
  /// Of the image as it stands, and of the image seen through the pending table.
  kernels::Histogram histogram;
  kernels::Histogram mapped;
  /// Of the image in hand, where it is kept.
  Metadata metadata;
  /// The encoded image of the last Program::run(); valid until the next.
  std::vector<std::byte> encoded;
  /// Gives back what an unusually large image left behind.
  void trim(std::size_t keep_bytes);

 private:
  kernels::Workspace workspace_;
  std::vector<std::pair<const Codec*, std::unique_ptr<Decoder>>> decoders_;
  std::vector<std::pair<const Codec*, std::unique_ptr<Encoder>>> encoders_;
};

/// What became of the pixels of one image. The encoded bytes stay in the worker's memory.
struct ProgramResult {
  Verdict verdict = Verdict::ok;
  std::string detail;
  std::int64_t width = 0;  ///< Of the input, orientation applied; 0 if the header was not understood.
  std::int64_t height = 0;
  double ms = 0;
  int attempts = 1;
  std::optional<kernels::Partial> partial;
  /// The finished image where it was wanted, in the worker's memory; valid until the next run or trim.
  cv::Mat frame;
  /// Where the time went, in order, with Options::time_stages; each stage at most once.
  std::vector<StageSpan> spans;
};

/// Why an image in memory is none that kernels know (<pixmill/image.hpp> says which are); empty: it is one.
[[nodiscard]] std::string why_no_frame(const cv::Mat& image);

/// A plan compiled: the one function that every backend calls. It decodes, runs the kernels, reduces and encodes.
///
/// Immutable after construction; any number of threads may run it, each with its own memory. The result depends on the
/// file's bytes alone, not on what ran before.
class Program {
 public:
  struct Options {
    LimitOptions limits = {};
    bool lenient = false;
    bool apply_orientation = true;
    bool write = false;             ///< Whether an image is encoded.
    bool keep_metadata = false;     ///< Whether metadata is written with it.
    const Codec* format = nullptr;  ///< The output's; null with `write`: the same as the input's.
    EncodeOptions encode = {};
    bool reduce = false;
    bool reduce_histogram = false;  ///< The counts themselves are wanted, not only what follows from them.
    bool time_stages = false;       ///< Each result says where its time went.
    std::shared_ptr<const OwnReductions> own = nullptr;  ///< Reductions of the user's; null: none.
    /// Of each kernel that needs the batch, in the order of the chain, what it decided. Fewer than there are: the
    /// program ends before the first that is not decided, and gives what that one needs to know of each image.
    std::vector<std::shared_ptr<const kernels::LevelOperation>> decided = {};
    /// Otherwise kernels that are not decided do to each image what they would do to a batch of it alone.
    bool until_undecided = false;
  };

  /// The chain is kept alive by the plan, which is copied. Throws Error (usage).
  Program(const Plan& plan, const Options& options);
  virtual ~Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// What is wanted of one image.
  struct Want {
    bool encoded = true;
    bool partial = true;
    bool frame = false;
    [[nodiscard]] bool anything() const { return encoded || partial || frame; }
  };
  /// Never throws; every failure is a verdict.
  [[nodiscard]] virtual ProgramResult run(Bytes file, Want want, WorkerMemory& memory) const;
  /// The same over a frame, into `out`, which is used again where it fits and empty after a failure. `image` may be
  /// anything, is only read, and must not lie in the memory of `out`. The limits do not count: the pixels are there.
  [[nodiscard]] ProgramResult run_frame(const cv::Mat& image, cv::Mat& out, WorkerMemory& memory) const;

  /// What the header alone decides: the verdict, what is read, and what a worker needs. A kernel that
  /// cannot be applied to such a shape is a verdict, too.
  struct Reckoning {
    CodecStatus status;
    const Codec* codec = nullptr;   ///< Null: not recognised.
    const Codec* output = nullptr;  ///< What it would be written as.
    ImageHeader header;             ///< Its orientation is 1 where orientation is not applied.
    kernels::FrameShape result;     ///< What the chain makes of it.
    int orientation_left = 1;       ///< What it was then.
    std::uint64_t memory_bytes = 0;
  };
  [[nodiscard]] Reckoning reckon(Bytes file, WorkerMemory& memory) const;

  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] const Options& options() const { return options_; }
  /// The steps as they run, for `explain`.
  [[nodiscard]] bool decodes_luma() const { return luma_first_; }
  [[nodiscard]] bool keeps_alpha() const { return chain_keeps_alpha_; }

  /// One kernel of the chain, bound.
  struct Step {
    const ChainStep* source = nullptr;
    std::shared_ptr<const kernels::LevelOperation> level;  ///< Null where it is the next.
    std::shared_ptr<const kernels::FrameOperation> frame;
    bool eight_bits = false;  ///< A 16-bit image is brought to 8 bits before it.
  };
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
  /// Of the stages that results speak of, each has a smaller number; 0: they speak of none.
  [[nodiscard]] std::uint32_t timed_stages() const { return options_.time_stages ? stage_count(steps_.size()) : 0; }
  /// What the chain makes of such a frame. Throws kernels::KernelFailure where a kernel cannot be applied to it.
  [[nodiscard]] kernels::FrameShape result_of(kernels::FrameShape shape) const;
  /// What run_frame() makes of such an image, if it does not fail. Throws likewise.
  [[nodiscard]] kernels::FrameShape result_of_frame(const cv::Mat& image) const;
  /// The first kernel that needs the batch and is not decided yet, or null.
  [[nodiscard]] const kernels::LevelOperation* undecided() const { return undecided_.get(); }
  /// Numbers of the system calls that own kernels and reductions need beside those of every worker.
  [[nodiscard]] std::vector<int> system_calls() const;
  /// A kernel or a reduction of the library's user.
  struct OwnPart {
    std::string_view what;  ///< "kernel" or "reduction".
    std::string_view name;
    std::string identity;     ///< What decides its results beside its arguments.
    std::string_view plugin;  ///< Its path; empty: it is from none, so that another program cannot have it.
  };
  /// Those of the whole plan, also behind what is undecided. The views last as long as the process.
  [[nodiscard]] std::vector<OwnPart> own_parts() const;
  /// What the kernels that needed the batch decided, a line each.
  [[nodiscard]] std::vector<std::string> decisions() const;

 private:
  class Run;

  [[nodiscard]] DecodeRequest request_for(const ImageHeader& header, const Codec* output) const;
  void add_step(const ChainStep& source, std::size_t& decided);
  [[nodiscard]] std::uint64_t memory_needed(std::uint64_t file_bytes, const ImageHeader& header,
                                            const DecodeRequest& request, const Encoder* encoder,
                                            kernels::FrameShape& result) const;

  Plan plan_;
  Options options_;
  std::vector<Step> steps_;
  std::shared_ptr<const kernels::LevelOperation> undecided_;
  bool luma_first_ = false;         // the first step is gray=luma
  bool chain_keeps_alpha_ = false;  // every step does
};

}  // namespace pixmill::pipeline

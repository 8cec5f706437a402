#pragma once

#include <pixmill/export.hpp>
#include <pixmill/plan.hpp>
#include <pixmill/start_method.hpp>
#include <pixmill/verdict.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill {

/// Which images, and in which order.
struct InputOptions {
  std::vector<std::string> paths;         ///< Files, folders, globs; "-" is one image on standard input.
  std::optional<std::string> files_from;  ///< A list of paths, one a line, in this order; "-": standard input.
  bool nul_separated = false;             ///< The list has NUL between paths.
  bool recursive = false;                 ///< Folders are descended into.
  bool hidden = false;                    ///< Files and folders whose name begins with a dot count as well.
  std::optional<std::string> root;        ///< Outputs keep the path below this folder.
};

/// Where images go, and as what.
struct OutputOptions {
  std::string directory;       ///< Made if it is missing.
  std::string format = "png";  ///< A name of output_formats(), or "same".
  int quality = 95;            ///< 1–100 (jpg, webp).
  int compression = 1;         ///< 0–9 (png).
  /// Outputs keep the ICC profile, EXIF and resolution of their inputs as far as the format holds them, true of the
  /// image that is written: upright, its own size, no thumbnail. What is left out is in the image's `detail`.
  bool keep_metadata = false;
  bool keep_ext = false;   ///< a.jpg becomes a.jpg.png instead of a.png.
  bool overwrite = false;  ///< Outputs and a manifest that exist are replaced.
  bool resume = false;     ///< Only what no earlier run of this plan has finished is done.
  bool fsync = false;      ///< Each output survives a loss of power once its row is in the manifest.
};

/// What an image may cost. All are read off its header before memory is taken.
struct LimitOptions {
  std::uint64_t max_memory = std::uint64_t{1} << 30;  ///< Bytes a worker.
  std::uint64_t max_pixels = 268435456;               ///< Width times height.
  std::uint64_t max_side = 65535;                     ///< Pixels along either side.
};

/// How processes that work on images are made and watched. For backends that are isolated; asking others for `timeout`,
/// `retries` or `sandbox` is wrong usage.
struct SupervisionOptions {
  /// How long an image may take before its process is killed; zero: for ever. Default: 60 s.
  std::optional<std::chrono::milliseconds> timeout;
  /// How often an image is tried again after its process died over it or was killed over its time. Default: 1.
  std::optional<int> retries;
  /// Whether processes are locked in before they see an image. Default: yes, in every build that can (a sanitizer
  /// cannot); where the machine cannot, the batch fails (machine).
  std::optional<bool> sandbox;
  /// Of what they are made. Not forked by default, as a library cannot know which locks the threads around it hold. A
  /// program that has no other threads yet, or that registers kernels of its own, takes StartMethod::fork.
  StartMethod start = StartMethod::program;
  /// The program pixmill-worker, for StartMethod::program. Empty: that of the environment variable PIXMILL_WORKER, else
  /// the one that was installed with this library.
  std::string worker_program;
};

/// What became of one image; a row of the manifest.
struct ImageOutcome {
  std::uint64_t index = 0;               ///< In the list of inputs, from 0.
  std::string input;                     ///< As given or found.
  std::string output;                    ///< Empty when no image is written.
  Verdict verdict = Verdict::cancelled;  ///< What became of it.
  std::string detail;                    ///< Why, or what there is to know; may be empty.
  double ms = 0;                         ///< Decode to encode, without waiting.
  int attempts = 0;                      ///< 0: never begun.
  std::int64_t width = 0;                ///< Of the input, orientation applied; 0 if its header was never read.
  std::int64_t height = 0;               ///< Likewise.
  std::uint64_t bytes_in = 0;            ///< Of the file.
  std::uint64_t bytes_out = 0;           ///< Of the output; 0 without.
  std::uint64_t input_xxh64 = 0;         ///< XXH64 of the file.
  std::uint64_t output_xxh64 = 0;        ///< XXH64 of the output; 0 without.
};

/// One place where a batch can run.
struct BackendDescriptor {
  std::string_view name;     ///< As BatchOptions::backend takes it.
  std::string_view summary;  ///< One line.
  bool parallel = true;      ///< Whether `jobs` means anything.
  bool isolated = false;     ///< Whether images are supervised in processes of their own: see SupervisionOptions.
};
/// Every backend of this build. Static storage.
[[nodiscard]] PIXMILL_API const std::vector<BackendDescriptor>& backends();
/// The backend used when none is named.
[[nodiscard]] PIXMILL_API std::string_view default_backend();
/// The names that OutputOptions::format takes.
[[nodiscard]] PIXMILL_API const std::vector<std::string_view>& output_formats();

/// What run_batch() is to do. A value; what has a default may be left alone.
struct BatchOptions {
  InputOptions inputs;                  ///< Which images.
  Plan plan;                            ///< What is done with each.
  std::optional<OutputOptions> output;  ///< None: reductions only.
  /// Names of reduction_descriptors(), or NAME=FILE for one that makes an image; empty: none. The image's format is
  /// that of the ending of FILE; it appears whole or not at all.
  std::vector<std::string> reductions;
  bool per_image = false;  ///< Keeps a row of reductions an image.
  std::optional<std::string>
      reduce_out;                       ///< The report is written there (CSV by that ending, else JSON), whole or not.
  std::optional<std::string> manifest;  ///< Default: pixmill.jsonl in the output folder; none without one.
  /// A trace in Chrome's format is written there as the batch goes, which Perfetto reads; what is there is replaced.
  /// Costs about ten microseconds an image.
  std::optional<std::string> trace;
  bool time_stages = false;  ///< BatchReport::rows says where the time went.
  /// Without output folder: a manifest, and images of reductions, that exist are replaced.
  bool overwrite_manifest = false;
  LimitOptions limits;            ///< What each may cost.
  bool lenient = false;           ///< Keeps what can be decoded of a damaged image, as `repaired`.
  bool apply_orientation = true;  ///< Turns images upright as EXIF says.
  bool stop_on_error = false;     ///< The first failure ends the batch.
  std::string backend = std::string(default_backend());  ///< A name of backends().
  int jobs = 0;                                          ///< 0: usable_cpus().
  SupervisionOptions supervision;                        ///< Of processes; see there.

  /// Ends the batch early when asked: no new image is begun, those running are finished, the rest is `cancelled`.
  std::stop_token stop;
  /// Called before each pass over the images but the last, where a kernel needs to know the whole batch first: with
  /// the number of this pass, from 1, and how many images it goes over. From the calling thread.
  std::function<void(std::uint64_t pass, std::uint64_t images)> on_pass;
  /// Called when such a pass is done with an image; one call at a time, from any thread.
  std::function<void(std::uint64_t bytes, Verdict verdict)> on_surveyed;
  /// Called once, from the calling thread, when it is known what is to be done, before any image is begun.
  std::function<void(std::uint64_t images, std::uint64_t bytes)> on_listed;
  /// Called after each image (and its row) is done, in order of completion, one call at a time, from any thread.
  std::function<void(const ImageOutcome&)> on_outcome;
};

class ReductionReport;

/// Where the time of a worker went, or of a thread that reads or writes for workers. The sum is that of the batch.
struct RowTimes {
  std::string name;             ///< "worker 1", "reader 2".
  std::vector<double> seconds;  ///< A number for each of BatchReport::stages.
  double waiting = 0;           ///< Between its first image and its last, for the next one.
  double idle = 0;              ///< Before its first image and after its last.
};

/// What became of a batch. A value.
struct PIXMILL_API BatchReport {
  std::uint64_t images = 0;                           ///< That were listed.
  std::array<std::uint64_t, kVerdictCount> counts{};  ///< By verdict.
  double seconds = 0;                                 ///< From the listing to the end.
  std::string backend;                                ///< Where it ran.
  int jobs = 0;                                       ///< Workers.
  std::string plan;                                   ///< What was done with each image, in words.
  std::uint64_t passed_over = 0;                      ///< Files met in folders that are no images.
  bool interrupted = false;                           ///< The stop token ended it.
  /// Why the machine ended it early, or kept the manifest or the report from being written; empty: it did not.
  std::string trouble;
  bool no_room = false;  ///< The trouble is a full disk or quota.
  /// Why the reductions that make images made none although images entered (their sizes differ), or own reductions have
  /// no result; empty: all is well.
  std::string reduction_trouble;
  /// What kernels decided from the whole batch, a line each: "threshold=otsu: 117 of 255".
  std::vector<std::string> decisions;
  /// Null unless reductions were asked for.
  std::shared_ptr<const ReductionReport> reductions;
  std::string trace_trouble;  ///< Why the trace ends before the batch; empty: it does not.
  /// With `time_stages`: "read", "decode", "reduce", "encode", "write", "lost" (attempts of which nothing
  /// came), then the kernels of the chain. A kernel that is done while an image is decoded or encoded has no time of
  /// its own.
  std::vector<std::string> stages;
  std::vector<RowTimes> rows;  ///< With `time_stages`: one for each that worked on an image.

  /// How many images ended with that verdict.
  [[nodiscard]] std::uint64_t count(Verdict verdict) const { return counts[static_cast<std::size_t>(verdict)]; }
  /// Whether every image is ok, repaired or skipped.
  [[nodiscard]] bool all_well() const;
};

/// The outcome of the reductions of a batch. Immutable.
class PIXMILL_API ReductionReport {
 public:
  virtual ~ReductionReport() = default;

  [[nodiscard]] virtual std::uint64_t images() const = 0;  ///< That entered.
  [[nodiscard]] virtual std::uint64_t pixels() const = 0;  ///< Of all of them.
  /// Bits of the levels that values are of: 16 as soon as one image had them. 0 if no image entered.
  [[nodiscard]] virtual int depth() const = 0;
  /// "gray", or "R", "G", "B"; empty if no image entered.
  [[nodiscard]] virtual std::vector<std::string> channels() const = 0;
  /// What `reduction` found, a number a channel ("histogram": a number a level, channel after channel), or what an own
  /// one reports; empty if no image entered, or it has no result. Whole numbers beyond 2^53 are rounded; json() has
  /// every digit. Throws Error (usage) for one that was not asked for, or makes an image.
  [[nodiscard]] virtual std::vector<double> values(std::string_view reduction) const = 0;

  /// The JSON object of the contract, with a newline at the end. The same bytes for the same images and chain, whatever
  /// the backend, the number of jobs and the order.
  [[nodiscard]] virtual std::string json() const = 0;
  /// The same as a table, a row a channel, with a line of names at the top. As deterministic.
  [[nodiscard]] virtual std::string csv() const = 0;
};

/// Runs a batch to its end and returns what became of it. Blocks. Threads of its own, joined before it returns.
///
/// Throws Error before any work has begun: (usage) for inputs that do not exist, names that collide, outputs that are
/// in the way, a manifest that another process holds, an own kernel or reduction that the workers cannot have;
/// (machine) for folders that cannot be made, a disk already full, a pixmill-worker that is not there. Once work has
/// begun nothing that befalls a single image is an exception.
[[nodiscard]] PIXMILL_API BatchReport run_batch(const BatchOptions& options);

/// Removes the temporary files of every batch that this process is running, for a program that is about to leave
/// without letting run_batch() return. Any thread; not from a signal handler.
PIXMILL_API void remove_temporary_files() noexcept;

/// Makes the worker processes of every batch of this process stand still, and the batches with them, until
/// resume_workers(): for a program that is about to be stopped (Ctrl-Z), of which workers hear nothing. Their clocks
/// stand still as well. Returns when they do, after half a second at the latest. Any thread but one that runs a batch;
/// not from a signal handler.
PIXMILL_API void pause_workers();
/// Lets go on what pause_workers() made stand still. Likewise.
PIXMILL_API void resume_workers();

/// What run_batch() would do with each input, in order, without doing it.
struct PlannedImage {
  std::string input;      ///< As given or found.
  std::string output;     ///< Empty without output folder.
  bool finished = false;  ///< With resume: by the manifest it is done, so it is only checked.
};
/// All checks of run_batch() that need no writing. Throws as it does; writes nothing. Reads no image, unless a run that
/// is resumed has a kernel that needs the whole batch.
[[nodiscard]] PIXMILL_API std::vector<PlannedImage> preview_batch(const BatchOptions& options);

/// What a plan does, step by step, in words.
struct Explanation {
  std::string chain;                ///< Plan::text().
  std::vector<std::string> decode;  ///< What is pushed down into the decoders, a line each.
  std::vector<std::string> passes;  ///< Each pass over the pixels, fused steps together.
  std::vector<std::string> encode;  ///< How the result is stored.
  /// What the header of one input says.
  struct Image {
    std::string input;               ///< As given or found.
    std::string format;              ///< "JPEG 500x375, 3 channels, 8 bits"
    std::uint64_t memory_bytes = 0;  ///< What a worker is reckoned to need; compared with max_memory.
    Verdict verdict = Verdict::ok;   ///< What the header alone already decides.
    std::string detail;              ///< Why; may be empty.
  };
  std::vector<Image> images;  ///< A row an input, in order.
};
/// Explains `options` (its inputs may be empty). Reads headers only; writes nothing. Throws Error (usage).
[[nodiscard]] PIXMILL_API Explanation explain(const BatchOptions& options);

}  // namespace pixmill

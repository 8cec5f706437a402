#include "bench/memory_mode.hpp"

#include "bench/breakdown.hpp"
#include "bench/frame_source.hpp"
#include "ipc/sandbox.hpp"
#include "pipeline/backends/backend.hpp"
#include "pipeline/files/whole_file.hpp"
#include "pipeline/inputs/input_list.hpp"
#include "pipeline/journal/prior_run.hpp"
#include "pipeline/program.hpp"
#include "pipeline/stage_totals.hpp"

#include <pixmill/error.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace pixmill::bench {
namespace {

using pipeline::Bytes;
using pipeline::InputList;
using pipeline::Program;
using pipeline::WorkerMemory;

[[noreturn]] void throw_errno(const char* call) {
  throw Error(ErrorCode::machine,
              std::string("memory for decoded images: ") + call + ": " + std::generic_category().message(errno));
}

/// Before each image in that memory, at a multiple of 64.
struct ImageRecord {
  std::uint64_t bytes = 0;
  std::uint64_t pixels = 0;
  std::uint64_t unused[6] = {};
};
static_assert(sizeof(ImageRecord) == 64);

std::uint64_t record_length(std::uint64_t bytes) { return sizeof(ImageRecord) + (bytes + 63) / 64 * 64; }

/// Decoding and nothing else, into PNM.
Program::Options decoding(const BatchOptions& batch) {
  Program::Options options;
  options.limits = batch.limits;
  options.lenient = batch.lenient;
  options.apply_orientation = batch.apply_orientation;
  options.write = true;
  options.format = pipeline::find_codec("pgm");
  return options;
}

/// Fills `memory`; `bytes` of the figures is how much of it.
RunFigures decode_into(const BatchOptions& batch, const InputList& inputs, std::span<std::byte> memory) {
  const Program program(Plan(), decoding(batch));
  WorkerMemory worker;
  pipeline::FileBuffer file;
  RunFigures figures;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!pipeline::read_whole_file(inputs.path(i), batch.limits.max_memory, file).usable()) {
      ++figures.failed;
      continue;
    }
    const auto result = program.run(file.bytes(), {}, worker);
    if (!is_well(result.verdict)) {
      ++figures.failed;
      continue;
    }
    const std::uint64_t length = record_length(worker.encoded.size());
    if (figures.bytes + length > memory.size()) break;
    ImageRecord record;
    record.bytes = worker.encoded.size();
    record.pixels = static_cast<std::uint64_t>(result.width * result.height);
    std::byte* at = memory.data() + figures.bytes;
    std::memcpy(at, &record, sizeof record);
    std::memcpy(at + sizeof record, worker.encoded.data(), worker.encoded.size());
    ++figures.images;
    figures.pixels += record.pixels;
    figures.bytes += length;
  }
  figures.left_out = inputs.size() - figures.images - figures.failed;
  return figures;
}

/// Takes results, and keeps their hashes.
class FrameHashes final : public pipeline::Outcomes {
 public:
  explicit FrameHashes(std::size_t count) : hashes_(count) {}

  // Each index once, so no two threads write to one place.
  void deliver(const pipeline::Task& task, pipeline::ProgramResult result, Bytes /*encoded*/) override {
    Result& place = hashes_[task.index];
    place.verdict = static_cast<std::uint64_t>(result.verdict) + 1;
    const cv::Mat& frame = result.frame;
    if (frame.empty()) return;
    place.shape = static_cast<std::uint64_t>(frame.cols) << 32U | static_cast<std::uint64_t>(frame.type());
    for (int y = 0, rows = frame.isContinuous() ? 1 : frame.rows; y < rows; ++y) {
      const std::size_t bytes = frame.isContinuous() ? frame.total() * frame.elemSize()
                                                     : static_cast<std::size_t>(frame.cols) * frame.elemSize();
      place.pixels =
          place.pixels * 31 + pipeline::content_hash({reinterpret_cast<const std::byte*>(frame.ptr(y)), bytes});
    }
  }

  // The hash is that of one pass over `images`, however many there were; if they differ, none that is right.
  void finish(std::size_t images, RunFigures& figures) const {
    std::uint64_t different = 0;
    for (std::size_t i = 0; i < hashes_.size(); ++i) {
      if (hashes_[i].verdict != static_cast<std::uint64_t>(Verdict::ok) + 1) ++figures.failed;
      if (hashes_[i] != hashes_[i % images]) ++different;
    }
    figures.output_hash = pipeline::content_hash(std::as_bytes(std::span(hashes_).first(images))) + different;
  }

 private:
  struct Result {
    std::uint64_t verdict = 0;
    std::uint64_t shape = 0;
    std::uint64_t pixels = 0;
    friend bool operator==(const Result&, const Result&) = default;
  };
  std::vector<Result> hashes_;
};

std::vector<Bytes> images_in(const std::byte* memory, std::uint64_t count) {
  std::vector<Bytes> images;
  for (std::uint64_t i = 0; i < count; ++i) {
    ImageRecord record;
    std::memcpy(&record, memory, sizeof record);
    images.emplace_back(memory + sizeof record, record.bytes);
    memory += record_length(record.bytes);
  }
  return images;
}

}  // namespace

Mapping::Mapping(int fd, std::size_t bytes, int protection, int flags) : bytes_(bytes) {
  void* at = ::mmap(nullptr, bytes, protection, MAP_SHARED | flags, fd, 0);
  if (at == MAP_FAILED) throw_errno("mmap");
  at_ = static_cast<std::byte*>(at);
  if (::madvise(at, bytes, MADV_DONTFORK) != 0) throw_errno("madvise");
}

Mapping::~Mapping() { ::munmap(at_, bytes_); }

MappedImages::MappedImages(const DecodedImages& images)
    : mapping_(images.fd(), images.workload().bytes, PROT_READ, MAP_POPULATE),
      images_(images_in(mapping_.data(), images.workload().images)) {}

std::optional<DecodedImages> DecodedImages::decode(const BatchOptions& batch, std::uint64_t most_bytes,
                                                   const std::stop_token& stop) {
  DecodedImages images;
  images.memory_.reset(::memfd_create("pixmill-bench", MFD_CLOEXEC));
  if (!images.memory_ || ::ftruncate(images.memory_.get(), static_cast<off_t>(most_bytes)) != 0)
    throw_errno("memfd_create, ftruncate");
  const auto run = run_in_child(
      [&] {
        const InputList inputs = pipeline::list_inputs(batch.inputs, "");
        const Mapping mapping(images.fd(), most_bytes, PROT_READ | PROT_WRITE, 0);
        return decode_into(batch, inputs, {mapping.data(), most_bytes});
      },
      false, stop);
  if (!run) return std::nullopt;
  const RunFigures& figures = run->figures;
  if (figures.images == 0) {
    throw Error(ErrorCode::usage, "no image could be decoded for --mode memory; name others, or use --mode files");
  }
  Workload& work = images.workload_;
  work.mode = Mode::memory;
  work.images = figures.images;
  work.failed = figures.failed;
  work.pixels = figures.pixels;
  work.bytes = figures.bytes;
  work.left_out = figures.left_out;
  if (::ftruncate(images.memory_.get(), static_cast<off_t>(figures.bytes)) != 0) throw_errno("ftruncate");
  return images;
}

RunFigures run_in_memory(const BatchOptions& batch, const Point& point, const DecodedImages& images,
                         std::uint64_t passes, Breakdown* breakdown) {
  const MappedImages mapped(images);
  const std::vector<Bytes>& frames = mapped.images();
  const InputList inputs = list_of(frames, passes);
  Program::Options options;
  options.limits = batch.limits;
  options.time_stages = breakdown != nullptr;
  const Program program(batch.plan, options);
  const pipeline::PriorRun no_prior;
  FrameSource source(inputs, no_prior, frames);
  FrameHashes hashes(inputs.size());
  const pipeline::Backend* backend = pipeline::find_backend(point.backend);
  if (backend == nullptr) throw Error(ErrorCode::usage, "no backend " + point.backend);
  pipeline::Job job{source, program, hashes, point.jobs};
  job.supervision.sandbox = ipc::kSandboxInThisBuild;
  RunFigures figures;
  std::vector<std::string> stages = pipeline::stage_names(pipeline::chain_of(batch.plan));
  std::optional<pipeline::StageTotals> totals;
  measure(figures, [&] {
    // Its clock is not to begin before that of the run.
    if (breakdown != nullptr) job.probe = &totals.emplace(static_cast<std::uint32_t>(stages.size()));
    backend->run(job);
    if (breakdown != nullptr) breakdown->rows = totals->rows();
  });
  if (breakdown != nullptr) {
    breakdown->stages = names_in_memory(std::move(stages));
    breakdown->seconds = figures.seconds;
  }
  figures.images = inputs.size();
  hashes.finish(frames.size(), figures);
  return figures;
}

}  // namespace pixmill::bench

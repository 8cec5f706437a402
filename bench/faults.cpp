#include "bench/faults.hpp"

#include "bench/child_run.hpp"
#include "bench/frame_source.hpp"
#include "bench/report_words.hpp"
#include "ipc/sandbox.hpp"
#include "pipeline/backends/backend.hpp"
#include "pipeline/journal/prior_run.hpp"
#include "pipeline/program.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <new>
#include <span>
#include <vector>

namespace pixmill::bench {
namespace {

using pipeline::Bytes;
using pipeline::Program;
using pipeline::ProgramResult;
using pipeline::WorkerMemory;

constexpr std::size_t kGood = 20;
constexpr std::size_t kBad = kGood / 2;  // its place
constexpr std::chrono::milliseconds kTimeout{1000};

/// The first pixels of the image that is to go wrong.
constexpr std::string_view kMark = "this image goes wrong";

/// A program whose one kernel has a mistake: marked images make it crash or hang.
class FaultyProgram final : public Program {
 public:
  explicit FaultyProgram(Fault fault) : Program(Plan::parse("invert"), {}), fault_(fault) {}

  [[nodiscard]] ProgramResult run(Bytes file, Want want, WorkerMemory& memory) const override {
    if (is_marked(file)) go_wrong();
    return Program::run(file, want, memory);
  }

 private:
  static bool is_marked(Bytes file) {
    const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
    return text.find(kMark) != std::string_view::npos;
  }

  void go_wrong() const {
    volatile std::uintptr_t nowhere = 8;
    if (fault_ == Fault::crash) *reinterpret_cast<volatile int*>(nowhere) = 1;
    while (fault_ == Fault::hang) nowhere = nowhere + 8;
  }

  Fault fault_;
};

/// The verdict of each image, in memory that outlives the process that writes it.
class SharedVerdicts final : public pipeline::Outcomes {
 public:
  SharedVerdicts() {
    void* at = ::mmap(nullptr, sizeof(Places), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw Error(ErrorCode::machine, "no memory for verdicts (mmap)");
    places_ = ::new (at) Places();
  }
  ~SharedVerdicts() override { ::munmap(places_, sizeof(Places)); }
  SharedVerdicts(const SharedVerdicts&) = delete;
  SharedVerdicts& operator=(const SharedVerdicts&) = delete;

  void deliver(const pipeline::Task& task, ProgramResult result, Bytes /*encoded*/) override {
    places_->at(task.index) = static_cast<int>(result.verdict) + 1;
  }

  /// Nothing: it was never delivered.
  [[nodiscard]] std::optional<Verdict> of(std::size_t index) const {
    const int value = places_->at(index);
    if (value == 0) return std::nullopt;
    return static_cast<Verdict>(value - 1);
  }

 private:
  using Places = std::array<std::atomic<int>, kGood + 1>;
  static_assert(std::atomic<int>::is_always_lock_free);
  Places* places_ = nullptr;
};

/// A gray PNM of 64 x 64.
std::string good_image(std::size_t seed) {
  constexpr std::size_t kSide = 64;
  std::string file = "P5\n64 64\n255\n";
  Random random(seed);
  for (std::size_t i = 0; i < kSide * kSide; ++i) file += static_cast<char>(random.next() & 0xffU);
  return file;
}

std::vector<std::string> image_set(Fault fault) {
  std::vector<std::string> files;
  files.reserve(kGood + 1);
  for (std::size_t i = 0; i <= kGood; ++i) files.push_back(good_image(i));
  std::string& bad = files[kBad];
  if (fault == Fault::bomb) {
    bad = "P5\n60000 60000\n255\nand no pixels";
  } else {
    bad.replace(bad.size() - kMark.size(), kMark.size(), kMark);
  }
  return files;
}

RunFigures run_backend(const pipeline::Backend& backend, int jobs, Fault fault, SharedVerdicts& verdicts) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const std::vector<std::string> files = image_set(fault);
  std::vector<Bytes> images;
  images.reserve(files.size());
  for (const std::string& file : files) images.push_back(std::as_bytes(std::span(file)));
  const pipeline::InputList inputs = list_of(images, 1);
  const pipeline::PriorRun no_prior;
  FrameSource source(inputs, no_prior, images);
  const FaultyProgram program(fault);
  pipeline::Job job{source, program, verdicts, jobs};
  job.supervision.sandbox = ipc::kSandboxInThisBuild;
  job.supervision.timeout = kTimeout;
  RunFigures figures;
  measure(figures, [&] { backend.run(job); });
  return figures;
}

void count(const SharedVerdicts& verdicts, FaultResult& result) {
  result.good = kGood;
  for (std::size_t i = 0; i <= kGood; ++i) {
    const auto verdict = verdicts.of(i);
    if (i == kBad) {
      result.verdict = verdict ? to_string(*verdict) : std::string_view();
    } else if (verdict == Verdict::ok) {
      ++result.came_through;
    }
  }
}

}  // namespace

std::optional<FaultResult> run_with_fault(const std::string& name, Fault fault, const std::stop_token& stop,
                                          std::chrono::milliseconds patience) {
  const pipeline::Backend* backend = pipeline::find_backend(name);
  if (backend == nullptr) throw Error(ErrorCode::usage, "no backend " + name);
  FaultResult result;
  result.backend = name;
  result.jobs = backend->descriptor.parallel ? 2 : 1;
  result.fault = to_string(fault);
  SharedVerdicts verdicts;
  const auto begin = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  try {
    const auto run =
        run_in_child([&] { return run_backend(*backend, result.jobs, fault, verdicts); }, false, stop, patience);
    if (stop.stop_requested()) return std::nullopt;
    result.ended = run.has_value();
    result.seconds = run ? run->figures.seconds : elapsed();
    if (!run) result.how = fmt::format("hung, and was ended after {}", duration_text(result.seconds));
  } catch (const ChildDied& died) {
    result.ended = false;
    result.seconds = elapsed();
    result.how = died.how();
  }
  count(verdicts, result);
  return result;
}

}  // namespace pixmill::bench

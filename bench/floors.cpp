#include "bench/floors.hpp"

#include "pipeline/backends/backend.hpp"
#include "pipeline/inputs/input_list.hpp"
#include "pipeline/journal/prior_run.hpp"
#include "pipeline/program.hpp"

#include <pixmill/plan.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace pixmill::bench {
namespace {

using pipeline::Bytes;
using pipeline::Program;

/// Counts what was decoded.
class DecodedCount final : public pipeline::Outcomes {
 public:
  void deliver(const pipeline::Task& /*task*/, pipeline::ProgramResult result, Bytes /*encoded*/) override {
    ++images;
    if (!is_well(result.verdict)) ++failed;
  }
  std::atomic<std::uint64_t> images{0};
  std::atomic<std::uint64_t> failed{0};
};

Plan decoding_of(const BatchOptions& batch) {
  const std::string text = batch.plan.text();
  const std::string first = text.substr(0, text.find(','));
  return first == "gray=luma" ? Plan::parse("gray") : Plan();
}

}  // namespace

RunFigures decode_alone(const BatchOptions& batch, int jobs) {
  const pipeline::InputList inputs = pipeline::list_inputs(batch.inputs, "");
  Program::Options options;
  options.limits = batch.limits;
  options.lenient = batch.lenient;
  options.apply_orientation = batch.apply_orientation;
  const Program program(decoding_of(batch), options);
  const pipeline::PriorRun no_prior;
  pipeline::Source::Settings settings;
  settings.limit_bytes = batch.limits.max_memory;
  pipeline::Source source(inputs, no_prior, settings, {});
  DecodedCount decoded;
  const pipeline::Job job{source, program, decoded, jobs};
  const pipeline::Backend* backend = pipeline::find_backend(jobs > 1 ? "threads" : "serial");
  RunFigures figures;
  measure(figures, [&] { backend->run(job); });
  figures.images = decoded.images;
  figures.failed = decoded.failed;
  return figures;
}

RunFigures copy_alone(const DecodedImages& images, std::uint64_t passes, int jobs) {
  const MappedImages mapped(images);
  const std::vector<Bytes>& frames = mapped.images();
  std::size_t largest = 0;
  for (const Bytes& frame : frames) largest = std::max(largest, frame.size());
  std::atomic<std::uint64_t> next{0};
  const auto copy = [&] {
    const auto place = std::make_unique<std::byte[]>(largest);
    while (true) {
      const std::uint64_t index = next++;
      if (index >= frames.size() * passes) return;
      const Bytes& frame = frames[index % frames.size()];
      std::memcpy(place.get(), frame.data(), frame.size());
      // Nobody looks at it, which the compiler must not know.
      asm volatile("" : : "r"(place.get()) : "memory");
    }
  };
  RunFigures figures;
  measure(figures, [&] {
    std::vector<std::jthread> threads;
    for (int i = 1; i < jobs; ++i) threads.emplace_back(copy);
    copy();
  });
  figures.images = frames.size() * passes;
  return figures;
}

}  // namespace pixmill::bench

#pragma once

#include "pipeline/inputs/input_list.hpp"
#include "pipeline/source.hpp"

#include <cstdint>
#include <vector>

namespace pixmill::bench {

/// Inputs with numbers for names, as many as `images` times `passes`, each as long as its image.
[[nodiscard]] pipeline::InputList list_of(const std::vector<pipeline::Bytes>& images, std::uint64_t passes);

/// Hands out images that are in memory, over and over, without reading or copying; of each the finished frame is
/// wanted.
class FrameSource final : public pipeline::Source {
 public:
  /// Keeps references. `inputs` is list_of(images).
  FrameSource(const pipeline::InputList& inputs, const pipeline::PriorRun& prior,
              const std::vector<pipeline::Bytes>& images)
      : Source(inputs, prior, {}, {}), images_(images) {}

  void load(std::uint64_t index, pipeline::Task& task) const override;

 private:
  const std::vector<pipeline::Bytes>& images_;
};

}  // namespace pixmill::bench

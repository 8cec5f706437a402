#include "bench/frame_source.hpp"

#include <string>

namespace pixmill::bench {

pipeline::InputList list_of(const std::vector<pipeline::Bytes>& images, std::uint64_t passes) {
  pipeline::InputList inputs;
  for (std::uint64_t i = 0; i < images.size() * passes; ++i) {
    const std::string name = std::to_string(i);
    inputs.append(name, name.size(), images[i % images.size()].size());
  }
  return inputs;
}

void FrameSource::load(std::uint64_t index, pipeline::Task& task) const {
  task.index = index;
  task.finished = false;
  task.partial.reset();
  task.input_xxh64 = 0;
  task.read = {};
  task.want = {.encoded = false, .partial = false, .frame = true};
  task.file.show(images_[index % images_.size()]);
}

}  // namespace pixmill::bench

// Mean and standard deviation of a training set, a number a channel and from 0 to 1, as training scripts want them.
// Exact, and the same bits however many workers there are.
//
//     dataset_statistics FOLDER...
#include <pixmill/batch.hpp>
#include <pixmill/error.hpp>

#include <cstdio>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  pixmill::BatchOptions options;
  options.inputs.paths.assign(argv + 1, argv + argc);
  options.inputs.recursive = true;
  options.reductions = {"mean", "std"};
  const pixmill::BatchReport report = pixmill::run_batch(options);
  if (!report.all_well()) std::fprintf(stderr, "some images are not in it; give options.on_outcome to learn why\n");

  const pixmill::ReductionReport& found = *report.reductions;
  if (found.images() == 0) {
    std::fprintf(stderr, "no image could be read\n");
    return 1;
  }
  const double white = found.depth() == 16 ? 65535 : 255;
  for (const char* name : {"mean", "std"}) {
    std::printf("%s = [", name);
    const std::vector<double> values = found.values(name);
    for (std::size_t c = 0; c < values.size(); ++c) std::printf("%s%.6f", c == 0 ? "" : ", ", values[c] / white);
    std::printf("]\n");
  }
  return report.all_well() ? 0 : 1;
} catch (const pixmill::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}

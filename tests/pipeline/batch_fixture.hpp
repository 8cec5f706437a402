#pragma once

#include "tests/support/sample_files.hpp"
#include "tests/support/scratch_folder.hpp"

#include <pixmill/batch.hpp>

#include <map>
#include <string>
#include <vector>

namespace pixmill::tests {

/// The backends that a test can run. ThreadSanitizer does not see how Debian's oneTBB, which is not instrumented, makes
/// its threads wait for each other, and would report all that they do; it is the same code that the threads backend
/// runs.
inline std::vector<BackendDescriptor> checkable_backends() {
  std::vector<BackendDescriptor> all = backends();
#if defined(__SANITIZE_THREAD__)
  std::erase_if(all, [](const BackendDescriptor& backend) { return backend.name == "tbb"; });
#endif
  return all;
}

/// A folder of a few good and bad images, and batches over it.
class BatchFixture : public ::testing::Test {
 protected:
  BatchFixture() {
    write_file(in("1.png"), encoded(noise_frame(30, 20, CV_8UC3, 1), "png"));
    write_file(in("2.jpg"), encoded(noise_frame(64, 48, CV_8UC3, 2), "jpg"));
    write_file(in("3.png"), encoded(noise_frame(17, 23, CV_8UC1, 3), "png"));
    write_file(in("10.png"), encoded(noise_frame(8, 8, CV_16UC1, 4), "png"));
  }

  [[nodiscard]] std::string in(const std::string& name) const { return folder_ / ("in/" + name); }
  [[nodiscard]] std::string out(const std::string& name = "") const {
    return name.empty() ? folder_ / "out" : folder_ / ("out/" + name);
  }

  [[nodiscard]] BatchOptions options(const std::string& chain = "gray,threshold=otsu") const {
    BatchOptions options;
    options.inputs.paths = {folder_ / "in"};
    options.plan = Plan::parse(chain);
    options.output.emplace();
    options.output->directory = out();
    options.jobs = 2;
    options.supervision.start = StartMethod::fork;  // batch_start_test.cpp compares it with the other one
    return options;
  }

  [[nodiscard]] BatchOptions resumed() const {
    BatchOptions options = this->options();
    options.output->resume = true;
    return options;
  }

  /// Name → content of every file below the output folder but the manifest.
  [[nodiscard]] std::map<std::string, std::string> outputs() const {
    std::map<std::string, std::string> contents;
    for (const std::string& name : files_below(out())) {
      if (!name.ends_with(".jsonl")) contents[name] = read_file(out(name));
    }
    return contents;
  }

  ScratchFolder folder_;
};

}  // namespace pixmill::tests

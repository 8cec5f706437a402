// A folder of images through a chain, with a line of progress; Enter cancels it.
//
//     batch_with_progress INPUT_FOLDER OUTPUT_FOLDER [CHAIN]
#include <pixmill/batch.hpp>
#include <pixmill/error.hpp>

#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <stop_token>
#include <string>
#include <thread>

namespace {

// Asks for the end of the batch when a line is typed, for as long as it is wanted.
void watch_keyboard(const std::stop_token& unwanted, std::stop_source& stop) {
  while (isatty(STDIN_FILENO) != 0 && !unwanted.stop_requested()) {
    pollfd keyboard{STDIN_FILENO, POLLIN, 0};
    if (poll(&keyboard, 1, 100) > 0) {
      stop.request_stop();
      return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s INPUT_FOLDER OUTPUT_FOLDER [CHAIN]\n", argv[0]);
    return 2;
  }
  std::stop_source stop;
  std::uint64_t images = 0;
  std::uint64_t done = 0;

  pixmill::BatchOptions options;
  options.inputs.paths = {argv[1]};
  options.plan = pixmill::Plan::parse(argc > 3 ? argv[3] : "gray,threshold=otsu");
  options.output.emplace();
  options.output->directory = argv[2];
  options.output->overwrite = true;
  options.stop = stop.get_token();
  options.on_listed = [&](std::uint64_t count, std::uint64_t /*bytes*/) { images = count; };
  options.on_outcome = [&](const pixmill::ImageOutcome& outcome) {  // one call at a time
    ++done;
    if (!pixmill::is_well(outcome.verdict)) {
      const std::string verdict(pixmill::to_string(outcome.verdict));
      std::fprintf(stderr, "%s: %s: %s\n", outcome.input.c_str(), verdict.c_str(), outcome.detail.c_str());
    }
    std::fprintf(stderr, "%llu of %llu\r", static_cast<unsigned long long>(done),
                 static_cast<unsigned long long>(images));
  };

  const std::jthread keyboard([&](const std::stop_token& unwanted) { watch_keyboard(unwanted, stop); });
  const pixmill::BatchReport report = pixmill::run_batch(options);
  std::printf("%llu of %llu images ok in %.2f s%s\n",
              static_cast<unsigned long long>(report.count(pixmill::Verdict::ok)),
              static_cast<unsigned long long>(report.images), report.seconds, report.interrupted ? ", cancelled" : "");
  return report.all_well() ? 0 : 1;
} catch (const pixmill::Error& error) {  // no such folder, a chain that makes no sense, no memory
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}

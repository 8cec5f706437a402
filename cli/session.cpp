#include "cli/session.hpp"

#include "cli/exit_code.hpp"
#include "cli/failure.hpp"
#include "cli/signals.hpp"
#include "cli/streams.hpp"
#include "cli/summary.hpp"
#include "cli/terminal.hpp"

#include <pixmill/machine.hpp>

#include <unistd.h>

#include <stop_token>
#include <string>
#include <vector>

namespace pixmill::cli {
namespace {

/// Where the rows will be, as run_batch() documents it.
std::optional<std::string> manifest_of(const BatchOptions& batch) {
  if (batch.manifest || !batch.output) return batch.manifest;
  const std::string& directory = batch.output->directory;
  return directory + (directory.back() == '/' ? "" : "/") + "pixmill.jsonl";
}

int print_preview(const BatchOptions& batch, Log& log) {
  const std::vector<PlannedImage> images = preview_batch(batch);
  // A terminal is protected from what names may hold; a script gets the names.
  const bool escape = is_terminal(STDOUT_FILENO);
  std::string text;
  std::size_t to_do = 0;
  for (const PlannedImage& image : images) {
    if (image.finished) continue;
    ++to_do;
    text += escape ? escape_for_terminal(image.input) : image.input;
    if (!image.output.empty()) text += '\t' + (escape ? escape_for_terminal(image.output) : image.output);
    text += '\n';
    if (text.size() > 1U << 16U) {
      write_stdout(text);
      text.clear();
    }
  }
  write_stdout(text);
  log.info("dry run: " + std::to_string(to_do) + (to_do == 1 ? " image" : " images") + " would be done" +
           (to_do < images.size() ? ", " + std::to_string(images.size() - to_do) + " are done already" : "") +
           "; nothing was written");
  return kExitWell;
}

int exit_code_of(const BatchReport& report, int signal) {
  if (!report.trouble.empty() || !report.trace_trouble.empty()) return kExitMachine;
  if (report.interrupted) return kExitSignal + (signal != 0 ? signal : SIGINT);
  return report.all_well() ? kExitWell : kExitFailures;
}

/// Says on standard error, and for reductions on standard output, what the batch came to.
void tell(const BatchReport& report, const BatchOptions& batch, std::uint64_t bytes_in, Log& log) {
  SummaryContext context;
  context.bytes_in = bytes_in;
  if (batch.output) context.directory = batch.output->directory;
  context.manifest = manifest_of(batch);
  if (!report.trouble.empty()) {
    std::string what_to_do;
    if (batch.output) {
      what_to_do = report.no_room ? "; what is whole stays, and --resume goes on when there is room"
                                  : "; what is whole stays, and --resume goes on when that is mended";
    }
    log.error((report.no_room ? "no room left: " : "the run could not go on: ") + report.trouble + what_to_do);
  }
  if (report.interrupted && report.images == 0) {
    log.info("nothing was begun, and nothing written");
    return;
  }
  for (const std::string& line : summary_lines(report, context)) log.info(line);
  if (!report.reduction_trouble.empty()) log.error(report.reduction_trouble);
  if (!report.trace_trouble.empty()) log.error("--trace ends before the run: " + report.trace_trouble);
  if (!report.reductions && !batch.reductions.empty() && report.count(Verdict::cancelled) > 0) {
    log.warning("no reductions are reported, because not every image was done");
  }
  if (report.reductions && !batch.reduce_out) write_stdout(report.reductions->json());
}

int run_watched(BatchArguments& arguments, Console& console, Log& log) {
  BatchOptions& batch = arguments.batch;
  std::stop_source stop;
  const SignalWatch watch(
      stop, [&log](int) { log.urgent("interrupted: finishing what runs; press Ctrl-C again to leave at once"); },
      [&console] { console.abandon(); });
  ignore_write_signals();
  Progress progress(arguments.progress, console);
  batch.stop = stop.get_token();
  batch.on_pass = [&progress](std::uint64_t pass, std::uint64_t images) { progress.begin_pass(pass, images); };
  batch.on_surveyed = [&progress](std::uint64_t bytes, Verdict verdict) { progress.surveyed(bytes, verdict); };
  batch.on_listed = [&progress](std::uint64_t images, std::uint64_t) { progress.listed(images); };
  batch.on_outcome = [&progress, &log](const ImageOutcome& outcome) {
    progress.count(outcome);
    log.image(outcome);
  };
  const BatchReport report = run_batch(batch);
  progress.stop();
  tell(report, batch, progress.bytes(), log);
  return exit_code_of(report, watch.received());
}

}  // namespace

int run_session(std::string_view command, BatchArguments& arguments) {
  Console console;
  Log log(console, command, arguments.log);
  // No thread of this program holds what a worker could want, and a fork is there sooner.
  arguments.batch.supervision.start = StartMethod::fork;
  try {
    use_single_threaded_opencv();
    return arguments.dry_run ? print_preview(arguments.batch, log) : run_watched(arguments, console, log);
  } catch (...) {
    const Failure failure = current_failure();
    log.error(failure.message);
    return failure.exit_code;
  }
}

}  // namespace pixmill::cli

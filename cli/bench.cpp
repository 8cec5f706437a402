#include "bench/bench.hpp"

#include "bench/changes.hpp"
#include "bench/report_html.hpp"
#include "bench/report_json.hpp"
#include "bench/report_markdown.hpp"
#include "bench/report_text.hpp"
#include "bench/text_file.hpp"
#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/quantities.hpp"
#include "cli/signals.hpp"
#include "cli/streams.hpp"
#include "cli/terminal.hpp"

#include <pixmill/error.hpp>
#include <pixmill/machine.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill::cli {
namespace {

constexpr const char* kDefaultChain = "gray,threshold=otsu";

struct BenchArguments {
  BatchArguments batch;
  bench::BenchOptions bench;
  std::optional<std::string> json;
  std::optional<std::string> compare;
  std::optional<std::string> report;
  bool advice = false;
};

void add_comparison_options(ArgumentParser& parser, BenchArguments& given) {
  constexpr std::uint64_t kMostRepeats = 100000;
  bench::BenchOptions& options = given.bench;
  std::string all;
  for (const BackendDescriptor& backend : backends()) all += (all.empty() ? "" : ",") + std::string(backend.name);
  parser.group("what is compared");
  parser.option(
      "--backends", "LIST", "which, separated by commas",
      [&options](const std::string& value) { options.backends = split_list(value); }, all);
  parser.option(
      "--jobs", "LIST", "numbers of workers, separated by commas",
      [&options](const std::string& value) {
        options.jobs.clear();
        for (const std::string& item : split_list(value)) {
          options.jobs.push_back(static_cast<int>(parse_whole(item, 1, kMostJobs)));
        }
      },
      fmt::format("1 up to the usable CPUs, here {}", usable_cpus()));
  parser.option(
      "--mode", "files|memory", "files: read, decode, kernels, encode, write; memory: kernels on decoded images",
      [&options](const std::string& value) {
        expect_word(value, {"files", "memory"});
        options.modes = {value == "files" ? bench::Mode::files : bench::Mode::memory};
      },
      "both");
  parser.flag("--ipc", "the queue of the workers against pipe, Unix socket and Boost's queues; needs no INPUT",
              options.queues);
  parser.flag("--faults", "what each backend loses by an image that crashes, one that hangs, a bomb; needs no INPUT",
              options.faults);
  parser.flag("--cold", "one backend also with its files dropped from the page cache, where the machine lets us",
              options.cold);
  parser.flag("--peers",
              "Python, OpenCV, libvips, GraphicsMagick and ImageMagick at the same work, as far as they are installed",
              options.peers);
  parser.option(
      "--repeats", "N", "rounds that count, in each of which every run has its turn",
      [&options](const std::string& value) { options.repeats = static_cast<int>(parse_whole(value, 1, kMostRepeats)); },
      std::to_string(options.repeats));
  parser.option(
      "--seed", "N", "of the shuffled order",
      [&options](const std::string& value) { options.seed = parse_whole(value, 0, UINT64_MAX); },
      "another each time, and said");
}

void add_report_options(ArgumentParser& parser, BenchArguments& given) {
  const auto file_into = [](std::optional<std::string>& target) {
    return [&target](const std::string& value) {
      if (value.empty()) throw Error(ErrorCode::usage, "expected the name of a file, got an empty text");
      target = value;
    };
  };
  parser.group("what is said of it");
  parser.option("--json", "FILE", "write all figures there; -: on standard output instead of the table",
                file_into(given.json));
  parser.option("--report", "FILE.html",
                "write a page with charts there, one file that needs nothing else; FILE.md: Markdown",
                [&given](const std::string& value) {
                  if (!value.ends_with(".html") && !value.ends_with(".htm") && !value.ends_with(".md")) {
                    throw Error(ErrorCode::usage, "expected FILE.html or FILE.md");
                  }
                  given.report = value;
                });
  parser.flag("--advice", "end with the backend and the number of workers to use, and why", given.advice);
  parser.option("--compare", "OLD.json",
                "say what changed since that report beyond the noise; exit 1 if anything is slower",
                file_into(given.compare));
  parser.flag("-q,--quiet", "only errors on standard error", given.batch.log.quiet);
}

bool parse(std::span<const std::string> arguments, BenchArguments& given, std::string& help) {
  HelpPage page;
  page.usage = "pixmill bench INPUT... [--ops CHAIN] [options]";
  page.summary =
      "Compares the backends on this machine, on these images: all of them in turns, each run in a process of its own, "
      "with warm-up, shuffled order and intervals. Outputs that differ are an error; they go to a folder in TMPDIR "
      "that "
      "is removed. Leave the machine alone meanwhile: the report says how quiet it was.";
  page.example = "pixmill bench photos -r --advice";
  page.example_meaning = "says which backend and how many workers to use for these photos";
  ArgumentParser parser(page);
  given.batch.ops = kDefaultChain;
  add_chain_options(parser, given.batch);
  add_comparison_options(parser, given);
  add_report_options(parser, given);
  add_input_options(parser, given.batch, false);
  add_format_options(parser, given.batch);
  add_limit_options(parser, given.batch);
  if (!parse_batch_arguments(parser, arguments, given.batch)) {
    help = render(parser.page(), page_width());
    return false;
  }
  if (!given.bench.queues && !given.bench.faults) require_inputs(given.batch);
  given.bench.batch = given.batch.batch;
  given.bench.batch.output = given.batch.output;
  return true;
}

/// Says on a status line what runs, and when it will be over.
class Rounds {
 public:
  explicit Rounds(Console& console, bool quiet) : console_(console), quiet_(quiet) {}

  void show(const std::string& what, std::size_t done, std::size_t all) {
    if (quiet_) return;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    std::string line = fmt::format("{} ({} of about {})", what, done + 1, all);
    if (done > 2) {
      const double left = seconds / static_cast<double>(done) * static_cast<double>(all - done);
      line += ", about " + format_clock(left) + " left";
    }
    console_.status(line.substr(0, Console::status_width()));
  }

 private:
  Console& console_;
  const bool quiet_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

void warn_of_failures(const bench::Report& report, Log& log) {
  for (const bench::Workload& work : report.workloads) {
    if (work.failed == 0) continue;
    log.warning(fmt::format("{}: {} failed{}; 'pixmill run' tells which and why", to_string(work.mode),
                            format_count_of(work.failed, "image"),
                            work.mode == bench::Mode::memory ? "; what could not be decoded is left out"
                                                             : " in every run alike, which is part of what was timed"));
  }
}

/// Writes every form of the report that is wanted.
void write_reports(const bench::Report& report, const bench::Changes* changes, const BenchArguments& given) {
  const bool table = given.json != "-";
  if (table) write_stdout(bench::text_of(report));
  if (changes != nullptr) (table ? write_stdout : write_stderr)('\n' + bench::text_of(*changes));
  // Without runs (--faults or --ipc alone) there is nothing to advise.
  if (table && given.advice && !report.advice.empty()) write_stdout('\n' + report.advice + '\n');
  if (!table) write_stdout(bench::json_of(report));
  if (table && given.json) bench::write_text(*given.json, bench::json_of(report), given.bench.stop);
  if (!given.report) return;
  const bool markdown = given.report->ends_with(".md");
  bench::write_text(*given.report, markdown ? bench::markdown_of(report, changes) : bench::html_of(report, changes),
                    given.bench.stop);
}

int told(const bench::Report& report, const BenchArguments& given, const std::optional<bench::OldReport>& old,
         Log& log) {
  std::optional<bench::Changes> changes;
  std::optional<Error> refusal;
  try {
    if (old) changes = bench::changes_since(*old, report);
  } catch (const Error& error) {
    refusal = error;  // what was measured is worth telling all the same
  }
  write_reports(report, changes ? &*changes : nullptr, given);
  warn_of_failures(report, log);
  for (const std::string& sentence : report.unequal) {
    log.error(sentence + "; that is a mistake in pixmill, please report it");
  }
  if (refusal) throw Error(*refusal);
  const bool failures = std::any_of(report.workloads.begin(), report.workloads.end(),
                                    [](const bench::Workload& work) { return work.failed > 0; });
  const bool regressed = changes && changes->regressed();
  return failures || regressed || !report.unequal.empty() ? kExitFailures : kExitWell;
}

int compare(BenchArguments& given, Log& log, Console& console) {
  std::optional<bench::OldReport> old;
  if (given.compare) {
    old = bench::parse_old_report(bench::read_text(*given.compare), *given.compare);
    bench::check_comparable(*old, given.bench.batch.plan.text());
  }
  std::vector<bench::Written> files;
  if (given.json && *given.json != "-") files.push_back({"--json", *given.json});
  if (given.report) files.push_back({"--report", *given.report});
  bench::check_writable(files, given.bench.batch.inputs);
  std::stop_source stop;
  const SignalWatch watch(
      stop, [&log](int) { log.urgent("interrupted: ending what runs"); }, [&console] { console.abandon(); });
  ignore_write_signals();
  Rounds rounds(console, given.batch.log.quiet);
  given.bench.stop = stop.get_token();
  given.bench.on_run = [&rounds](const std::string& what, std::size_t done, std::size_t all) {
    rounds.show(what, done, all);
  };
  const bench::Report report = bench::run_bench(given.bench);
  console.status("");
  if (report.interrupted) return kExitSignal + (watch.received() != 0 ? watch.received() : SIGINT);
  return told(report, given, old, log);
}

}  // namespace

int bench_command(std::span<const std::string> arguments) {
  BenchArguments given;
  given.bench.seed = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) % 1000000;
  std::string help;
  if (!parse(arguments, given, help)) {
    write_stdout(help);
    return kExitWell;
  }
  use_single_threaded_opencv();
  Console console;
  Log log(console, "pixmill bench", given.batch.log);
  return compare(given, log, console);
}

}  // namespace pixmill::cli

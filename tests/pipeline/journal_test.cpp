#include "pipeline/journal/journal.hpp"
#include "pipeline/journal/append_file.hpp"
#include "tests/pipeline/batch_fixture.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace pixmill {
namespace {

/// Resuming, without a process dying: what a dead one leaves is put there by hand.
class Resume : public tests::BatchFixture {
 protected:
  [[nodiscard]] std::map<std::string, std::filesystem::file_time_type> times() const {
    std::map<std::string, std::filesystem::file_time_type> all;
    for (const auto& [name, content] : outputs()) all[name] = std::filesystem::last_write_time(out(name));
    return all;
  }

  void cut_manifest_to(std::size_t rows, const std::string& torn = "") const {
    std::istringstream manifest(tests::read_file(out("pixmill.jsonl")));
    std::string kept;
    std::string line;
    for (std::size_t i = 0; i < rows && std::getline(manifest, line); ++i) kept += line + "\n";
    tests::write_file(out("pixmill.jsonl"), kept + torn);
  }

  [[nodiscard]] std::vector<nlohmann::json> rows() const {
    std::vector<nlohmann::json> all;
    std::istringstream manifest(tests::read_file(out("pixmill.jsonl")));
    for (std::string line; std::getline(manifest, line);) all.push_back(nlohmann::json::parse(line));
    return all;
  }

  [[nodiscard]] std::string journal_name() const {
    // The name that a run with the default manifest gives its journal.
    pipeline::InputList none;
    pipeline::Journal journal({.directory = folder_ / "probe", .manifest = folder_ / "probe/pixmill.jsonl"}, none, {});
    return ".pixmill-" + journal.id() + ".journal";
  }

  [[nodiscard]] std::string output_without_row() const {
    const std::string manifest = tests::read_file(out("pixmill.jsonl"));
    for (const auto& [name, content] : outputs()) {
      if (manifest.find("/" + name + "\"") == std::string::npos) return out(name);
    }
    return {};
  }

  static void run_batch_well(const BatchOptions& options) { EXPECT_TRUE(run_batch(options).all_well()); }

  static std::string refusal(const BatchOptions& options) {
    try {
      static_cast<void>(run_batch(options));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      return error.what();
    }
    return {};
  }
};

TEST_F(Resume, OfAFinishedRunDoesNothing) {
  run_batch_well(options());
  const auto before = times();
  for (int i = 0; i < 2; ++i) {
    const BatchReport report = run_batch(resumed());
    EXPECT_EQ(report.count(Verdict::skipped), 4U);
    EXPECT_EQ(times(), before);
    ASSERT_EQ(rows().size(), 5U);
    EXPECT_EQ(rows().back()["summary"]["skipped"], 4);
  }
}

TEST_F(Resume, WithoutManifestStartsFresh) { EXPECT_EQ(run_batch(resumed()).count(Verdict::ok), 4U); }

TEST_F(Resume, DoesOnlyWhatIsMissingChangedOrTorn) {
  run_batch_well(options());
  const auto before = times();
  std::filesystem::remove(out("1.png"));
  tests::write_file(out("3.png"), tests::read_file(out("3.png")).substr(0, 20));
  tests::write_file(in("2.jpg"), tests::encoded(tests::noise_frame(64, 48, CV_8UC3, 99), "jpg"));
  const BatchReport report = run_batch(resumed());
  EXPECT_EQ(report.count(Verdict::ok), 3U);
  EXPECT_EQ(report.count(Verdict::skipped), 1U);
  EXPECT_EQ(times().at("10.png"), before.at("10.png"));
  BatchOptions elsewhere = options();
  elsewhere.output->directory = folder_ / "fresh";
  run_batch_well(elsewhere);
  for (const auto& [name, content] : outputs())
    EXPECT_EQ(content, tests::read_file(folder_ / ("fresh/" + name))) << name;
}

TEST_F(Resume, AnotherPlanDoesEverythingAgain) {
  run_batch_well(options());
  BatchOptions other = resumed();
  other.plan = Plan::parse("gray,invert");
  EXPECT_EQ(run_batch(other).count(Verdict::ok), 4U);
  BatchOptions jobs = other;
  jobs.backend = "serial";
  EXPECT_EQ(run_batch(jobs).count(Verdict::skipped), 4U);
}

TEST_F(Resume, ToleratesATornLineAndRedoesWhatItHid) {
  run_batch_well(options());
  cut_manifest_to(3, R"({"index":9,"input":"/x)");
  // The fourth output has no row: a killed run would have left a journal that knows it.
  EXPECT_NE(refusal(resumed()).find("does not know"), std::string::npos);
  std::filesystem::remove(output_without_row());
  EXPECT_EQ(run_batch(resumed()).count(Verdict::skipped), 3U);
}

TEST_F(Resume, WhatIsNoManifestIsNotReplaced) {
  BatchOptions options = resumed();
  options.manifest = folder_ / "notes";
  const std::string binary(std::size_t{3} << 20, '\x89');
  const std::string pretty = "{\n  \"name\": \"a\"\n}\n";
  const std::string blanks = std::string("\x89PNG\n\n") + std::string(9, '\0') + "\n{\n";
  for (const std::string& content :
       {std::string("milk\n\neggs\n"), binary, std::string("{\"name\":\"a\"}\n"), pretty, blanks,
        std::string("{\"index\":9}\n"), std::string("{\"summary\":{}}\n"), std::string("\n")}) {
    tests::write_file(*options.manifest, content);
    EXPECT_NE(refusal(options).find("is no manifest"), std::string::npos);
    EXPECT_TRUE(tests::read_file(*options.manifest) == content) << content.substr(0, 9);
  }
}

TEST_F(Resume, AManifestOfWhichACrashLeftNextToNothingIsOneStill) {
  BatchOptions options = resumed();
  for (const std::string& content : {std::string(), std::string("{\"in"), std::string(100, '\0')}) {
    options.manifest = folder_ / ("manifest" + std::to_string(content.size()));
    options.output->directory = folder_ / ("out" + std::to_string(content.size()));
    tests::write_file(*options.manifest, content);
    run_batch_well(options);
  }
}

TEST_F(Resume, AJournalLineStandsForARowThatWasNeverWritten) {
  run_batch_well(options());
  const std::string manifest = tests::read_file(out("pixmill.jsonl"));
  const std::string first = manifest.substr(0, manifest.find('\n') + 1);
  tests::write_file(out("pixmill.jsonl"), manifest.substr(first.size()));
  const auto before = times();
  const std::string journal = journal_name();
  tests::write_file(out(journal), first);
  EXPECT_EQ(run_batch(resumed()).count(Verdict::skipped), 4U);
  EXPECT_EQ(times(), before);
  EXPECT_FALSE(std::filesystem::exists(out(journal)));
}

TEST_F(Resume, AnOverwritingRunThatWasKilledMayBeResumed) {
  run_batch_well(options());
  tests::write_file(out("pixmill.jsonl"), "");
  tests::write_file(out(journal_name()), "{\"overwrite\":true}\n");
  EXPECT_EQ(run_batch(resumed()).count(Verdict::ok), 4U);
}

TEST_F(Resume, RemovesTemporariesOfDeadRunsAndLeavesThoseOfTheLiving) {
  run_batch_well(options());
  tests::write_file(out("sub/.pixmill-dead-0"), "x");
  tests::write_file(out(".pixmill-living-0"), "x");
  const ipc::UniqueFd lock = pipeline::open_locked(out(".pixmill-living.journal"));
  run_batch_well(resumed());
  EXPECT_FALSE(std::filesystem::exists(out("sub/.pixmill-dead-0")));
  EXPECT_TRUE(std::filesystem::exists(out(".pixmill-living-0")));
}

TEST_F(Resume, IsRefusedWhileAnotherRunHoldsTheManifest) {
  run_batch_well(options());
  const ipc::UniqueFd lock = pipeline::open_locked(out("pixmill.jsonl"));
  EXPECT_NE(refusal(resumed()).find("is held by"), std::string::npos);
}

TEST_F(Resume, FollowsInputsThatCameAndWent) {
  run_batch_well(options());
  std::filesystem::remove(in("3.png"));
  tests::write_file(in("4.png"), tests::encoded(tests::noise_frame(5, 5, CV_8UC1), "png"));
  const BatchReport report = run_batch(resumed());
  EXPECT_EQ(report.images, 4U);
  EXPECT_EQ(report.count(Verdict::skipped), 3U);
  EXPECT_EQ(rows().size(), 5U);
}

TEST_F(Resume, AnInterruptedResumeForgetsNothing) {
  run_batch_well(options());
  const auto before = times();
  std::stop_source stop;
  BatchOptions interrupted = resumed();
  interrupted.backend = "serial";
  interrupted.stop = stop.get_token();
  interrupted.on_outcome = [&](const ImageOutcome&) { stop.request_stop(); };
  EXPECT_EQ(run_batch(interrupted).count(Verdict::cancelled), 3U);
  EXPECT_EQ(run_batch(resumed()).count(Verdict::skipped), 4U);
  EXPECT_EQ(times(), before);
}

TEST_F(Resume, ReductionsAreThoseOfAnUndisturbedRun) {
  const std::vector<std::string> kinds = {"count", "min", "max", "sum", "mean", "std", "histogram"};
  BatchOptions whole = options();
  whole.reductions = kinds;
  const std::string want = run_batch(whole).reductions->json();
  BatchOptions again = resumed();
  again.reductions = kinds;
  EXPECT_EQ(run_batch(again).reductions->json(), want);
  // Without the state, and with a state that is torn, what is finished is folded again from its input.
  std::filesystem::remove(out("pixmill.state.jsonl"));
  EXPECT_EQ(run_batch(again).reductions->json(), want);
  const std::string state = tests::read_file(out("pixmill.state.jsonl"));
  tests::write_file(out("pixmill.state.jsonl"), state.substr(0, state.size() / 2));
  const BatchReport report = run_batch(again);
  EXPECT_EQ(report.reductions->json(), want);
  EXPECT_EQ(report.count(Verdict::skipped), 4U);
  // A run that had no reductions can be resumed with them.
  BatchOptions plain = options();
  plain.output->directory = folder_ / "plain";
  run_batch_well(plain);
  plain.output->resume = true;
  plain.reductions = kinds;
  EXPECT_EQ(run_batch(plain).reductions->json(), want);
}

TEST_F(Resume, TheJournalStaysShortAndForgetsNothingThatHasNoRow) {
  pipeline::InputList inputs;
  for (int i = 0; i < 100; ++i) inputs.append("dir/" + std::to_string(i) + ".png", 6, 0);
  pipeline::Journal journal({.directory = out(), .manifest = out("pixmill.jsonl")}, inputs, {out(), "png", false});
  const std::string path = out(".pixmill-" + journal.id() + ".journal");
  for (std::uint64_t i = 0; i < 100; ++i) {
    ImageOutcome outcome;
    outcome.index = i;
    outcome.input = inputs.path(i);
    outcome.detail = std::string(40000, 'x');
    EXPECT_TRUE(journal.announce(outcome, nullptr).ok);
    if (i != 3) {
      EXPECT_TRUE(journal.record(outcome).ok);
    }
    EXPECT_LT(std::filesystem::file_size(path), 1200000U);
    EXPECT_TRUE(pipeline::is_locked(path));
  }
  EXPECT_NE(tests::read_file(path).find("dir/3.png"), std::string::npos);
}

TEST_F(Resume, AnInputThatCannotBeReadNowKeepsItsOutput) {
  run_batch_well(options());
  const auto before = times();
  tests::write_file(folder_ / "list",
                    in("1.png") + "\n" + in("2.jpg") + "\n" + in("3.png") + "\n" + in("10.png") + "\n");
  BatchOptions listed = resumed();
  listed.inputs.paths.clear();
  listed.inputs.files_from = folder_ / "list";
  std::filesystem::rename(folder_ / "in", folder_ / "unmounted");
  EXPECT_EQ(run_batch(listed).count(Verdict::unreadable), 4U);
  EXPECT_EQ(times(), before);
  std::filesystem::rename(folder_ / "unmounted", folder_ / "in");
  EXPECT_EQ(run_batch(resumed()).count(Verdict::skipped), 4U);
  // Limits are no part of the plan; what was finished under others stays, also if it cannot be folded now.
  std::filesystem::remove(out("pixmill.state.jsonl"));
  BatchOptions limited = resumed();
  limited.limits.max_pixels = 1;
  limited.reductions = {"mean"};
  EXPECT_EQ(run_batch(limited).count(Verdict::too_large), 4U);
  EXPECT_EQ(times(), before);
  EXPECT_EQ(run_batch(resumed()).count(Verdict::skipped), 4U);
}

TEST_F(Resume, AnotherFileOfTheSameNameElsewhereIsNotKnown) {
  BatchOptions first = options();
  first.manifest = folder_ / "manifest";
  run_batch_well(first);
  first.output->directory = folder_ / "other";
  first.output->resume = true;
  tests::write_file(folder_ / "other/1.png", "precious");
  EXPECT_NE(refusal(first).find("1.png"), std::string::npos);
  EXPECT_EQ(tests::read_file(folder_ / "other/1.png"), "precious");
}

TEST_F(Resume, WhatItMayReplaceStaysKnownWhenItIsStoppedEarly) {
  run_batch_well(options());
  tests::write_file(in("0.jpg"), "\xff\xd8\xff\xe0 and no more");
  BatchOptions other = resumed();
  other.plan = Plan::parse("gray,invert");
  other.stop_on_error = true;
  other.backend = "serial";
  EXPECT_EQ(run_batch(other).count(Verdict::cancelled), 4U);
  other.stop_on_error = false;
  EXPECT_EQ(run_batch(other).count(Verdict::ok), 4U);
  BatchOptions again = options();
  again.output->overwrite = true;
  again.limits.max_pixels = 100;
  EXPECT_EQ(run_batch(again).count(Verdict::too_large), 3U);
  EXPECT_EQ(run_batch(resumed()).count(Verdict::ok), 3U);
}

TEST_F(Resume, NeverTouchesAFileThatNoRunWrote) {
  tests::write_file(in("0.jpg"), "\xff\xd8\xff\xe0 and no more");
  BatchOptions first = options();
  first.stop_on_error = true;
  first.backend = "serial";
  EXPECT_EQ(run_batch(first).count(Verdict::cancelled), 4U);
  tests::write_file(out("1.png"), "precious");
  EXPECT_NE(refusal(resumed()).find("1.png"), std::string::npos);
  std::filesystem::remove(out("1.png"));
  tests::write_file(out("0.png"), "precious");
  EXPECT_NE(refusal(resumed()).find("0.png"), std::string::npos);
  EXPECT_EQ(tests::read_file(out("0.png")), "precious");
}

TEST_F(Resume, DoesNotDependOnHowThingsAreSpelt) {
  run_batch_well(options());
  BatchOptions other = resumed();
  other.inputs.paths = {folder_ / "./in//"};
  other.output->directory = folder_ / "./out";
  EXPECT_EQ(run_batch(other).count(Verdict::skipped), 4U);
  std::filesystem::rename(out(), folder_ / "moved");
  other.output->directory = folder_ / "moved";
  EXPECT_EQ(run_batch(other).count(Verdict::skipped), 4U);
}

TEST_F(Resume, WhatWasFoldedAgainIsKept) {
  run_batch_well(options());
  BatchOptions reducing = resumed();
  reducing.reductions = {"mean"};
  EXPECT_EQ(run_batch(reducing).count(Verdict::skipped), 4U);
  const auto size = std::filesystem::file_size(out("pixmill.state.jsonl"));
  EXPECT_GT(size, 0U);
  EXPECT_EQ(run_batch(reducing).count(Verdict::skipped), 4U);
  EXPECT_EQ(std::filesystem::file_size(out("pixmill.state.jsonl")), size);
}

TEST_F(Resume, LeavesTheTemporariesOfALivingRunFurtherDown) {
  run_batch_well(options());
  tests::write_file(out("deep/.pixmill-living-1-0"), "x");
  const ipc::UniqueFd lock = pipeline::open_locked(out("deep/.pixmill-living.journal"));
  run_batch_well(resumed());
  EXPECT_TRUE(std::filesystem::exists(out("deep/.pixmill-living-1-0")));
}

TEST_F(Resume, AFinishedImageThatFailsNowLosesItsOutput) {
  run_batch_well(options());
  tests::write_file(in("1.png"), "\x89PNG\r\n\x1a\n");
  EXPECT_FALSE(run_batch(resumed()).all_well());
  EXPECT_FALSE(std::filesystem::exists(out("1.png")));
}

}  // namespace
}  // namespace pixmill

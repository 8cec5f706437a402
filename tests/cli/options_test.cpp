#include "cli/options.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace pixmill::cli {
namespace {

using Words = std::vector<std::string>;

/// Declares everything on `parser`.
void add_all(ArgumentParser& parser, BatchArguments& arguments) {
  add_chain_options(parser, arguments);
  add_input_options(parser, arguments);
  add_destination_options(parser, arguments);
  add_format_options(parser, arguments);
  add_reduction_options(parser, arguments);
  add_limit_options(parser, arguments);
  add_manifest_options(parser, arguments);
  add_execution_options(parser, arguments);
  add_report_options(parser, arguments);
}

BatchArguments read(const Words& given) {
  BatchArguments arguments;
  HelpPage page;
  page.usage = "pixmill run INPUT...";
  ArgumentParser parser(page);
  add_all(parser, arguments);
  EXPECT_TRUE(parse_batch_arguments(parser, given, arguments));
  return arguments;
}

std::string complaint(const Words& given) {
  try {
    static_cast<void>(read(given));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    return error.what();
  }
  return "(none)";
}

TEST(Options, WithoutAnyAreTheDefaultsOfTheLibrary) {
  const BatchArguments arguments = read({"a.jpg"});
  const BatchOptions defaults;
  EXPECT_EQ(arguments.batch.inputs.paths, Words{"a.jpg"});
  EXPECT_EQ(arguments.batch.backend, defaults.backend);
  EXPECT_EQ(arguments.batch.jobs, 0);
  EXPECT_EQ(arguments.batch.limits.max_memory, defaults.limits.max_memory);
  EXPECT_EQ(arguments.output.format, "png");
  EXPECT_TRUE(arguments.batch.plan.empty());
  EXPECT_TRUE(arguments.batch.reductions.empty());
}

TEST(Options, EachReachesItsField) {
  const BatchArguments got = read({"a",
                                   "-r",
                                   "--hidden",
                                   "--files-from",
                                   "list",
                                   "-0",
                                   "--root",
                                   "in",
                                   "--orient",
                                   "off",
                                   "-o",
                                   "out",
                                   "--keep-ext",
                                   "--overwrite",
                                   "--resume",
                                   "--fsync",
                                   "--dry-run",
                                   "--format",
                                   "jpg",
                                   "--quality",
                                   "7",
                                   "--keep-metadata",
                                   "--compression",
                                   "9",
                                   "--ops",
                                   "gray",
                                   "--reduce",
                                   "mean,std",
                                   "--reduce-out",
                                   "r.csv",
                                   "--per-image",
                                   "--max-memory",
                                   "2M",
                                   "--max-pixels",
                                   "33",
                                   "--max-side",
                                   "44",
                                   "--lenient",
                                   "--manifest",
                                   "m",
                                   "--backend",
                                   "serial",
                                   "-j",
                                   "3",
                                   "--on-error",
                                   "stop",
                                   "--progress",
                                   "none",
                                   "-v"});
  EXPECT_TRUE(got.batch.inputs.recursive && got.batch.inputs.hidden && got.batch.inputs.nul_separated);
  EXPECT_EQ(got.batch.inputs.files_from, "list");
  EXPECT_EQ(got.batch.inputs.root, "in");
  EXPECT_FALSE(got.batch.apply_orientation);
  EXPECT_EQ(got.output.directory, "out");
  EXPECT_TRUE(got.output.keep_ext && got.output.overwrite && got.output.resume && got.output.fsync && got.dry_run);
  EXPECT_EQ(got.output.format, "jpg");
  EXPECT_EQ(got.output.quality, 7);
  EXPECT_EQ(got.output.compression, 9);
  EXPECT_TRUE(got.output.keep_metadata);
  EXPECT_FALSE(got.batch.plan.empty());
  EXPECT_EQ(got.batch.reductions, (Words{"mean", "std"}));
  EXPECT_EQ(got.batch.reduce_out, "r.csv");
  EXPECT_TRUE(got.batch.per_image && got.batch.lenient && got.batch.stop_on_error);
  EXPECT_EQ(got.batch.limits.max_memory, 2U << 20U);
  EXPECT_EQ(got.batch.limits.max_pixels, 33U);
  EXPECT_EQ(got.batch.limits.max_side, 44U);
  EXPECT_EQ(got.batch.manifest, "m");
  EXPECT_EQ(got.batch.backend, "serial");
  EXPECT_EQ(got.batch.jobs, 3);
  EXPECT_EQ(got.progress, ProgressMode::none);
  EXPECT_TRUE(got.log.verbose);
}

TEST(Options, SupervisionIsReadAndOtherwiseLeftToTheLibrary) {
  using std::chrono::milliseconds;
  const SupervisionOptions untouched = read({"a"}).batch.supervision;
  EXPECT_FALSE(untouched.timeout || untouched.retries);
  EXPECT_EQ(read({"a", "--timeout", "5"}).batch.supervision.timeout, milliseconds(5000));
  EXPECT_EQ(read({"a", "--timeout", "0"}).batch.supervision.timeout, milliseconds(0));
  EXPECT_EQ(read({"a", "--timeout", "0.25"}).batch.supervision.timeout, milliseconds(250));
  EXPECT_EQ(read({"a", "--timeout", "0.0001"}).batch.supervision.timeout, milliseconds(1));
  EXPECT_EQ(read({"a", "--timeout", "31536000"}).batch.supervision.timeout, std::chrono::hours(24 * 365));
  EXPECT_EQ(read({"a", "--retries", "0"}).batch.supervision.retries, 0);
  EXPECT_EQ(read({"a", "--retries", "1000000"}).batch.supervision.retries, 1000000);
}

TEST(Options, SupervisionOutOfRangeIsRefused) {
  for (const char* text : {"-1", "31536001", "nan", "inf", "1e3", "5s", "", "0x10", "5 "}) {
    const std::string why = complaint({"a", "--timeout", text});
    EXPECT_NE(why.find("--timeout"), std::string::npos) << why;
    EXPECT_NE(why.find("seconds"), std::string::npos) << why;
  }
  for (const char* text : {"-1", "1000001", "1.5", "once", ""}) {
    const std::string why = complaint({"a", "--retries", text});
    EXPECT_NE(why.find("--retries"), std::string::npos) << why;
    EXPECT_NE(why.find("from 0 to 1000000"), std::string::npos) << why;
  }
}

TEST(Options, SandboxIsOnOrOffOrNotSaid) {
  EXPECT_EQ(read({"a"}).batch.supervision.sandbox, std::nullopt);
  EXPECT_EQ(read({"a", "--sandbox", "on"}).batch.supervision.sandbox, true);
  EXPECT_EQ(read({"a", "--sandbox", "off"}).batch.supervision.sandbox, false);
  EXPECT_NE(complaint({"a", "--sandbox", "maybe"}).find("on or off"), std::string::npos);
}

TEST(Options, AnUnknownBackendIsRefusedWithTheNamesOfAll) {
  EXPECT_NE(complaint({"a", "--backend", "gpu"}).find("processes"), std::string::npos);
}

TEST(Options, ContradictionsAreRefused) {
  EXPECT_NE(complaint({"a", "--strict", "--lenient"}).find("--lenient"), std::string::npos);
  EXPECT_NE(complaint({"a", "-q", "-v"}).find("-v"), std::string::npos);
  EXPECT_NE(complaint({"a", "-0"}).find("--files-from"), std::string::npos);
  EXPECT_NE(complaint({"a", "--per-image"}).find("--reduce"), std::string::npos);
  EXPECT_NE(complaint({"a", "--reduce-out", "x.json"}).find("--reduce LIST"), std::string::npos);
}

TEST(Options, WrongValuesAreRefusedWithWhatWasExpected) {
  EXPECT_NE(complaint({"a", "-j", "0"}).find("jobs"), std::string::npos);
  EXPECT_NE(complaint({"a", "--quality", "101"}).find("from 1 to 100"), std::string::npos);
  EXPECT_NE(complaint({"a", "--orient", "of"}).find("on or off"), std::string::npos);
  EXPECT_NE(complaint({"a", "--progress", "bars"}).find("did you mean bar"), std::string::npos);
  EXPECT_EQ(complaint({"a", "--ops", "grey"}).rfind("--ops: ", 0), 0U);
}

TEST(Options, ADashAsReportIsStandardOutput) {
  EXPECT_FALSE(read({"a", "--reduce", "mean", "--reduce-out", "-"}).batch.reduce_out.has_value());
}

TEST(Options, JsonOnStandardErrorIsAllJson) {
  EXPECT_TRUE(read({"a", "--progress", "json"}).log.json);
  EXPECT_EQ(read({"a", "--log-json", "--progress", "bar"}).progress, ProgressMode::none);
  EXPECT_EQ(read({"a", "--log-json", "--progress", "json"}).progress, ProgressMode::json);
}

TEST(Options, AnInputIsRequired) {
  EXPECT_THROW(require_inputs(read({})), Error);
  EXPECT_NO_THROW(require_inputs(read({"--files-from", "-"})));
}

TEST(KernelTable, HasARowForEachDescriptor) {
  const HelpTable table = kernel_table();
  ASSERT_EQ(table.rows.size(), kernel_descriptors().size());
  EXPECT_EQ(table.rows.front().first, kernel_descriptors().front()->name);
}

}  // namespace
}  // namespace pixmill::cli

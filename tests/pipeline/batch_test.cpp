#include "pipeline/batch_setup.hpp"
#include "tests/pipeline/batch_fixture.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace pixmill {
namespace {

using Batch = tests::BatchFixture;

std::string refusal(const BatchOptions& options, ErrorCode code = ErrorCode::usage) {
  try {
    static_cast<void>(run_batch(options));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "was not refused";
  return {};
}

TEST_F(Batch, LeavesOutputsAndManifestAndNothingElse) {
  const BatchReport report = run_batch(options());
  EXPECT_TRUE(report.all_well());
  EXPECT_EQ(report.count(Verdict::ok), 4U);
  EXPECT_EQ(tests::files_below(out()),
            (std::vector<std::string>{"1.png", "10.png", "2.png", "3.png", "pixmill.jsonl"}));
}

TEST_F(Batch, TheManifestHasOneRowAnInputAndASummary) {
  EXPECT_TRUE(run_batch(options()).all_well());
  std::istringstream manifest(tests::read_file(out("pixmill.jsonl")));
  std::map<std::string, nlohmann::json> rows;
  nlohmann::json last;
  for (std::string line; std::getline(manifest, line);) {
    last = nlohmann::json::parse(line);
    if (last.contains("input")) rows[last["input"]] = last;
  }
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(last["summary"]["images"], 4);
  EXPECT_EQ(rows[in("10.png")]["index"], 3) << "natural order";
  const auto& row = rows[in("2.jpg")];
  EXPECT_EQ(row["output"], out("2.png"));
  EXPECT_EQ(row["width"], 64);
  EXPECT_EQ(row["bytes_in"], tests::read_file(in("2.jpg")).size());
  EXPECT_EQ(row["bytes_out"], tests::read_file(out("2.png")).size());
}

TEST_F(Batch, FailedImagesNeverCostAnother) {
  tests::write_file(in("bad.png"), "\x89PNG\r\n\x1a\n");
  tests::write_file(in("cut.jpg"), tests::read_file(in("2.jpg")).substr(0, 900));
  const BatchReport report = run_batch(options());
  EXPECT_EQ(report.count(Verdict::ok), 4U);
  EXPECT_FALSE(report.all_well());
  EXPECT_EQ(outputs().size(), 4U);
}

TEST_F(Batch, RefusesWhatIsInTheWayBeforeWorkBegins) {
  EXPECT_TRUE(run_batch(options()).all_well());
  const auto before = outputs();
  EXPECT_NE(refusal(options()).find("--overwrite"), std::string::npos);
  std::filesystem::remove(out("pixmill.jsonl"));
  EXPECT_NE(refusal(options()).find("1.png"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(out("pixmill.jsonl")));
  EXPECT_EQ(outputs(), before);
}

TEST_F(Batch, RefusesContradictionsAndWrongValues) {
  BatchOptions both = options();
  both.output->overwrite = both.output->resume = true;
  EXPECT_NE(refusal(both).find("--resume"), std::string::npos);
  BatchOptions backend = options();
  backend.backend = "gpu";
  EXPECT_NE(refusal(backend).find("threads"), std::string::npos);
  BatchOptions format = options();
  format.output->format = "jpgg";
  EXPECT_NE(refusal(format).find("'jpg'"), std::string::npos);
  BatchOptions reduction = options();
  reduction.reductions = {"meen"};
  EXPECT_NE(refusal(reduction).find("'mean'"), std::string::npos);
  BatchOptions jobs = options();
  jobs.jobs = -1;
  EXPECT_NE(refusal(jobs).find("jobs"), std::string::npos);
  BatchOptions report = options();
  report.reductions = {"mean"};
  report.reduce_out = in("1.png");
  EXPECT_NE(refusal(report).find("inputs"), std::string::npos);
  report.reduce_out = folder_ / "missing/report.json";
  EXPECT_NE(refusal(report).find("missing"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(Batch, ItsOwnFilesReplaceNoInputOutputOrList) {
  BatchOptions wanted = options();
  wanted.output->overwrite = true;
  wanted.reductions = {"mean"};
  std::filesystem::create_directories(out());
  const std::string before = tests::read_file(in("1.png"));
  for (const char* name : {"pixmill.jsonl", "pixmill.state.jsonl"}) {
    ASSERT_EQ(::symlink(in("1.png").c_str(), out(name).c_str()), 0);
    EXPECT_NE(refusal(wanted).find("one of the inputs"), std::string::npos) << name;
    std::filesystem::remove(out(name));
  }
  EXPECT_EQ(tests::read_file(in("1.png")), before);
  wanted.reduce_out = out("1.png");
  EXPECT_NE(refusal(wanted).find("is the output of"), std::string::npos);
  wanted.reduce_out = out("../out/pixmill.state.jsonl");
  EXPECT_NE(refusal(wanted).find("as well"), std::string::npos);
  wanted.reduce_out = out(".pixmill-mine");
  EXPECT_NE(refusal(wanted).find("temporary"), std::string::npos);
  tests::write_file(folder_ / "list", in("1.png") + "\n");
  wanted.inputs.paths.clear();
  wanted.inputs.files_from = folder_ / "list";
  wanted.reduce_out = folder_ / "list";
  EXPECT_NE(refusal(wanted).find("list"), std::string::npos);
  wanted.reduce_out.reset();
  wanted.manifest = folder_ / "list";
  EXPECT_NE(refusal(wanted).find("list"), std::string::npos);
}

TEST_F(Batch, AReportMayStandInTheFolderThatIsMade) {
  BatchOptions wanted = options();
  wanted.reductions = {"mean"};
  wanted.reduce_out = out("report.json");
  EXPECT_TRUE(run_batch(wanted).all_well());
  EXPECT_TRUE(std::filesystem::exists(out("report.json")));
}

TEST_F(Batch, AFreshRunTakesAwayNothing) {
  tests::write_file(in("bad.jpg"), "\xff\xd8\xff\xe0 and no more");
  BatchOptions wanted = options();
  // Made by somebody else while the run is on.
  wanted.on_listed = [&](std::uint64_t, std::uint64_t) { tests::write_file(out("bad.png"), "precious"); };
  EXPECT_EQ(run_batch(wanted).count(Verdict::ok), 4U);
  EXPECT_EQ(tests::read_file(out("bad.png")), "precious");
}

TEST_F(Batch, APreviewWritesNothing) {
  const std::vector<PlannedImage> images = preview_batch(options());
  ASSERT_EQ(images.size(), 4U);
  EXPECT_EQ(images[1].input, in("2.jpg"));
  EXPECT_EQ(images[1].output, out("2.png"));
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(Batch, AnOutputThatCannotBeWrittenIsWriteFailed) {
  std::filesystem::create_directories(out());
  BatchOptions wanted = options();
  wanted.inputs.recursive = true;
  tests::write_file(in("sub/a.png"), tests::read_file(in("1.png")));
  // After the names were checked, something else puts a file where a folder is needed.
  wanted.on_listed = [&](std::uint64_t, std::uint64_t) { tests::write_file(out("sub"), "in the way"); };
  const BatchReport report = run_batch(wanted);
  EXPECT_EQ(report.count(Verdict::write_failed), 1U);
  EXPECT_EQ(report.count(Verdict::ok), 4U);
  EXPECT_TRUE(report.trouble.empty());
}

TEST_F(Batch, OverwriteTakesAwayTheOutputOfAnInputThatFailsNow) {
  EXPECT_TRUE(run_batch(options()).all_well());
  tests::write_file(in("1.png"), "\x89PNG\r\n\x1a\n");
  BatchOptions again = options();
  again.output->overwrite = true;
  EXPECT_FALSE(run_batch(again).all_well());
  EXPECT_FALSE(std::filesystem::exists(out("1.png")));
}

TEST_F(Batch, ReductionsAloneWriteNoImage) {
  BatchOptions wanted = options("");
  wanted.output.reset();
  wanted.reductions = {"count", "mean"};
  wanted.reduce_out = folder_ / "report.json";
  const BatchReport report = run_batch(wanted);
  ASSERT_TRUE(report.reductions);
  EXPECT_EQ(tests::read_file(folder_ / "report.json"), report.reductions->json());
  const auto json = nlohmann::json::parse(report.reductions->json());
  EXPECT_EQ(json["images"], 4);
  EXPECT_EQ(json["depth"], 16) << "one of the images has 16 bits";
  EXPECT_EQ(json["channels"].size(), 3U) << "some of the images are colour";
}

TEST_F(Batch, OnlyGoodImagesEnterTheReductions) {
  tests::write_file(in("cut.jpg"), tests::read_file(in("2.jpg")).substr(0, 900));
  BatchOptions wanted = options();
  wanted.reductions = {"count"};
  EXPECT_EQ(nlohmann::json::parse(run_batch(wanted).reductions->json())["images"], 4);
}

TEST_F(Batch, SameFormatKeepsEachInputs) {
  BatchOptions wanted = options("invert");
  wanted.output->format = "same";
  EXPECT_TRUE(run_batch(wanted).all_well());
  EXPECT_EQ(tests::read_file(out("2.jpg")).substr(0, 2), "\xff\xd8");
  EXPECT_EQ(tests::read_file(out("1.png")).substr(1, 3), "PNG");
}

TEST_F(Batch, InputsAreNeverTouched) {
  const std::string before = tests::read_file(in("2.jpg"));
  struct stat status {};
  ::stat(in("2.jpg").c_str(), &status);
  const auto changed = status.st_ctim.tv_nsec;
  EXPECT_TRUE(run_batch(options()).all_well());
  ::stat(in("2.jpg").c_str(), &status);
  EXPECT_EQ(status.st_ctim.tv_nsec, changed);
  EXPECT_EQ(tests::read_file(in("2.jpg")), before);
}

TEST_F(Batch, AnEmptyListIsAllWell) {
  tests::write_file(folder_ / "list", "");
  BatchOptions wanted = options();
  wanted.inputs.paths.clear();
  wanted.inputs.files_from = folder_ / "list";
  const BatchReport report = run_batch(wanted);
  EXPECT_EQ(report.images, 0U);
  EXPECT_TRUE(report.all_well());
}

TEST_F(Batch, ExplainReadsHeadersAndWritesNothing) {
  const Explanation explanation = explain(options("threshold=otsu"));
  EXPECT_EQ(explanation.chain, "gray=luma,threshold=otsu:type=binary:scope=image");
  EXPECT_NE(explanation.decode.at(0).find("luma"), std::string::npos);
  EXPECT_NE(explanation.encode.at(0).find("1 bit"), std::string::npos);
  ASSERT_EQ(explanation.images.size(), 4U);
  EXPECT_EQ(explanation.images[1].format, "JPEG 64x48, 3 channels, 8 bits");
  EXPECT_GT(explanation.images[1].memory_bytes, 64U * 48U);
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(Batch, ExplainTellsWhatDecidesTheOutput) {
  BatchOptions wanted = options("threshold=otsu");
  const auto encode_of = [&wanted](const char* format) {
    wanted.output->format = format;
    return explain(wanted).encode.at(0);
  };
  EXPECT_EQ(encode_of("png"), "png, 1 bit a pixel, compression 1");
  EXPECT_EQ(encode_of("jpg"), "jpg, quality 95, 8 bits of 16-bit images");
  EXPECT_NE(encode_of("same").find("quality 95"), std::string::npos);
  EXPECT_NE(explain(wanted).encode.at(1).find("dropped"), std::string::npos);
  wanted.output->keep_metadata = true;
  EXPECT_NE(explain(wanted).encode.at(1).find("are kept"), std::string::npos);
}

TEST_F(Batch, ThePlanIsWhatDecidesTheOutput) {
  const auto plan = [this](const std::string& format, int quality, int compression, bool keep_metadata) {
    BatchOptions wanted = options();
    wanted.output->format = format;
    wanted.output->quality = quality;
    wanted.output->compression = compression;
    wanted.output->keep_metadata = keep_metadata;
    return pipeline::check_options(wanted).plan_hash;
  };
  EXPECT_EQ(plan("png", 95, 1, false), plan("png", 50, 1, false));
  EXPECT_NE(plan("png", 95, 1, false), plan("png", 95, 2, false));
  EXPECT_EQ(plan("jpg", 95, 1, false), plan("jpg", 95, 2, false));
  EXPECT_NE(plan("jpg", 95, 1, false), plan("jpg", 50, 1, false));
  EXPECT_NE(plan("same", 95, 1, false), plan("same", 50, 1, false));
  EXPECT_NE(plan("same", 95, 1, false), plan("same", 95, 2, false));
  for (const char* format : {"png", "jpg", "same"}) EXPECT_NE(plan(format, 9, 9, false), plan(format, 9, 9, true));
}

}  // namespace
}  // namespace pixmill

#include "kernels/histogram.hpp"
#include "kernels/threshold_methods.hpp"
#include "tests/pipeline/batch_fixture.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <random>

namespace pixmill {
namespace {

constexpr const char* kImages[] = {"mean-image", "min-image", "max-image", "std-image"};

/// Batches of random images of one size, whose reductions are compared.
class BatchReductions : public tests::BatchFixture {
 protected:
  void make_images(int count, unsigned seed, bool mixed) {
    std::mt19937 random(seed);
    std::filesystem::remove_all(in(""));
    names_.clear();
    for (int i = 0; i < count; ++i) {
      const int types[] = {CV_8UC1, CV_8UC3, CV_16UC1, CV_16UC3, CV_8UC4};
      const int type = mixed ? types[random() % 5] : CV_8UC1;
      names_.push_back(std::to_string(i) + ".png");
      tests::write_file(in(names_.back()), tests::encoded(tests::noise_frame(31, 22, type, random()), "png"));
    }
    tests::write_file(in("bad.jpg"), "\xff\xd8\xff\xe0 and no more");
    names_.emplace_back("bad.jpg");
  }

  /// Everything that the reductions of a batch come to: the report, and the images that they make.
  struct Result {
    std::string report;
    std::vector<std::string> images;
    std::vector<std::string> decisions;
    friend bool operator==(const Result&, const Result&) = default;
  };

  [[nodiscard]] BatchOptions wanted(const std::string& chain) const {
    BatchOptions batch = options(chain);
    batch.reductions = {"count", "min", "max", "sum", "mean", "std", "histogram"};
    for (const char* name : kImages) batch.reductions.push_back(std::string(name) + "=" + made(name));
    return batch;
  }

  [[nodiscard]] Result result_of(const BatchReport& report) const {
    EXPECT_TRUE(report.reductions) << report.trouble;
    EXPECT_EQ(report.reduction_trouble, "");
    Result result;
    if (report.reductions) result.report = report.reductions->json();
    for (const char* name : kImages) result.images.push_back(tests::read_file(made(name)));
    result.decisions = report.decisions;
    return result;
  }

  [[nodiscard]] std::string made(const std::string& name) const { return folder_ / (name + ".png"); }

  std::vector<std::string> names_;
};

TEST_F(BatchReductions, AreTheSameBitsWhateverBackendJobsOrderAndResume) {
  std::mt19937 random(11);
  int cut_short = 0;
  for (int round = 0; round < 6; ++round) {
    make_images(12, random(), round % 2 == 1);
    const std::string chain = round < 2 ? "" : round < 4 ? "gray,threshold=otsu:scope=batch" : "invert,resize=50%";
    std::optional<Result> want;
    for (const BackendDescriptor& backend : tests::checkable_backends()) {
      std::shuffle(names_.begin(), names_.end(), random);
      std::ofstream list(folder_ / "list");
      for (const std::string& name : names_) list << in(name) << '\n';
      list.close();
      BatchOptions batch = wanted(chain);
      batch.inputs.paths.clear();
      batch.inputs.files_from = folder_ / "list";
      batch.backend = backend.name;
      batch.jobs = 1 + static_cast<int>(random() % 5);
      batch.output->overwrite = true;
      const Result whole = result_of(run_batch(batch));
      if (!want) want = whole;
      EXPECT_EQ(whole, *want) << backend.name << " -j" << batch.jobs << " " << chain;

      // The same once more, interrupted and gone on with.
      std::filesystem::remove_all(out());
      for (const char* name : kImages) std::filesystem::remove(made(name));
      std::stop_source stop;
      std::atomic<unsigned> seen{0};
      const unsigned last = 1 + random() % 12;
      batch.output->overwrite = false;
      batch.stop = stop.get_token();
      batch.on_outcome = [&](const ImageOutcome&) {
        if (++seen == last) stop.request_stop();
      };
      const BatchReport cut = run_batch(batch);
      EXPECT_TRUE(cut.interrupted);
      if (cut.count(Verdict::cancelled) > 0) {
        ++cut_short;
        EXPECT_FALSE(std::filesystem::exists(made("mean-image")));
      }
      batch.stop = {};
      batch.on_outcome = {};
      batch.output->resume = true;
      EXPECT_EQ(result_of(run_batch(batch)), *want) << "resumed, " << backend.name << " " << chain;
      EXPECT_EQ(result_of(run_batch(batch)), *want) << "resumed again, " << backend.name << " " << chain;
    }
  }
  EXPECT_GE(cut_short, 6) << "the serial backend alone never gets to the last image";
}

TEST_F(BatchReductions, SizesThatDifferAreNamedAndCostNothingElse) {
  BatchOptions batch = options();
  batch.reductions = {"mean", "mean-image=" + made("mean-image")};
  batch.output->overwrite = true;
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    batch.backend = backend.name;
    const BatchReport report = run_batch(batch);
    EXPECT_EQ(report.count(Verdict::ok), 4U);
    EXPECT_NE(report.reduction_trouble.find("1.png is 30x20 and "), std::string::npos) << report.reduction_trouble;
    EXPECT_NE(report.reduction_trouble.find("2.jpg is 64x48"), std::string::npos) << report.reduction_trouble;
    EXPECT_FALSE(report.all_well());
    EXPECT_FALSE(std::filesystem::exists(made("mean-image")));
    const auto json = nlohmann::json::parse(report.reductions->json());
    EXPECT_TRUE(json["mean-image"].is_null());
    EXPECT_TRUE(json["mean"].is_array());
  }
}

TEST_F(BatchReductions, TheirImagesAreRefusedWhereTheyCannotBe) {
  const auto refused = [&](const std::string& reduction) {
    BatchOptions batch = options();
    batch.reductions = {reduction};
    try {
      static_cast<void>(run_batch(batch));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      return std::string(error.what());
    }
    return std::string("not refused");
  };
  EXPECT_NE(refused("mean-image").find("mean-image=FILE.png"), std::string::npos);
  EXPECT_NE(refused("mean-image=" + made("x") + ".xyz").find("ending"), std::string::npos);
  EXPECT_NE(refused("mean-image=" + made("x") + ".jpg").find("16 bits: png, tiff, pgm"), std::string::npos);
  tests::write_file(made("there"), "a photo");
  EXPECT_NE(refused("mean-image=" + made("there")).find("that file exists"), std::string::npos);
  EXPECT_EQ(tests::read_file(made("there")), "a photo");
  EXPECT_NE(refused("").find("an item is empty"), std::string::npos);
  EXPECT_NE(refused("mean=m.png").find("makes no image"), std::string::npos);
  EXPECT_NE(refused("mean-image=" + in("1.png")).find("is one of the inputs"), std::string::npos);
  EXPECT_NE(refused("mean-image=" + (folder_ / "no/where.png")).find("there is no folder"), std::string::npos);
  EXPECT_NE(refused("main-image=x.png").find("did you mean 'min-image'"), std::string::npos)
      << refused("main-image=x.png");
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(BatchReductions, OfNoImageAreNull) {
  std::filesystem::remove_all(in(""));
  tests::write_file(in("bad.jpg"), "\xff\xd8\xff\xe0 and no more");
  const BatchReport report = run_batch(wanted(""));
  EXPECT_EQ(report.reduction_trouble, "");
  EXPECT_TRUE(nlohmann::json::parse(report.reductions->json())["mean-image"].is_null());
  EXPECT_FALSE(std::filesystem::exists(made("mean-image")));
}

// --- scope=batch ---

TEST_F(BatchReductions, ABatchThatNoImageReachesDecidesNothing) {
  std::filesystem::remove_all(in(""));
  tests::write_file(in("bad.jpg"), "\xff\xd8\xff\xe0 and no more");
  const BatchReport report = run_batch(options("threshold=otsu:scope=batch"));
  EXPECT_EQ(report.decisions, std::vector<std::string>{"threshold=otsu: no image came that far"});
  EXPECT_FALSE(report.all_well());
}

TEST_F(BatchReductions, ABatchHasOneThresholdFromItsMergedHistogram) {
  make_images(9, 3, false);
  kernels::Histogram histogram;
  histogram.reset(kernels::Depth::eight, 1);
  std::vector<cv::Mat> frames;
  for (const std::string& name : names_) {
    if (name == "bad.jpg") continue;
    frames.push_back(tests::decoded(tests::read_file(in(name))));
    histogram.add(frames.back());
  }
  for (const kernels::ThresholdMethod& method : kernels::kThresholdMethods) {
    if (method.choice.name == "minimum") continue;  // noise has no two peaks
    const int limit = kernels::threshold_of(method, kernels::LevelCounts(histogram.counts(0)));
    BatchOptions batch = options("threshold=" + std::string(method.choice.name) + ":scope=batch");
    batch.output->overwrite = true;
    const BatchReport report = run_batch(batch);
    EXPECT_EQ(report.decisions, std::vector<std::string>{"threshold=" + std::string(method.choice.name) + ": " +
                                                         std::to_string(limit) + " of 255"});
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const cv::Mat want = frames[i] > limit;
      EXPECT_TRUE(tests::same_pixels(tests::decoded(tests::read_file(out(std::to_string(i) + ".png"))), want));
    }
  }
}

TEST_F(BatchReductions, ResumeDoesAllAgainWhenTheBatchDecidesOtherwise) {
  make_images(5, 3, false);
  BatchOptions batch = options("threshold=mean:scope=batch");
  EXPECT_EQ(run_batch(batch).count(Verdict::ok), 5U);
  batch.output->resume = true;
  EXPECT_EQ(run_batch(batch).count(Verdict::skipped), 5U);
  tests::write_file(in("bright.png"), tests::encoded(cv::Mat(500, 500, CV_8UC1, cv::Scalar(250)), "png"));
  const BatchReport report = run_batch(batch);
  EXPECT_EQ(report.count(Verdict::ok), 6U);
  EXPECT_EQ(report.count(Verdict::skipped), 0U);
  const auto before = outputs();
  batch.output->resume = false;
  batch.output->overwrite = true;
  EXPECT_EQ(run_batch(batch).count(Verdict::ok), 6U);
  EXPECT_EQ(outputs(), before);
}

TEST_F(BatchReductions, ChainsMayNeedTheBatchMoreThanOnce) {
  make_images(6, 4, true);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> passes;
  BatchOptions batch = options("gray,threshold=mean:type=tozero:scope=batch,invert,threshold=otsu:scope=batch");
  batch.on_pass = [&](std::uint64_t pass, std::uint64_t images) { passes.emplace_back(pass, images); };
  const BatchReport report = run_batch(batch);
  EXPECT_EQ(report.decisions.size(), 2U);
  EXPECT_EQ(passes, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{1, 7}, {2, 7}}));
  EXPECT_EQ(report.count(Verdict::ok), 6U);
}

TEST_F(BatchReductions, AnInterruptedFirstPassWritesNothing) {
  make_images(20, 4, false);
  std::stop_source stop;
  BatchOptions batch = options("threshold=otsu:scope=batch");
  batch.stop = stop.get_token();
  batch.on_surveyed = [&](std::uint64_t, Verdict) { stop.request_stop(); };
  const BatchReport report = run_batch(batch);
  EXPECT_TRUE(report.interrupted);
  EXPECT_EQ(report.images, 0U);
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(BatchReductions, ABatchWhoseOutputsAreInTheWayIsRefusedBeforeItIsRead) {
  make_images(3, 4, false);
  BatchOptions batch = options("threshold=otsu:scope=batch");
  static_cast<void>(run_batch(batch));
  bool read = false;
  batch.on_pass = [&](std::uint64_t, std::uint64_t) { read = true; };
  EXPECT_THROW(static_cast<void>(run_batch(batch)), Error);
  EXPECT_FALSE(read);
}

}  // namespace
}  // namespace pixmill

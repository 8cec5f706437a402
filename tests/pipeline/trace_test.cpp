#include "ipc/sandbox.hpp"
#include "tests/pipeline/batch_fixture.hpp"
#include "tests/pipeline/own/kernels_for_tests.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <numeric>
#include <set>

namespace pixmill {
namespace {

using Json = nlohmann::json;

/// Reads a trace, and checks all that the format asks of its events.
class Trace {
 public:
  struct Span {
    std::string name;
    std::string category;
    double begin_us = 0;
    double end_us = 0;
    Json arguments;
  };

  explicit Trace(const std::string& path) {
    const Json whole = Json::parse(tests::read_file(path));
    for (const Json& event : whole.at("traceEvents")) {
      const auto phase = event.at("ph").get<std::string>();
      const int track = event.at("tid").get<int>();
      EXPECT_TRUE(event.at("pid").is_number_integer());
      EXPECT_TRUE(event.at("name").is_string());
      if (phase == "M") {
        if (event.at("name") == "thread_name") names_[track] = event.at("args").at("name");
        continue;
      }
      EXPECT_TRUE(names_.contains(track)) << "a row without a name";
      const double begin = event.at("ts").get<double>();
      EXPECT_GE(begin, 0);
      EXPECT_TRUE(event.at("args").at("index").is_number_unsigned());
      if (phase == "i") {
        EXPECT_EQ(event.at("s"), "t");
        marks_.emplace_back(event.at("name").get<std::string>(), event.at("args").at("input").get<std::string>());
        continue;
      }
      EXPECT_EQ(phase, "X");
      const double length = event.at("dur").get<double>();
      EXPECT_GE(length, 0);
      rows_[names_[track]].push_back({event.at("name"), event.at("cat"), begin, begin + length, event.at("args")});
    }
  }

  [[nodiscard]] const std::map<std::string, std::vector<Span>>& rows() const { return rows_; }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& marks() const { return marks_; }
  /// The stages of a row, which are one after the other.
  [[nodiscard]] std::vector<Span> stages(const std::string& row) const {
    std::vector<Span> spans = rows_.at(row);
    std::erase_if(spans, [](const Span& span) { return span.category != "stage"; });
    std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.begin_us < b.begin_us; });
    for (std::size_t i = 1; i < spans.size(); ++i) {
      EXPECT_GE(spans[i].begin_us, spans[i - 1].end_us - 0.002) << row << ", " << spans[i].name;
    }
    return spans;
  }
  [[nodiscard]] std::multiset<std::string> names(const std::string& category) const {
    std::multiset<std::string> all;
    for (const auto& [row, spans] : rows_) {
      for (const Span& span : spans) {
        if (span.category == category) all.insert(span.name);
      }
    }
    return all;
  }

 private:
  std::map<int, std::string> names_;
  std::map<std::string, std::vector<Span>> rows_;
  std::vector<std::pair<std::string, std::string>> marks_;
};

class Traces : public tests::BatchFixture {
 protected:
  [[nodiscard]] std::string path() const { return folder_ / "trace.json"; }
};

TEST_F(Traces, HaveARowAWorkerAndChangeNoBit) {
  for (int i = 0; i < 20; ++i) {
    tests::write_file(in(std::to_string(20 + i) + ".png"), tests::encoded(tests::noise_frame(40, 30, CV_8UC3), "png"));
  }
  std::map<std::string, std::string> want;
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    BatchOptions wanted = options("gray,blur=1,blur=2,threshold=otsu");
    wanted.backend = backend.name;
    wanted.reductions = {"mean"};
    wanted.output->overwrite = true;
    ASSERT_TRUE(run_batch(wanted).all_well());
    if (want.empty()) want = outputs();
    EXPECT_EQ(outputs(), want);

    wanted.trace = path();
    const BatchReport report = run_batch(wanted);
    ASSERT_TRUE(report.all_well());
    EXPECT_EQ(outputs(), want) << backend.name;
    const Trace trace(path());
    for (const char* stage : {"read", "decode", "gray", "blur", "blur 2", "threshold", "reduce", "encode", "write"}) {
      // A JPEG is decoded to gray, and two images are gray already: that is no step then.
      const std::size_t expected = std::string_view(stage) == "gray" ? 21 : 24;
      EXPECT_EQ(trace.names("stage").count(stage), expected) << backend.name << " " << stage;
    }
    EXPECT_EQ(trace.names("image").size(), 24U);
    int workers = 0;
    for (const auto& [row, spans] : trace.rows()) workers += row.starts_with("worker") ? 1 : 0;
    EXPECT_GE(workers, 1);
    EXPECT_LE(workers, backend.parallel ? 2 : 1) << backend.name;
  }
}

TEST_F(Traces, StagesOfARowFollowEachOtherAndFitIntoTheRun) {
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    BatchOptions wanted = options();
    wanted.backend = backend.name;
    wanted.output->overwrite = true;
    wanted.trace = path();
    wanted.time_stages = true;
    const BatchReport report = run_batch(wanted);
    std::map<std::string, double> traced;
    const Trace trace(path());
    for (const auto& [row, given] : trace.rows()) {
      SCOPED_TRACE(backend.name);
      const std::vector<Trace::Span> spans = trace.stages(row);
      for (const Trace::Span& span : spans) traced[row] += (span.end_us - span.begin_us) * 1e-6;
      EXPECT_LE(spans.back().end_us * 1e-6, report.seconds) << backend.name << " " << row;
    }
    ASSERT_EQ(report.rows.size(), traced.size()) << backend.name;
    for (const RowTimes& row : report.rows) {
      ASSERT_EQ(row.seconds.size(), report.stages.size());
      const double busy = std::accumulate(row.seconds.begin(), row.seconds.end(), 0.0);
      EXPECT_NEAR(busy, traced[row.name], 1e-6) << backend.name << " " << row.name;
      EXPECT_GE(row.waiting, 0);
      EXPECT_GE(row.idle, 0);
      EXPECT_LE(busy + row.waiting, report.seconds) << backend.name << " " << row.name;
    }
  }
}

TEST_F(Traces, SayWhichImageFailed) {
  tests::write_file(in("bad.jpg"), "\xff\xd8\xff\xe0 and no more");
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    BatchOptions wanted = options();
    wanted.backend = backend.name;
    wanted.output->overwrite = true;
    wanted.trace = path();
    EXPECT_FALSE(run_batch(wanted).all_well());
    const Trace trace(path());
    ASSERT_EQ(trace.marks().size(), 1U) << backend.name;
    EXPECT_EQ(trace.marks()[0].second, in("bad.jpg"));
  }
}

TEST_F(Traces, HaveWhatWorkersLost) {
  register_kernel(tests::that_does("loses_its_worker", [](const cv::Mat& in) {
    if (in.cols == 102) ::raise(SIGKILL);
    volatile bool hangs = in.cols == 103;
    while (hangs) {
    }
  }));
  for (const int width : {102, 103}) {
    tests::write_file(in(std::to_string(width) + ".png"), tests::encoded(tests::noise_frame(width, 9, CV_8UC1), "png"));
  }
  constexpr std::chrono::milliseconds kTimeout{2000};
  BatchOptions wanted = options("loses_its_worker");
  wanted.trace = path();
  wanted.time_stages = true;
  wanted.supervision.timeout = kTimeout;
  wanted.supervision.sandbox = ipc::kSandboxInThisBuild;
  const BatchReport report = run_batch(wanted);
  EXPECT_EQ(report.count(Verdict::crashed), 1U);
  EXPECT_EQ(report.count(Verdict::timeout), 1U);

  const Trace trace(path());
  std::multiset<std::string> inputs;
  for (const auto& [row, given] : trace.rows()) {
    for (const Trace::Span& span : trace.stages(row)) {
      if (span.name != "lost") continue;
      EXPECT_TRUE(row.starts_with("worker")) << row;
      const auto input = span.arguments.at("input").get<std::string>();
      const auto reason = span.arguments.at("reason").get<std::string>();
      inputs.insert(input);
      if (input == in("102.png")) {
        EXPECT_TRUE(reason.starts_with("its worker was killed")) << reason;
      } else {
        EXPECT_NE(reason.find("took longer"), std::string::npos) << reason;
        EXPECT_GE(span.end_us - span.begin_us, 1e3 * static_cast<double>(kTimeout.count()));
      }
    }
  }
  EXPECT_EQ(inputs, (std::multiset<std::string>{in("102.png"), in("102.png"), in("103.png"), in("103.png")}));

  const auto lost = std::find(report.stages.begin(), report.stages.end(), "lost") - report.stages.begin();
  double seconds = 0;
  for (const RowTimes& row : report.rows) seconds += row.seconds.at(static_cast<std::size_t>(lost));
  EXPECT_GE(seconds, 2e-3 * static_cast<double>(kTimeout.count())) << "they were not idle";
}

TEST_F(Traces, HaveThePassOverTheBatchAsWell) {
  BatchOptions wanted = options("gray,threshold=otsu:scope=batch");
  wanted.trace = path();
  ASSERT_TRUE(run_batch(wanted).all_well());
  const Trace trace(path());
  EXPECT_EQ(trace.names("stage").count("decode"), 8U);
  EXPECT_EQ(trace.names("stage").count("encode"), 4U);
}

TEST_F(Traces, OfAStoppedRunAreWhole) {
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    std::stop_source stop;
    BatchOptions wanted = options();
    wanted.backend = backend.name;
    wanted.output->overwrite = true;
    wanted.trace = path();
    wanted.stop = stop.get_token();
    wanted.on_outcome = [&](const ImageOutcome&) { stop.request_stop(); };
    EXPECT_TRUE(run_batch(wanted).interrupted);
    EXPECT_GE(Trace(path()).names("stage").count("decode"), 1U) << backend.name;
  }
}

TEST_F(Traces, OfARefusedRunAreNotBegun) {
  tests::write_file(path(), "an older one");
  std::filesystem::create_directories(out());
  tests::write_file(out("pixmill.jsonl"), "{}\n");
  BatchOptions wanted = options();
  wanted.trace = path();
  EXPECT_THROW(static_cast<void>(run_batch(wanted)), Error);
  EXPECT_EQ(tests::read_file(path()), "an older one");
  for (const std::string& wrong :
       {in("1.png"), out("1.png"), out("pixmill.jsonl"), folder_ / "no/trace", folder_.path()}) {
    wanted = options();
    wanted.output->overwrite = true;
    wanted.trace = wrong;
    EXPECT_THROW(static_cast<void>(run_batch(wanted)), Error) << wrong;
  }
}

TEST_F(Traces, ThatCannotBeWrittenCostNoImage) {
  BatchOptions wanted = options();
  wanted.trace = "/dev/full";
  const BatchReport report = run_batch(wanted);
  EXPECT_TRUE(report.all_well());
  EXPECT_EQ(outputs().size(), 4U);
  EXPECT_NE(report.trace_trouble.find("/dev/full"), std::string::npos) << report.trace_trouble;
}

}  // namespace
}  // namespace pixmill

#include "pipeline/worker_job.hpp"
#include "pipeline/worker_plan.hpp"

#include <pixmill/error.hpp>
#include <pixmill/version.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

using Words = std::vector<std::string>;

WorkerJob whole_job() {
  WorkerJob job;
  job.protocol = worker_protocol();
  job.limits = {1ULL << 40U, 20000, false};
  job.plan = "gray=luma,threshold=otsu:type=binary:scope=image";
  job.system_calls = {102, 39};
  job.plugins = {"/a/b.so", "/c d.so"};
  job.identities = {"kernel 'b' 1", ""};
  FileJob& files = job.files.emplace();
  files.limits = {1, 2, 3};
  files.lenient = true;
  files.format = "png";
  files.encode = {7, 8};
  files.own_reductions = {"bright"};
  files.decided = {{1, -1, 8}, {}, {0}};
  return job;
}

TEST(WorkerJob, GoesThroughArguments) {
  for (const bool files : {false, true}) {
    WorkerJob job = whole_job();
    if (!files) job.files.reset();
    const Words arguments = arguments_of(job);
    const auto read = job_of(arguments);
    ASSERT_TRUE(read);
    EXPECT_EQ(arguments_of(*read), arguments);
    EXPECT_EQ(read->limits.memory_bytes, job.limits.memory_bytes);
    EXPECT_EQ(read->limits.sandbox, job.limits.sandbox);
    EXPECT_EQ(read->plan, job.plan);
    EXPECT_EQ(read->system_calls, job.system_calls);
    EXPECT_EQ(read->plugins, job.plugins);
    EXPECT_EQ(read->identities, job.identities);
    ASSERT_EQ(read->files.has_value(), files);
    if (!files) continue;
    EXPECT_EQ(read->files->limits.max_side, 3U);
    EXPECT_EQ(read->files->own_reductions, job.files->own_reductions);
    EXPECT_EQ(read->files->decided, job.files->decided);
  }
}

TEST(WorkerJob, ArgumentsThatMakeNoSenseAreNone) {
  const Words good = arguments_of(whole_job());
  for (std::size_t length = 2; length < good.size(); ++length) {
    EXPECT_FALSE(job_of(std::span(good).first(length))) << length;
  }
  Words longer = good;
  longer.emplace_back("0");
  EXPECT_FALSE(job_of(longer));
  EXPECT_FALSE(job_of({}));
  // The memory, the sandbox, how many system calls there are, and one of them.
  for (const std::size_t at : {1U, 3U, 5U, 6U}) {
    for (const char* wrong : {"", "x", "1x", "99999999999999999999999"}) {
      Words bad = good;
      bad[at] = wrong;
      EXPECT_FALSE(job_of(bad)) << at << " " << wrong;
    }
  }
}

TEST(WorkerJob, AnotherVersionOrProtocolIsRefusedByNameWhateverElseItSays) {
  for (const std::string& other : {std::string("99.1.2"), std::string(version()) + " (protocol 0)"}) {
    const auto job = job_of(Words{other, "and", "no", "more"});
    ASSERT_TRUE(job);
    try {
      plan_in_program(*job).prepare();
      FAIL() << "it takes a library of another version";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(other), std::string::npos);
      EXPECT_NE(std::string(error.what()).find(worker_protocol()), std::string::npos);
    }
  }
}

// The program that the job of `program` makes.
std::unique_ptr<std::optional<Program>> made_again(const Program& program) {
  auto made = std::make_unique<std::optional<Program>>();
  const auto job = job_of(arguments_of(file_job(program, {})));
  EXPECT_TRUE(job);
  if (job) compile(*job, *made);
  return made;
}

TEST(WorkerJob, HasAllOfAProgramsOptions) {
  Program::Options options;
  options.limits = {1ULL << 33U, 12345, 678};
  options.lenient = true;
  options.apply_orientation = false;
  options.write = true;
  options.keep_metadata = true;
  options.format = find_codec("webp");
  options.encode = {41, 7};
  options.reduce = true;
  options.reduce_histogram = true;
  options.time_stages = true;
  const Program program(Plan::parse("gray,blur=1.3,threshold=otsu"), options);
  const auto made = made_again(program);
  const Program::Options& got = (*made)->options();
  EXPECT_EQ((*made)->plan().text(), program.plan().text());
  EXPECT_EQ(got.limits.max_memory, options.limits.max_memory);
  EXPECT_EQ(got.limits.max_pixels, options.limits.max_pixels);
  EXPECT_EQ(got.limits.max_side, options.limits.max_side);
  EXPECT_TRUE(got.lenient && !got.apply_orientation && got.write && got.keep_metadata);
  EXPECT_TRUE(got.reduce && got.reduce_histogram && got.time_stages && !got.until_undecided);
  EXPECT_EQ(got.format, options.format);
  EXPECT_EQ(got.encode.quality, 41);
  EXPECT_EQ(got.encode.compression, 7);
  EXPECT_FALSE((*made_again(Program(Plan(), {})))->options().lenient);
}

TEST(WorkerJob, HasWhatTheBatchDecided) {
  const Plan plan = Plan::parse("gray,threshold=mean:scope=batch:type=tozero,invert,threshold=otsu:scope=batch,flip=h");
  Program::Options options;
  options.until_undecided = true;
  const Program first(plan, options);
  EXPECT_EQ((*made_again(first))->steps().size(), first.steps().size());
  // The first kernel decided for levels of 16 bits, the second for no image.
  const std::vector<std::int64_t> found{1, 4711, 16};
  options.decided.push_back(first.undecided()->decided_as(found));
  ASSERT_NE(options.decided.back(), nullptr);
  options.decided.push_back(Program(plan, options).undecided()->decided(nullptr));
  options.until_undecided = false;
  const Program whole(plan, options);
  EXPECT_EQ(whole.decisions().front(), "threshold=mean: 4711 of 65535");
  EXPECT_EQ((*made_again(whole))->decisions(), whole.decisions());
  EXPECT_EQ((*made_again(whole))->undecided(), nullptr);
}

TEST(WorkerJob, DecisionsThatMakeNoSenseAreRefused) {
  const Plan plan = Plan::parse("gray,threshold=otsu:scope=batch");
  const Program program(plan, {});
  ASSERT_NE(program.undecided(), nullptr);
  using Numbers = std::vector<std::int64_t>;
  for (const Numbers& good : {Numbers{1, 0, 8}, Numbers{1, -1, 8}, Numbers{1, 65535, 16}, Numbers{0, 0, 8}}) {
    EXPECT_NE(program.undecided()->decided_as(good), nullptr);
  }
  for (const Numbers& bad : {Numbers{}, Numbers{1, 0}, Numbers{2, 0, 8}, Numbers{1, 256, 8}, Numbers{1, -2, 16},
                             Numbers{1, 65536, 16}, Numbers{1, 0, 12}, Numbers{1, 0, 8, 0}}) {
    EXPECT_EQ(program.undecided()->decided_as(bad), nullptr);
  }
  WorkerJob job = file_job(program, {});
  job.files->decided = {{1, 100, 8}, {1, 100, 8}};  // one more than the plan has
  std::optional<Program> made;
  EXPECT_THROW(compile(job, made), Error);
}

}  // namespace
}  // namespace pixmill::pipeline

#include "cli/failure.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

namespace pixmill::cli {
namespace {

Failure failure_of(const std::function<void()>& act) {
  try {
    act();
  } catch (...) {
    return current_failure();
  }
  return {};
}

TEST(CurrentFailure, TellsWrongUseFromAMachineThatCannot) {
  EXPECT_EQ(failure_of([] { throw Error(ErrorCode::usage, "wrong"); }).exit_code, 2);
  EXPECT_EQ(failure_of([] { throw Error(ErrorCode::machine, "full"); }).exit_code, 3);
  EXPECT_EQ(failure_of([] { throw Error(ErrorCode::usage, "wrong"); }).message, "wrong");
}

TEST(CurrentFailure, IsASentenceForWhateverIsThrown) {
  EXPECT_NE(failure_of([] { throw std::bad_alloc(); }).message.find("out of memory"), std::string::npos);
  EXPECT_EQ(failure_of([] { throw std::bad_alloc(); }).exit_code, 3);
  EXPECT_NE(failure_of([] { throw std::logic_error("odd"); }).message.find("report"), std::string::npos);
  EXPECT_EQ(failure_of([] { throw 7; }).exit_code, 3);
}

TEST(CurrentFailure, SaysWhatToDoWhereNoThreadCanBeHad) {
  const Failure failure =
      failure_of([] { throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again)); });
  EXPECT_EQ(failure.exit_code, 3);
  EXPECT_NE(failure.message.find("limit of processes"), std::string::npos) << failure.message;
}

}  // namespace
}  // namespace pixmill::cli

#include "cli/failure.hpp"

#include "cli/exit_code.hpp"

#include <pixmill/error.hpp>

#include <exception>
#include <new>
#include <system_error>

namespace pixmill::cli {
namespace {

constexpr const char* kReport = "; this is a mistake in pixmill, please report it with the command that shows it";

}  // namespace

Failure current_failure() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.code() == ErrorCode::usage ? kExitUsage : kExitMachine, error.what()};
  } catch (const std::bad_alloc&) {
    return {kExitMachine, "out of memory; use fewer workers (-j), a smaller --max-memory, or free some memory"};
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again) {
      return {
          kExitMachine,
          std::string("a thread could not be started (") + error.what() +
              "); raise the limit of processes (ulimit -u, or pids.max of the control group), or end other programs"};
    }
    return {kExitMachine, std::string("the system refused: ") + error.what()};
  } catch (const std::exception& error) {
    return {kExitMachine, std::string("internal error: ") + error.what() + kReport};
  } catch (...) {
    return {kExitMachine, std::string("internal error of an unknown kind") + kReport};
  }
}

}  // namespace pixmill::cli

#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

/// The room without doors that a worker is in before it sees the first byte of a picture: no_new_privs, a filter that
/// ends the process at any system call but those of allowed_calls(), limits that cannot be raised again, no descriptor
/// but its bell, and, where the kernel has Landlock, that with nothing allowed.
///
/// The worker locks itself in; the coordinator looks from outside whether it is.
namespace pixmill::ipc {

/// Sanitizers call the kernel as they please, so builds with one have no sandbox.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSandboxInThisBuild = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
inline constexpr bool kSandboxInThisBuild = false;
#else
inline constexpr bool kSandboxInThisBuild = true;
#endif
#else
inline constexpr bool kSandboxInThisBuild = true;
#endif

/// What could not be done, and why. Crosses shared memory as two numbers.
struct SandboxTrouble {
  enum class Step : std::uint64_t { descriptors = 1, limits, personality, no_new_privs, landlock, filter };
  Step step = Step::filter;
  int error = 0;  ///< errno.
};
/// In words, with the usual reason.
[[nodiscard]] std::string describe(const SandboxTrouble& trouble);

/// The same for what a worker says of itself: any two numbers.
[[nodiscard]] std::string describe_sandbox_trouble(const std::array<std::uint64_t, 2>& step_and_error);

/// Done once in the process that workers are forked from, saves each worker the time: what the C library and libseccomp
/// ask the kernel once.
void prepare_lock_in();

/// Locks the calling process in, for good. For a process with one thread that has mapped and opened all that it will
/// ever need; every descriptor but `bell` is closed. `also`: numbers of system calls that are allowed beside the list,
/// whatever their arguments. Something is returned if it failed: the process is then half locked in, and of no use.
/// About a quarter of a millisecond.
[[nodiscard]] std::optional<SandboxTrouble> lock_in(int bell, std::span<const int> also = {}) noexcept;

/// The name of a system call, such as "getppid"; empty if the number is none that libseccomp knows.
[[nodiscard]] std::string call_name(int number);

/// Looks from outside, in /proc, whether a process that was forked by this thread, or from its fork server, is locked
/// in: it has no_new_privs, a filter, and more filters than this thread. Empty: it is. Else what is missing.
[[nodiscard]] std::string missing_lock(pid_t process);

/// What the sandbox would be on this machine: tries it in a forked child, looked at as a worker is.
struct SandboxTrial {
  std::string missing;   ///< Why there is none; empty: it works.
  int landlock_abi = 0;  ///< 0: the kernel has none.
};
[[nodiscard]] SandboxTrial try_sandbox();

}  // namespace pixmill::ipc

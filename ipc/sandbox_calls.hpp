#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace pixmill::ipc {

/// Of the bits of one argument in `mask`, those of `value` are set and no others. The kernel looks at the low 32 bits
/// of an int alone, so that is what their masks hold.
struct ArgumentCondition {
  unsigned argument = 0;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
};

/// One way in which a worker that is locked in may call the kernel.
struct AllowedCall {
  std::string_view name;
  int number = 0;
  std::vector<ArgumentCondition> when;  ///< All must hold; pointers can never be judged.
  std::string_view only;                ///< `when` in words; empty: whatever the arguments.
  std::string_view why;
};

/// Every call that is allowed; any other ends the process. A call may have several rows: any of them allows it. What
/// SECURITY.md lists, row by row; a test compares the two.
///
/// `bell`: the only descriptor that the worker keeps. `process`, `thread`: its own ids.
[[nodiscard]] std::vector<AllowedCall> allowed_calls(int bell, pid_t process, pid_t thread);

}  // namespace pixmill::ipc

#pragma once

#include <pixmill/export.hpp>

#include <stdexcept>
#include <string>

namespace pixmill {

/// Why an operation as a whole could not be done. What happens to a single image is a Verdict, never an Error.
enum class ErrorCode {
  usage,    ///< The caller asked for something that does not exist or does not fit together.
  machine,  ///< The machine cannot give what was asked: memory, disk, a lock, a process.
};

/// Thrown for wrong use and for want of resources. `what()` is one sentence that names what is wrong, where, and what
/// to do about it; it is fit to be shown to a person as it stands.
class PIXMILL_API Error : public std::runtime_error {
 public:
  /// With one sentence for people.
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  /// Whose mistake it is.
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace pixmill

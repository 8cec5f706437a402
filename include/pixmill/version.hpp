#pragma once

#include <pixmill/export.hpp>

/// The version of these headers. The build system reads it here. Semantic versioning; while the first number is 0, a
/// new second one may break programs and gets a new soname.
#define PIXMILL_VERSION_MAJOR 0
#define PIXMILL_VERSION_MINOR 1
#define PIXMILL_VERSION_PATCH 0

namespace pixmill {

/// The version of the library that is linked: "0.1.0". Static storage; any thread.
[[nodiscard]] PIXMILL_API const char* version();

}  // namespace pixmill

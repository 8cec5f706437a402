#pragma once

#include <pixmill/pool.hpp>

namespace pixmill::pipeline {

/// The options with every default written out. Throws Error: (usage) for what makes no sense, (machine) for what this
/// build cannot do.
[[nodiscard]] PoolOptions settled(PoolOptions options);

/// Throws Error (usage) unless an image of this kind may be asked of Pool::acquire().
void check_wish(const PoolOptions& options, int rows, int columns, int type);

}  // namespace pixmill::pipeline

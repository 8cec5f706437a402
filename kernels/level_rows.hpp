#pragma once

#include "kernels/level_table.hpp"

#include <cstddef>
#include <cstdint>

/// Rows of levels through a table: vectorised where the table is a split or a step, and plainly for any table.
namespace pixmill::kernels {

/// Maps `count` levels through `split`. `in` and `out` are uint8_t or uint16_t by `depth`, and may be the same.
void map_row(const LevelTable::Split& split, Depth depth, const void* in, std::size_t count, void* out);
/// Packs `width` levels into bits by comparing them; see pack_row().
void pack_row(const LevelTable::Step& step, Depth depth, const void* row, int width, std::uint8_t* bits);

/// The same by looking each level up: for every other table, and the oracle of the two above.
void map_row_by_lookup(const LevelTable& table, const void* in, std::size_t count, void* out);
void pack_row_by_lookup(const LevelTable& table, const void* row, int width, std::uint8_t* bits);

}  // namespace pixmill::kernels

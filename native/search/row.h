#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "search/search_space.h"

namespace visage::search {

/// A row is what the store keeps of a template: its coordinates in the pack's search space, scaled to length
/// 1, as little-endian half-precision numbers (IEEE 754 binary16). A zero template has a zero row. In a space
/// with a cohort, the row's offset follows as float32 (Cohort).
///
/// Stores of schema 3 keep the template itself, as float32. All functions that read rows take such bytes too,
/// and rows without an offset; the length tells them apart.

std::size_t RowBytes(const SearchSpace& space);
/// @returns whether `count` faces of rows, or of templates, have this many bytes.
bool AreRows(const SearchSpace& space, std::size_t bytes, std::size_t count);

/// @param vector `space.dimension()` finite floats. @param row receives `RowBytes(space)` bytes.
void WriteRow(const SearchSpace& space, std::span<const float> vector, std::span<std::byte> row);
/// @param bytes of one face, unaligned. @param coordinates receives `space.rank()` floats. @returns the row's
/// offset; 0 without a cohort. @throws base::Error kInternal unless all numbers are finite.
float ReadRow(const SearchSpace& space, std::span<const std::byte> bytes, std::span<float> coordinates);

/// The scores that a search of the rows would give, to the bit. @throws base::Error as ReadRow.
std::vector<float> CompareRows(const SearchSpace& space, std::span<const std::byte> probe,
                               std::span<const std::span<const std::byte>> rows);

/// The row of the rows' mean. @param least score; nothing if the average of the pairs, or any row's score
/// with the mean of the other rows, is below. @param rows at least two. @throws base::Error as ReadRow.
std::optional<std::vector<std::byte>> MeanRow(const SearchSpace& space,
                                              std::span<const std::span<const std::byte>> rows, double least);

}  // namespace visage::search

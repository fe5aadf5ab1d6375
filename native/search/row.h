#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "search/search_space.h"

namespace visage::search {

/// A row is a stored template: its coordinates in the pack's search space, scaled to length 1, as
/// little-endian IEEE 754 binary16. A zero template has a zero row. In a space with a cohort, the row's
/// float32 offset follows.
///
/// Functions that read rows also take rows without an offset and float32 templates (stores of schema 3); the
/// length tells them apart.

std::size_t RowBytes(const SearchSpace& space);
/// Whether `count` rows, or templates, have this many bytes.
bool AreRows(const SearchSpace& space, std::size_t bytes, std::size_t count);

/// @param vector `space.dimension()` finite floats. @param row receives `RowBytes(space)` bytes.
void WriteRow(const SearchSpace& space, std::span<const float> vector, std::span<std::byte> row);
/// @param bytes of one face, unaligned. @param coordinates receives `space.rank()` floats. @returns the row's
/// offset; 0 without a cohort. @throws base::Error kInternal unless all numbers are finite.
float ReadRow(const SearchSpace& space, std::span<const std::byte> bytes, std::span<float> coordinates);

/// The scores of a search of the rows, to the bit. @throws base::Error as ReadRow.
std::vector<float> CompareRows(const SearchSpace& space, std::span<const std::byte> probe,
                               std::span<const std::span<const std::byte>> rows);

/// The row of the rows' mean. @param least score; nothing if the average of the pairs, or a row's score with
/// the others' mean, is below. @param rows at least two. @throws base::Error as ReadRow.
std::optional<std::vector<std::byte>> MeanRow(const SearchSpace& space,
                                              std::span<const std::span<const std::byte>> rows, double least);

}  // namespace visage::search

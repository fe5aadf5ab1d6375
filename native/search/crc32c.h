#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace visage::search {

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the processor's instruction where it has one.
/// @param crc of the bytes before, 0 for none. @returns that of both together.
std::uint32_t Crc32c(std::uint32_t crc, std::span<const std::byte> bytes);

}  // namespace visage::search

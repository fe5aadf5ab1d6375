#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace visage::search {

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4). @param crc of the earlier bytes, 0 for none.
std::uint32_t Crc32c(std::uint32_t crc, std::span<const std::byte> bytes);

}  // namespace visage::search

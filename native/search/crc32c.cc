#include "search/crc32c.h"

#include <array>
#include <cstring>

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace visage::search {
namespace {

#if defined(__SSE4_2__)

std::uint64_t Step8(std::uint64_t crc, std::uint64_t word) { return _mm_crc32_u64(crc, word); }
std::uint32_t Step1(std::uint32_t crc, std::uint8_t byte) { return _mm_crc32_u8(crc, byte); }

#elif defined(__ARM_FEATURE_CRC32)

std::uint64_t Step8(std::uint64_t crc, std::uint64_t word) {
  return __crc32cd(static_cast<std::uint32_t>(crc), word);
}
std::uint32_t Step1(std::uint32_t crc, std::uint8_t byte) { return __crc32cb(crc, byte); }

#else

constexpr std::uint32_t kPolynomial = 0x82F63B78;

constexpr std::array<std::uint32_t, 256> kTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}();

std::uint32_t Step1(std::uint32_t crc, std::uint8_t byte) { return (crc >> 8) ^ kTable[(crc ^ byte) & 0xFF]; }

std::uint64_t Step8(std::uint64_t crc, std::uint64_t word) {
  auto value = static_cast<std::uint32_t>(crc);
  for (int shift = 0; shift < 64; shift += 8) value = Step1(value, static_cast<std::uint8_t>(word >> shift));
  return value;
}

#endif

}  // namespace

std::uint32_t Crc32c(std::uint32_t crc, std::span<const std::byte> bytes) {
  std::uint64_t state = crc ^ 0xFFFFFFFFU;
  while (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    state = Step8(state, word);
    bytes = bytes.subspan(sizeof word);
  }
  auto rest = static_cast<std::uint32_t>(state);
  for (const std::byte byte : bytes) rest = Step1(rest, static_cast<std::uint8_t>(byte));
  return rest ^ 0xFFFFFFFFU;
}

}  // namespace visage::search

#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace visage::search {

/// The signs of a vector's values, a bit each, in PaddedDimension / 64 words: a guess of its angle to another
/// vector from an eighth of the memory of its high plane. The share of bits that differ is, in the mean over
/// directions, the angle over pi.
///
/// M. Charikar, Similarity estimation techniques from rounding algorithms, STOC 2002.
template <typename Value>
void MakeSketch(const Value* values, std::size_t words, std::uint64_t* sketch) {
  for (std::size_t word = 0; word < words; ++word) {
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < 64; ++i) {
      bits |= static_cast<std::uint64_t>(values[word * 64 + i] < 0) << i;
    }
    sketch[word] = bits;
  }
}

inline int DifferingBits(const std::uint64_t* a, const std::uint64_t* b, std::size_t words) {
  int differing = 0;
  for (std::size_t i = 0; i < words; ++i) differing += std::popcount(a[i] ^ b[i]);
  return differing;
}

/// Up to how many bits of two sketches differ where the vectors' cosine is at least so and so large, with few
/// exceptions. Immutable.
class SketchBound {
 public:
  explicit SketchBound(std::size_t dimension);

  int MostDiffering(float cosine) const {
    const float place = (cosine + 1) * (kSteps / 2.0F);
    if (!(place > 0)) return most_.front();
    return place < kSteps ? most_[static_cast<std::size_t>(place)] : most_.back();
  }

 private:
  static constexpr int kSteps = 512;

  std::array<int, kSteps + 1> most_;
};

}  // namespace visage::search

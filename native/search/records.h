#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

namespace visage::search {

/// Records of one size in memory that never moves, so that any thread reads those it knows of without a lock
/// while others are added. A new record is all zeros.
class Records {
 public:
  /// @param size bytes of a record, a multiple of 4.
  explicit Records(std::size_t size) : size_(size) {}
  ~Records();
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;

  std::size_t size() const { return size_; }

  /// Makes room for records up to `index`. From any thread. @throws std::bad_alloc.
  void Reach(std::uint32_t index);

  /// Makes room for the first `count` and has `read` fill their memory, piece after piece.
  template <typename Reader>
  void Read(std::uint32_t count, const Reader& read) {
    // No chunk ends within a piece.
    constexpr std::uint32_t kPiece = std::uint32_t{1} << kFirstBits;
    for (std::uint32_t first = 0; first < count; first += kPiece) {
      Reach(first);
      read(std::span((*this)[first], std::min(count - first, kPiece) * size_));
    }
  }

  /// @param index that was reached before.
  std::byte* operator[](std::uint32_t index) const {
    const unsigned chunk = ChunkOf(index);
    return chunks_[chunk].load(std::memory_order_acquire) + (index - FirstOf(chunk)) * size_;
  }

 private:
  /// The first chunk has `1 << kFirstBits` records, and each other as many as all before it: what is not used
  /// of it is address space and no memory.
  static constexpr unsigned kFirstBits = 12;
  static unsigned ChunkOf(std::uint32_t index) {
    return static_cast<unsigned>(std::bit_width(index >> kFirstBits));
  }
  static std::uint32_t FirstOf(unsigned chunk) {
    return chunk == 0 ? 0 : std::uint32_t{1} << (kFirstBits + chunk - 1);
  }
  std::size_t BytesOf(unsigned chunk) const {
    return (std::size_t{1} << (chunk == 0 ? kFirstBits : kFirstBits + chunk - 1)) * size_;
  }

  const std::size_t size_;
  std::array<std::atomic<std::byte*>, 33 - kFirstBits> chunks_{};
  std::mutex growing_;
};

}  // namespace visage::search

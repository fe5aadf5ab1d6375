#include "search/records.h"

#include <sys/mman.h>

#include <new>

namespace visage::search {

Records::~Records() {
  for (unsigned i = 0; i < chunks_.size(); ++i) {
    if (std::byte* chunk = chunks_[i].load()) munmap(chunk, BytesOf(i));
  }
}

void Records::Reach(std::uint32_t index) {
  std::atomic<std::byte*>& chunk = chunks_[ChunkOf(index)];
  if (chunk.load(std::memory_order_acquire) != nullptr) return;
  const std::lock_guard lock(growing_);
  if (chunk.load(std::memory_order_relaxed) != nullptr) return;
  const std::size_t bytes = BytesOf(ChunkOf(index));
  void* memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  madvise(memory, bytes, MADV_HUGEPAGE);
  // Sketches are of people as templates are.
  madvise(memory, bytes, MADV_DONTDUMP);
  chunk.store(static_cast<std::byte*>(memory), std::memory_order_release);
}

}  // namespace visage::search

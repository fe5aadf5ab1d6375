#include "search/label_table.h"

#include <algorithm>
#include <utility>

namespace visage::search {

std::uint64_t LabelTable::Hash(std::int64_t label) {
  // SplitMix64's finaliser (Steele, Lea, Flood, 2014) spreads consecutive labels over all bits.
  auto hash = static_cast<std::uint64_t>(label);
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

std::size_t LabelTable::SlotOf(const Part& part, std::int64_t label, std::uint64_t hash) const {
  const std::size_t mask = part.slots.size() - 1;
  std::size_t slot = hash & mask;
  while (part.slots[slot] != kEmpty && codes_.label(part.slots[slot]) != label) slot = (slot + 1) & mask;
  return slot;
}

void LabelTable::Grow(Part& part) {
  Part larger;
  larger.slots.resize(std::max(kLeastSlots, 2 * part.slots.size()), kEmpty);
  larger.used = part.used;
  for (const Row row : part.slots) {
    if (row == kEmpty) continue;
    const std::int64_t label = codes_.label(row);
    larger.slots[SlotOf(larger, label, Hash(label))] = row;
  }
  slots_ += larger.slots.size() - part.slots.size();
  part = std::move(larger);
}

std::optional<LabelTable::Row> LabelTable::Find(std::int64_t label) const {
  const std::uint64_t hash = Hash(label);
  const Part& part = parts_[PartOf(hash)];
  if (part.slots.empty()) return {};
  const Row row = part.slots[SlotOf(part, label, hash)];
  return row == kEmpty ? std::nullopt : std::optional(row);
}

std::optional<LabelTable::Row> LabelTable::Put(Row row) {
  const std::int64_t label = codes_.label(row);
  const std::uint64_t hash = Hash(label);
  Part& part = parts_[PartOf(hash)];
  if (4 * (part.used + 1) > 3 * part.slots.size()) Grow(part);
  Row& held = part.slots[SlotOf(part, label, hash)];
  const Row before = std::exchange(held, row);
  if (before != kEmpty) return before;
  ++part.used;
  ++size_;
  return {};
}

std::optional<LabelTable::Row> LabelTable::Take(std::int64_t label) {
  const std::uint64_t hash = Hash(label);
  Part& part = parts_[PartOf(hash)];
  if (part.slots.empty()) return {};
  const std::size_t mask = part.slots.size() - 1;
  std::size_t hole = SlotOf(part, label, hash);
  const Row taken = part.slots[hole];
  if (taken == kEmpty) return {};
  // Closes the hole, which would cut off later rows from their slots.
  for (std::size_t slot = (hole + 1) & mask; part.slots[slot] != kEmpty; slot = (slot + 1) & mask) {
    const std::size_t own = Hash(codes_.label(part.slots[slot])) & mask;
    if (((slot - own) & mask) < ((slot - hole) & mask)) continue;
    part.slots[hole] = part.slots[slot];
    hole = slot;
  }
  part.slots[hole] = kEmpty;
  --part.used;
  --size_;
  return taken;
}

}  // namespace visage::search

#include "decode/heif_file.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace visage::decode {
namespace {

/// A phone's image has about 50 items, a burst of them 1,000.
constexpr std::size_t kMaxItems = 10'000;
constexpr std::size_t kMaxProperties = 10'000;
constexpr std::size_t kMaxLinks = 100'000;
/// Bytes of all reads, in sizes of the file.
constexpr std::uint64_t kMaxReads = 4;

[[noreturn]] void RefuseBroken() {
  throw base::Error(base::ErrorCode::kInvalidImage, "The HEIF file is cut short or broken.");
}

Cursor Open(std::span<const std::uint8_t> content) { return Cursor(content, "HEIF"); }

bool Holds(const std::vector<std::uint32_t>& ids, std::uint32_t id) {
  return std::ranges::find(ids, id) != ids.end();
}

struct FullBox {
  int version;
  std::uint32_t flags;
};

FullBox ReadHead(Cursor& cursor) {
  const std::uint32_t head = cursor.U32();
  return {static_cast<int>(head >> 24), head & 0xFFFFFF};
}

}  // namespace

const Box* HeifItem::Find(std::uint32_t property) const {
  const auto found = std::ranges::find(properties, property, &Box::type);
  return found == properties.end() ? nullptr : &*found;
}

HeifFile::HeifFile(std::span<const std::uint8_t> bytes) : bytes_(bytes), readable_(kMaxReads * bytes.size()) {
  std::span<const std::uint8_t> meta;
  BoxReader top(bytes);
  while (const auto box = top.Next()) {
    if (box->type == FourCharacters("meta") && meta.empty()) meta = box->content;
  }
  if (meta.empty()) {
    throw base::Error(base::ErrorCode::kUnsupportedImage,
                      "The HEIF file holds a video or is cut short; only still images are supported.");
  }
  Open(meta).Take(4);
  std::span<const std::uint8_t> properties;
  BoxReader parts(meta.subspan(4));
  while (const auto box = parts.Next()) {
    Cursor cursor = Open(box->content);
    switch (box->type) {
      case FourCharacters("pitm"):
        primary_ = ReadHead(cursor).version == 0 ? cursor.U16() : cursor.U32();
        break;
      case FourCharacters("iinf"):
        ReadItems(cursor);
        break;
      case FourCharacters("iloc"):
        ReadPlaces(cursor);
        break;
      case FourCharacters("iref"):
        ReadReferences(cursor);
        break;
      case FourCharacters("iprp"):
        properties = box->content;
        break;
      case FourCharacters("idat"):
        meta_data_ = box->content;
        break;
      default:
        break;
    }
  }
  ReadProperties(properties);
  for (const Reference& reference : references_) {
    const auto item = items_.find(reference.from);
    if (reference.type == FourCharacters("dimg") && item != items_.end()) item->second.inputs = reference.to;
  }
}

void HeifFile::ReadItems(Cursor cursor) {
  const std::uint32_t count = ReadHead(cursor).version == 0 ? cursor.U16() : cursor.U32();
  if (count > kMaxItems) RefuseBroken();
  BoxReader entries(cursor.rest());
  while (const auto box = entries.Next()) {
    if (box->type != FourCharacters("infe")) continue;
    Cursor entry = Open(box->content);
    const int version = ReadHead(entry).version;
    if (version < 2) continue;
    const std::uint32_t id = version == 2 ? entry.U16() : entry.U32();
    entry.U16();
    items_[id].type = entry.U32();
    if (items_.size() > kMaxItems) RefuseBroken();
  }
}

void HeifFile::ReadPlaces(Cursor cursor) {
  const int version = ReadHead(cursor).version;
  const std::uint16_t sizes = cursor.U16();
  const std::size_t offset_size = sizes >> 12, length_size = sizes >> 8 & 15, base_size = sizes >> 4 & 15;
  const std::size_t index_size = version == 0 ? 0 : sizes & 15;
  if (std::max({offset_size, length_size, base_size, index_size}) > 8) RefuseBroken();
  const std::uint32_t count = version < 2 ? cursor.U16() : cursor.U32();
  std::size_t extents = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t id = version < 2 ? cursor.U16() : cursor.U32();
    Place place;
    const int method = version == 0 ? 0 : cursor.U16() & 15;
    place.in_meta = method == 1;
    const std::uint16_t file = cursor.U16();
    place.supported = method <= 1 && file == 0;
    const std::uint64_t base = cursor.Number(base_size);
    const int parts = cursor.U16();
    extents += static_cast<std::size_t>(parts);
    if (extents > kMaxLinks) RefuseBroken();
    for (int k = 0; k < parts; ++k) {
      cursor.Number(index_size);
      const std::uint64_t offset = base + cursor.Number(offset_size);
      place.extents.push_back({offset, cursor.Number(length_size)});
    }
    places_[id] = std::move(place);
    if (places_.size() > kMaxItems) RefuseBroken();
  }
}

void HeifFile::ReadReferences(Cursor cursor) {
  const bool wide = ReadHead(cursor).version != 0;
  std::size_t links = 0;
  BoxReader boxes(cursor.rest());
  while (const auto box = boxes.Next()) {
    Cursor entry = Open(box->content);
    Reference reference = {.type = box->type, .from = wide ? entry.U32() : entry.U16(), .to = {}};
    const int count = entry.U16();
    links += static_cast<std::size_t>(count) + 1;
    if (links > kMaxLinks) RefuseBroken();
    for (int i = 0; i < count; ++i) reference.to.push_back(wide ? entry.U32() : entry.U16());
    references_.push_back(std::move(reference));
  }
}

void HeifFile::ReadProperties(std::span<const std::uint8_t> content) {
  std::vector<Box> properties;
  BoxReader containers(content);
  while (const auto box = containers.Next()) {
    if (box->type != FourCharacters("ipco")) continue;
    BoxReader reader(box->content);
    while (const auto property = reader.Next()) {
      properties.push_back(*property);
      if (properties.size() > kMaxProperties) RefuseBroken();
    }
  }
  BoxReader again(content);
  while (const auto box = again.Next()) {
    if (box->type == FourCharacters("ipma")) ReadAssociations(Open(box->content), properties);
  }
}

void HeifFile::ReadAssociations(Cursor cursor, const std::vector<Box>& properties) {
  const FullBox head = ReadHead(cursor);
  const std::uint32_t count = cursor.U32();
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t id = head.version == 0 ? cursor.U16() : cursor.U32();
    const int links = cursor.U8();
    const auto item = items_.find(id);
    for (int k = 0; k < links; ++k) {
      const std::size_t index = (head.flags & 1) != 0 ? cursor.U16() & 0x7FFF : cursor.U8() & 0x7F;
      if (item == items_.end() || index == 0 || index > properties.size()) continue;
      item->second.properties.push_back(properties[index - 1]);
      if (item->second.properties.size() > kMaxProperties) RefuseBroken();
    }
  }
}

const HeifItem& HeifFile::Item(std::uint32_t id) const {
  const auto found = items_.find(id);
  if (found == items_.end()) RefuseBroken();
  return found->second;
}

std::uint32_t HeifFile::AlphaOf(std::uint32_t id) const {
  for (const Reference& reference : references_) {
    if (reference.type != FourCharacters("auxl") || !Holds(reference.to, id)) continue;
    const auto item = items_.find(reference.from);
    const Box* const kind = item == items_.end() ? nullptr : item->second.Find(FourCharacters("auxC"));
    if (kind == nullptr || kind->content.size() < 4) continue;
    const auto text = kind->content.subspan(4);
    const auto end = std::ranges::find(text, 0);
    const std::string_view urn(reinterpret_cast<const char*>(text.data()),
                               static_cast<std::size_t>(end - text.begin()));
    if (urn == "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha" || urn == "urn:mpeg:hevc:2015:auxid:1") {
      return reference.from;
    }
  }
  return 0;
}

bool HeifFile::IsPremultiplied(std::uint32_t id, std::uint32_t alpha) const {
  return std::ranges::any_of(references_, [&](const Reference& reference) {
    return reference.type == FourCharacters("prem") && reference.from == id && Holds(reference.to, alpha);
  });
}

std::vector<std::uint8_t> HeifFile::Read(std::uint32_t id) {
  const auto found = places_.find(id);
  if (found == places_.end()) RefuseBroken();
  const Place& place = found->second;
  if (!place.supported) {
    throw base::Error(base::ErrorCode::kUnsupportedImage,
                      "The HEIF file keeps its image in a way that is not supported.");
  }
  const auto source = place.in_meta ? meta_data_ : bytes_;
  std::vector<std::uint8_t> data;
  for (const Extent& extent : place.extents) {
    if (extent.offset > source.size()) RefuseBroken();
    const std::uint64_t length = extent.length == 0 ? source.size() - extent.offset : extent.length;
    if (length > source.size() - extent.offset || length > readable_) RefuseBroken();
    readable_ -= length;
    const auto part =
        source.subspan(static_cast<std::size_t>(extent.offset), static_cast<std::size_t>(length));
    data.insert(data.end(), part.begin(), part.end());
  }
  return data;
}

}  // namespace visage::decode

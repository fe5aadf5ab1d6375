#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "decode/boxes.h"

namespace visage::decode {

/// ISO/IEC 23008-12: a coded picture, a derived one, or metadata.
struct HeifItem {
  std::uint32_t type = 0;
  /// In the order of application.
  std::vector<Box> properties;
  std::vector<std::uint32_t> inputs;

  /// Null if missing.
  const Box* Find(std::uint32_t property) const;
};

/// Reads a HEIF file's boxes, with limits on items, properties and references. Borrows the bytes.
class HeifFile {
 public:
  /// @throws kInvalidImage, or kUnsupportedImage for a file without still images.
  explicit HeifFile(std::span<const std::uint8_t> bytes);

  std::uint32_t primary() const { return primary_; }
  /// @throws kInvalidImage if missing.
  const HeifItem& Item(std::uint32_t id) const;
  /// 0 if missing.
  std::uint32_t AlphaOf(std::uint32_t id) const;
  bool IsPremultiplied(std::uint32_t id, std::uint32_t alpha) const;
  /// Items may share bytes, so all reads return at most a few times the file's size.
  /// @throws kInvalidImage.
  std::vector<std::uint8_t> Read(std::uint32_t id);

 private:
  struct Extent {
    std::uint64_t offset;
    std::uint64_t length;
  };
  struct Place {
    bool in_meta = false;
    bool supported = true;
    std::vector<Extent> extents;
  };
  struct Reference {
    std::uint32_t type;
    std::uint32_t from;
    std::vector<std::uint32_t> to;
  };

  void ReadItems(Cursor cursor);
  void ReadPlaces(Cursor cursor);
  void ReadReferences(Cursor cursor);
  void ReadProperties(std::span<const std::uint8_t> content);
  void ReadAssociations(Cursor cursor, const std::vector<Box>& properties);

  std::span<const std::uint8_t> bytes_;
  std::span<const std::uint8_t> meta_data_;
  std::uint32_t primary_ = 0;
  std::map<std::uint32_t, HeifItem> items_;
  std::map<std::uint32_t, Place> places_;
  std::vector<Reference> references_;
  std::uint64_t readable_;
};

}  // namespace visage::decode

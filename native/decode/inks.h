#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace visage::decode {

/// Converts four inverted inks, 255 is none, to sRGB. Thread-safe.
class InkConverter {
 public:
  static constexpr int kInks = 4;

  /// @param icc not validated. Without a profile of four inks or lcms2, each ink absorbs its share of light.
  explicit InkConverter(std::span<const std::uint8_t> icc);
  ~InkConverter();
  InkConverter(const InkConverter&) = delete;
  InkConverter& operator=(const InkConverter&) = delete;

  void Convert(const std::uint8_t* inks, std::uint8_t* rgb, int pixels) const;

 private:
  struct Transform;
  std::unique_ptr<Transform> transform_;
};

}  // namespace visage::decode

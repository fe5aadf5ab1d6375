#include "decode/icc.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "decode/bytes.h"

namespace visage::decode {
namespace {

constexpr std::size_t kMaxProfileBytes = 4 << 20;
/// Hides multi-process elements (ICC.1, 9.2.17), which may cost lcms2 minutes. Profiles with them have lookup
/// tables too.
void HideElements(std::span<std::uint8_t> icc) {
  constexpr std::size_t kCount = 128, kFirst = 132, kTagBytes = 12;
  constexpr std::string_view kName = "D2B";
  const std::uint32_t count = ByteReader(icc, ByteOrder::kBig).U32(kCount).value_or(0);
  for (std::size_t i = 0, at = kFirst; i < count && at + kTagBytes <= icc.size(); ++i, at += kTagBytes) {
    if (std::equal(kName.begin(), kName.end(), icc.begin() + static_cast<std::ptrdiff_t>(at))) icc[at] = 0;
  }
}

}  // namespace

Profile OpenProfile(std::span<const std::uint8_t> icc) {
  if (icc.empty() || icc.size() > kMaxProfileBytes) return nullptr;
  std::vector<std::uint8_t> copy(icc.begin(), icc.end());
  HideElements(copy);
  return Profile(cmsOpenProfileFromMem(copy.data(), static_cast<cmsUInt32Number>(copy.size())));
}

TransformPtr MakeTransform(void* from, cmsUInt32Number type) {
  const Profile srgb(cmsCreate_sRGBProfile());
  return TransformPtr(
      cmsCreateTransform(from, type, srgb.get(), TYPE_RGB_8, INTENT_PERCEPTUAL, cmsFLAGS_NOCACHE));
}

}  // namespace visage::decode

#include "decode/inks.h"

#include "base/image.h"

#ifdef VISAGE_ICC
#include "decode/icc.h"
#endif

namespace visage::decode {

struct InkConverter::Transform {
#ifdef VISAGE_ICC
  TransformPtr to_srgb;
#endif
};

InkConverter::InkConverter([[maybe_unused]] std::span<const std::uint8_t> icc) {
#ifdef VISAGE_ICC
  const Profile profile = OpenProfile(icc);
  if (!profile || cmsGetColorSpace(profile.get()) != cmsSigCmykData) return;
  TransformPtr to_srgb = MakeTransform(profile.get(), TYPE_CMYK_8_REV);
  if (to_srgb) transform_ = std::make_unique<Transform>(std::move(to_srgb));
#endif
}

InkConverter::~InkConverter() = default;

void InkConverter::Convert(const std::uint8_t* inks, std::uint8_t* rgb, int pixels) const {
#ifdef VISAGE_ICC
  if (transform_) {
    cmsDoTransform(transform_->to_srgb.get(), inks, rgb, static_cast<cmsUInt32Number>(pixels));
    return;
  }
#endif
  for (int x = 0; x < pixels; ++x, inks += kInks, rgb += base::Image::kChannels) {
    const int light = inks[3];
    for (int c = 0; c < base::Image::kChannels; ++c) {
      rgb[c] = static_cast<std::uint8_t>((inks[c] * light + 127) / 255);
    }
  }
}

}  // namespace visage::decode

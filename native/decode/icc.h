#pragma once

#include <lcms2.h>

#include <cstdint>
#include <memory>
#include <span>

namespace visage::decode {

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
struct DeleteTransform {
  void operator()(void* transform) const { cmsDeleteTransform(transform); }
};
using Profile = std::unique_ptr<void, CloseProfile>;
using TransformPtr = std::unique_ptr<void, DeleteTransform>;

/// @returns null if broken or too large.
Profile OpenProfile(std::span<const std::uint8_t> icc);

TransformPtr MakeTransform(void* from, cmsUInt32Number type);

}  // namespace visage::decode

#pragma once

#include <napi.h>

namespace visage::addon {

Napi::Value ReadSnapshotInfo(const Napi::CallbackInfo& info);

}  // namespace visage::addon

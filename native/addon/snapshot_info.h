#pragma once

#include <napi.h>

namespace visage::addon {

/// See `src/native/gallery-index.ts`.
Napi::Value ReadSnapshotInfo(const Napi::CallbackInfo& info);

}  // namespace visage::addon

#pragma once

#include <napi.h>

namespace visage {

/// `readSnapshotInfo(path)` of `src/native/gallery-index.ts`.
Napi::Value ReadSnapshotInfo(const Napi::CallbackInfo& info);

}  // namespace visage

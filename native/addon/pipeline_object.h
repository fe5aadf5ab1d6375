#pragma once

#include <napi.h>

namespace visage::addon {

/// See `src/native/pipeline.ts`.
Napi::Value LoadPipeline(const Napi::CallbackInfo& info);

/// See `src/native/pipeline.ts`.
Napi::Value DecodeImage(const Napi::CallbackInfo& info);

}  // namespace visage::addon

#pragma once

#include <napi.h>

namespace visage {

/// `loadPipeline(executor, options)` of `src/native.ts`.
Napi::Value LoadPipeline(const Napi::CallbackInfo& info);

/// `decodeImage(executor, image, encoding)` of `src/native.ts`.
Napi::Value DecodeImage(const Napi::CallbackInfo& info);

}  // namespace visage

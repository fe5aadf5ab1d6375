#pragma once

#include <napi.h>

namespace visage {

/// `loadPipeline(executor, options)` of `src/native/pipeline.ts`.
Napi::Value LoadPipeline(const Napi::CallbackInfo& info);

/// `decodeImage(executor, image, encoding)` of `src/native/pipeline.ts`.
Napi::Value DecodeImage(const Napi::CallbackInfo& info);

}  // namespace visage

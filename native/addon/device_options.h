#pragma once

#include <napi.h>

#include "runtime/device.h"

namespace visage {

/// Reads `DeviceOptions` of `src/native/device.ts`; the CPU where there are none.
/// @throws Napi::TypeError naming the field that is wrong.
Device ParseDevice(const Napi::Value& value);

/// `whyUnavailable(provider)` of `src/native/device.ts`: a sentence, or null.
Napi::Value WhyUnavailableText(const Napi::CallbackInfo& info);

/// `whyInputsUnavailable(library)` of `src/native/device.ts`: a sentence, or null.
Napi::Value WhyInputsUnavailableText(const Napi::CallbackInfo& info);

}  // namespace visage

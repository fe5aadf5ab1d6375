#pragma once

#include <napi.h>

#include "runtime/device.h"

namespace visage::addon {

/// Defaults to the CPU. @throws Napi::TypeError naming the invalid field.
runtime::Device ParseDevice(const Napi::Value& value);

/// A sentence or null.
Napi::Value WhyUnavailableText(const Napi::CallbackInfo& info);

/// A sentence or null.
Napi::Value WhyInputsUnavailableText(const Napi::CallbackInfo& info);

}  // namespace visage::addon

#pragma once

#include <napi.h>

#include <memory>

#include "search/search_space.h"

namespace visage::addon {

/// See `src/native/gallery-index.ts`.
Napi::Value OpenSearchSpace(const Napi::CallbackInfo& info);

/// Reads a handle of OpenSearchSpace, or the dimension of a whole space. @throws Napi::TypeError
std::shared_ptr<const search::SearchSpace> SpaceFrom(const Napi::Value& value);

}  // namespace visage::addon

#pragma once

#include <napi.h>

#include <memory>

#include "search/search_space.h"

namespace visage::addon {

Napi::Value OpenSearchSpace(const Napi::CallbackInfo& info);

/// A handle of OpenSearchSpace, or a dimension. @throws Napi::TypeError
std::shared_ptr<const search::SearchSpace> SpaceFrom(const Napi::Value& value);

}  // namespace visage::addon

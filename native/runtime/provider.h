#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/device.h"

namespace visage::runtime {

/// @param input name. @param shape -1 for a free size. @throws Ort::Exception without the provider's library.
void AppendProvider(Ort::SessionOptions& options, const Network& network, const std::string& input,
                    const std::vector<std::int64_t>& shape);

}  // namespace visage::runtime

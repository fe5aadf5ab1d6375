#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/device.h"

namespace visage::runtime {

void AppendProvider(Ort::SessionOptions& options, const Network& network, const std::string& input,
                    const std::vector<std::int64_t>& shape);

}  // namespace visage::runtime

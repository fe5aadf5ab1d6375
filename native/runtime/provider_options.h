#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/device.h"

namespace visage::runtime {

using ProviderOptions = std::vector<std::pair<std::string, std::string>>;

ProviderOptions CudaOptions(const Device& device);

ProviderOptions TensorRtOptions(const Network& network, const std::string& input,
                                const std::vector<std::int64_t>& shape);

}  // namespace visage::runtime

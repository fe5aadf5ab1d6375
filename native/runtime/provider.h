#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/device.h"

namespace visage {

/// Has a session run on a device, on the stream of its `Accelerator` where it has one.
/// @param input name of the network's input and its shape in the file, -1 for a free size.
/// @throws Ort::Exception where the provider's library, or one that it needs, is not there.
void AppendProvider(Ort::SessionOptions& options, const Network& network, const std::string& input,
                    const std::vector<std::int64_t>& shape);

}  // namespace visage

#pragma once

#include <onnxruntime_cxx_api.h>

namespace visage::runtime {

/// All networks share its memory arena. Never destroyed: networks may run while the process ends.
Ort::Env& OnnxEnvironment();

}  // namespace visage::runtime

#pragma once

#include <onnxruntime_cxx_api.h>

namespace visage::runtime {

/// Returns the process's environment; all networks share its memory arena. Never destroyed, because networks
/// may run while the process ends.
Ort::Env& OnnxEnvironment();

}  // namespace visage::runtime

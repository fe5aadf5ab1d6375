#pragma once

#include <onnxruntime_cxx_api.h>

namespace visage {

/// ONNX Runtime's environment: one a process, with one memory arena that all networks share.
///
/// Never destroyed: it must outlive every thread that may still be in a run while the process ends.
Ort::Env& OnnxEnvironment();

}  // namespace visage

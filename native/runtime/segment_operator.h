#pragma once

#include <onnxruntime_cxx_api.h>

namespace visage {

/// The domain of our own operators, to be added to the options of every session. It has one, `Segment`: its
/// one input is of floats, batch x channels x height x width, as are its outputs; its attributes are what the
/// constructor of `Segment` takes.
const Ort::CustomOpDomain& OperatorDomain();

}  // namespace visage

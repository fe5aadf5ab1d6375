#pragma once

#include <onnxruntime_cxx_api.h>

namespace visage {

/// The domain of our own operators, to be added to the options of every session. All values are floats, all
/// attributes what the constructor of the class of the same name takes.
///
/// `Segment`: its one input is batch x channels x height x width, as are its outputs.
/// `Columns`: its inputs are so too, its outputs batch x rows x columns.
const Ort::CustomOpDomain& OperatorDomain();

}  // namespace visage

#pragma once

#include <onnxruntime_cxx_api.h>

namespace visage::runtime {

/// Prepared files contain the operators' names.
///
/// `Segment` (`FusedSubgraph`): one input, outputs of batch x channels x height x width. `Columns`
/// (`DetectionHead`): inputs as above, outputs of batch x rows x columns.
const Ort::CustomOpDomain& OperatorDomain();

}  // namespace visage::runtime

#pragma once

#include <napi.h>

#include "pipeline/pipeline.h"

namespace visage {

/// Reads `PipelineOptions` of `src/native/pipeline-options.ts`.
/// @throws Napi::TypeError naming the field that is wrong.
/// @param device what runs every network.
PipelineOptions ParsePipelineOptions(const Napi::Value& value, const Device& device);

}  // namespace visage

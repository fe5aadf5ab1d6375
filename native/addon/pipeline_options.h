#pragma once

#include <napi.h>

#include "pipeline/pipeline.h"

namespace visage {

/// Reads `PipelineOptions` of `src/native.ts`. @throws Napi::TypeError naming the field that is wrong.
PipelineOptions ParsePipelineOptions(const Napi::Value& value);

}  // namespace visage

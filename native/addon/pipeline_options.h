#pragma once

#include <napi.h>

#include "pipeline/pipeline.h"

namespace visage::addon {

/// @throws Napi::TypeError naming the invalid field.
pipeline::PipelineOptions ParsePipelineOptions(const Napi::Value& value, const runtime::Device& device);

}  // namespace visage::addon

#pragma once

#include <napi.h>

#include "pipeline/pipeline.h"

namespace visage::addon {

pipeline::PipelineOptions ParsePipelineOptions(const Napi::Value& value, const runtime::Device& device);

}  // namespace visage::addon

#include "runtime/provider_options.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>

namespace {

using visage::runtime::Network;
using visage::runtime::ProviderOptions;

/// `provider_option_names` in microsoft/onnxruntime, cuda_execution_provider_info.cc, as of 1.18.
const std::set<std::string> kCudaNames = {
    "device_id",
    "has_user_compute_stream",
    "user_compute_stream",
    "gpu_mem_limit",
    "arena_extend_strategy",
    "cudnn_conv_algo_search",
    "do_copy_in_default_stream",
    "gpu_external_alloc",
    "gpu_external_free",
    "gpu_external_empty_cache",
    "cudnn_conv_use_max_workspace",
    "enable_cuda_graph",
    "cudnn_conv1d_pad_to_nc1d",
    "tunable_op_enable",
    "tunable_op_tuning_enable",
    "tunable_op_max_tuning_duration_ms",
    "enable_skip_layer_norm_strict_mode",
    "prefer_nhwc",
    "use_ep_level_unified_stream",
    "use_tf32",
};

const std::map<std::string, std::set<std::string>> kCudaValues = {
    {"arena_extend_strategy", {"kNextPowerOfTwo", "kSameAsRequested"}},
    {"cudnn_conv_algo_search", {"EXHAUSTIVE", "HEURISTIC", "DEFAULT"}},
};

/// tensorrt_execution_provider_info.cc of microsoft/onnxruntime at 3a282a295475775510fbfa5234bda55a2db6f015.
const std::set<std::string> kTensorRtNames = {
    "device_id",
    "has_user_compute_stream",
    "trt_max_partition_iterations",
    "trt_min_subgraph_size",
    "trt_max_workspace_size",
    "trt_fp16_enable",
    "trt_int8_enable",
    "trt_int8_calibration_table_name",
    "trt_int8_use_native_calibration_table",
    "trt_dla_enable",
    "trt_dla_core",
    "trt_dump_subgraphs",
    "trt_engine_cache_enable",
    "trt_engine_cache_path",
    "trt_engine_cache_prefix",
    "trt_engine_decryption_enable",
    "trt_engine_decryption_lib_path",
    "trt_force_sequential_engine_build",
    "trt_context_memory_sharing_enable",
    "trt_layer_norm_fp32_fallback",
    "trt_timing_cache_enable",
    "trt_timing_cache_path",
    "trt_force_timing_cache",
    "trt_detailed_build_log",
    "trt_build_heuristics_enable",
    "trt_sparsity_enable",
    "trt_builder_optimization_level",
    "trt_auxiliary_streams",
    "trt_tactic_sources",
    "trt_extra_plugin_lib_paths",
    "trt_profile_min_shapes",
    "trt_profile_max_shapes",
    "trt_profile_opt_shapes",
    "trt_cuda_graph_enable",
};

const Network kNetwork = {
    .file = "engines/0123/embedder.onnx",
    .device = {
        .provider = {}, .max_batch = 8, .max_delay = {}, .memory_limit = 1 << 30, .input_library = {}}};

std::map<std::string, std::string> AsMap(const ProviderOptions& options) {
  return {options.begin(), options.end()};
}

bool IsNumber(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char each) { return std::isdigit(each); });
}

}  // namespace

TEST_CASE("CUDA options have names and values that ONNX Runtime knows") {
  const auto options = AsMap(visage::runtime::CudaOptions(kNetwork.device));
  for (const auto& [name, value] : options) {
    CAPTURE(name);
    CAPTURE(value);
    CHECK(kCudaNames.contains(name));
    const auto known = kCudaValues.find(name);
    CHECK((known == kCudaValues.end() ? IsNumber(value) : known->second.contains(value)));
  }
  CHECK(options.at("gpu_mem_limit") == std::to_string(1 << 30));
}

TEST_CASE("TensorRT options have names that ONNX Runtime knows and a profile for a free batch") {
  const auto options = AsMap(visage::runtime::TensorRtOptions(kNetwork, "input", {-1, 3, 112, 112}));
  for (const auto& [name, value] : options) {
    CAPTURE(name);
    CHECK(kTensorRtNames.contains(name));
  }
  CHECK(options.at("trt_engine_cache_path") == "engines/0123");
  CHECK(options.at("trt_profile_min_shapes") == "input:1x3x112x112");
  CHECK(options.at("trt_profile_max_shapes") == "input:8x3x112x112");
  CHECK(options.at("trt_profile_opt_shapes") == "input:8x3x112x112");
}

TEST_CASE("TensorRT options have no profile where more than the batch is free") {
  const auto options = AsMap(visage::runtime::TensorRtOptions(kNetwork, "input", {1, 3, -1, -1}));
  CHECK_FALSE(options.contains("trt_profile_min_shapes"));
}

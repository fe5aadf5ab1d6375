#include "runtime/provider_options.h"

#include <algorithm>
#include <filesystem>

namespace visage::runtime {
namespace {

std::string ProfileShape(const std::string& input, const std::vector<std::int64_t>& shape, int batch) {
  std::string text = input + ":" + std::to_string(batch);
  for (std::size_t i = 1; i < shape.size(); ++i) text.append("x").append(std::to_string(shape[i]));
  return text;
}

}  // namespace

ProviderOptions CudaOptions(const Device& device) {
  // TF32 has ten mantissa bits, so templates would differ between machines.
  ProviderOptions options = {{"arena_extend_strategy", "kSameAsRequested"},
                             {"cudnn_conv_algo_search", "HEURISTIC"},
                             {"use_tf32", "0"}};
  if (device.memory_limit > 0) options.emplace_back("gpu_mem_limit", std::to_string(device.memory_limit));
  return options;
}

ProviderOptions TensorRtOptions(const Network& network, const std::string& input,
                                const std::vector<std::int64_t>& shape) {
  const std::string folder = std::filesystem::path(network.file).parent_path().string();
  ProviderOptions options = {{"trt_fp16_enable", "1"},
                             {"trt_engine_cache_enable", "1"},
                             {"trt_engine_cache_path", folder},
                             {"trt_timing_cache_enable", "1"},
                             {"trt_timing_cache_path", folder}};
  if (network.device.memory_limit > 0) {
    options.emplace_back("trt_max_workspace_size", std::to_string(network.device.memory_limit));
  }
  const bool is_batched = !shape.empty() && shape[0] < 0 &&
                          std::all_of(shape.begin() + 1, shape.end(), [](auto size) { return size > 0; });
  if (is_batched) {
    const std::string most = ProfileShape(input, shape, network.device.max_batch);
    options.emplace_back("trt_profile_min_shapes", ProfileShape(input, shape, 1));
    options.emplace_back("trt_profile_opt_shapes", most);
    options.emplace_back("trt_profile_max_shapes", most);
  }
  return options;
}

}  // namespace visage::runtime

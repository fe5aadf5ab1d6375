#include "runtime/provider.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "runtime/environment.h"

namespace visage {
namespace {

using Entries = std::vector<std::pair<const char*, std::string>>;

/// Hands options to one of ONNX Runtime's functions as two lists of texts.
template <typename Options>
void Update(OrtStatus* (*update)(Options*, const char* const*, const char* const*, std::size_t),
            Options* options, const Entries& entries) {
  std::vector<const char*> keys, values;
  for (const auto& [key, value] : entries) {
    keys.push_back(key);
    values.push_back(value.c_str());
  }
  Ort::ThrowOnError(update(options, keys.data(), values.data(), keys.size()));
}

void AppendCuda(Ort::SessionOptions& options, const Device& device) {
  const OrtApi& api = Ort::GetApi();
  OrtCUDAProviderOptionsV2* made = nullptr;
  Ort::ThrowOnError(api.CreateCUDAProviderOptions(&made));
  const std::unique_ptr<OrtCUDAProviderOptionsV2, decltype(api.ReleaseCUDAProviderOptions)> owned(
      made, api.ReleaseCUDAProviderOptions);
  // TF32 keeps ten bits of a factor, which templates of two machines would show.
  Entries entries = {{"arena_extend_strategy", "kSameAsRequested"},
                     {"cudnn_conv_algo_search", "HEURISTIC"},
                     {"use_tf32", "0"}};
  if (device.memory_limit > 0) entries.emplace_back("gpu_mem_limit", std::to_string(device.memory_limit));
  Update(api.UpdateCUDAProviderOptions, made, entries);
  options.AppendExecutionProvider_CUDA_V2(*made);
}

/// A profile's shape, such as `input:8x3x112x112`.
std::string ProfileShape(const std::string& input, const std::vector<std::int64_t>& shape, int batch) {
  std::string text = input + ":" + std::to_string(batch);
  for (std::size_t i = 1; i < shape.size(); ++i) text.append("x").append(std::to_string(shape[i]));
  return text;
}

void AppendTensorRt(Ort::SessionOptions& options, const Network& network, const std::string& input,
                    const std::vector<std::int64_t>& shape) {
  const OrtApi& api = Ort::GetApi();
  OrtTensorRTProviderOptionsV2* made = nullptr;
  Ort::ThrowOnError(api.CreateTensorRTProviderOptions(&made));
  const std::unique_ptr<OrtTensorRTProviderOptionsV2, decltype(api.ReleaseTensorRTProviderOptions)> owned(
      made, api.ReleaseTensorRTProviderOptions);
  const std::string folder = std::filesystem::path(network.file).parent_path().string();
  Entries entries = {{"trt_fp16_enable", "1"},
                     {"trt_engine_cache_enable", "1"},
                     {"trt_engine_cache_path", folder},
                     {"trt_timing_cache_enable", "1"},
                     {"trt_timing_cache_path", folder}};
  if (network.device.memory_limit > 0) {
    entries.emplace_back("trt_max_workspace_size", std::to_string(network.device.memory_limit));
  }
  // Where only the batch is free. Of other free sizes TensorRT notes what it meets, and then makes a new
  // engine.
  const bool is_batched = !shape.empty() && shape[0] < 0 &&
                          std::all_of(shape.begin() + 1, shape.end(), [](auto size) { return size > 0; });
  if (is_batched) {
    const std::string most = ProfileShape(input, shape, network.device.max_batch);
    entries.emplace_back("trt_profile_min_shapes", ProfileShape(input, shape, 1));
    entries.emplace_back("trt_profile_opt_shapes", most);
    entries.emplace_back("trt_profile_max_shapes", most);
  }
  Update(api.UpdateTensorRTProviderOptions, made, entries);
  options.AppendExecutionProvider_TensorRT_V2(*made);
}

/// The folder that ONNX Runtime was loaded from: where it looks for its providers.
std::filesystem::path RuntimeFolder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&OrtGetApiBase), &info) == 0 || !info.dli_fname) return {};
  std::error_code ignored;
  return std::filesystem::weakly_canonical(std::filesystem::path(info.dli_fname).parent_path(), ignored);
}

}  // namespace

void AppendProvider(Ort::SessionOptions& options, const Network& network, const std::string& input,
                    const std::vector<std::int64_t>& shape) {
  if (network.device.provider == Provider::kTensorRt) AppendTensorRt(options, network, input, shape);
  // What TensorRT cannot run is run by CUDA, not by the CPU.
  if (network.device.provider != Provider::kCpu) AppendCuda(options, network.device);
}

std::string WhyUnavailable(Provider provider) {
  if (provider == Provider::kCpu) return {};
  std::vector<const char*> libraries = {"libonnxruntime_providers_shared.so",
                                        "libonnxruntime_providers_cuda.so"};
  if (provider == Provider::kTensorRt) libraries.push_back("libonnxruntime_providers_tensorrt.so");
  const std::filesystem::path folder = RuntimeFolder();
  for (const char* library : libraries) {
    std::error_code ignored;
    if (!std::filesystem::exists(folder / library, ignored)) {
      return std::string(library) + " is missing beside libonnxruntime.so.1, in " + folder.string() +
             ": put the provider libraries of ONNX Runtime " + OrtGetApiBase()->GetVersionString() +
             " for GPUs there";
    }
  }
  try {
    // Providers log, and the log is the environment's.
    OnnxEnvironment();
    Ort::SessionOptions options;
    AppendProvider(options, {.file = {}, .device = {.provider = provider}}, {}, {});
    return {};
  } catch (const std::exception& error) {
    // ONNX Runtime's place in its source and path come first, the loader's own words last.
    const std::string text = error.what();
    const std::string_view kMark = "with error: ";
    const std::size_t mark = text.find(kMark);
    std::string why = mark == std::string::npos ? text : text.substr(mark + kMark.size());
    why.erase(why.find_last_not_of(" \n") + 1);
    return "a provider library does not load: " + why;
  }
}

}  // namespace visage

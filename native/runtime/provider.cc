#include "runtime/provider.h"

#include <dlfcn.h>

#include <filesystem>
#include <memory>

#include "runtime/accelerator.h"
#include "runtime/environment.h"
#include "runtime/provider_options.h"

namespace visage::runtime {
namespace {

/// @param stream null for the provider's stream.
template <typename Options>
void Set(OrtStatus* (*update)(Options*, const char* const*, const char* const*, std::size_t),
         OrtStatus* (*update_with_value)(Options*, const char*, void*), Options* options,
         const ProviderOptions& entries, void* stream) {
  std::vector<const char*> keys, values;
  for (const auto& [key, value] : entries) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  Ort::ThrowOnError(update(options, keys.data(), values.data(), keys.size()));
  // Last, because `update` resets every other option.
  if (stream) Ort::ThrowOnError(update_with_value(options, "user_compute_stream", stream));
}

void AppendCuda(Ort::SessionOptions& options, const Device& device, void* stream) {
  const OrtApi& api = Ort::GetApi();
  OrtCUDAProviderOptionsV2* made = nullptr;
  Ort::ThrowOnError(api.CreateCUDAProviderOptions(&made));
  const std::unique_ptr<OrtCUDAProviderOptionsV2, decltype(api.ReleaseCUDAProviderOptions)> owned(
      made, api.ReleaseCUDAProviderOptions);
  Set(api.UpdateCUDAProviderOptions, api.UpdateCUDAProviderOptionsWithValue, made, CudaOptions(device),
      stream);
  options.AppendExecutionProvider_CUDA_V2(*made);
}

void AppendTensorRt(Ort::SessionOptions& options, const ProviderOptions& entries, void* stream) {
  const OrtApi& api = Ort::GetApi();
  OrtTensorRTProviderOptionsV2* made = nullptr;
  Ort::ThrowOnError(api.CreateTensorRTProviderOptions(&made));
  const std::unique_ptr<OrtTensorRTProviderOptionsV2, decltype(api.ReleaseTensorRTProviderOptions)> owned(
      made, api.ReleaseTensorRTProviderOptions);
  Set(api.UpdateTensorRTProviderOptions, api.UpdateTensorRTProviderOptionsWithValue, made, entries, stream);
  options.AppendExecutionProvider_TensorRT_V2(*made);
}

std::filesystem::path RuntimeFolder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&OrtGetApiBase), &info) == 0 || !info.dli_fname) return {};
  std::error_code ignored;
  return std::filesystem::weakly_canonical(std::filesystem::path(info.dli_fname).parent_path(), ignored);
}

}  // namespace

void AppendProvider(Ort::SessionOptions& options, const Network& network, const std::string& input,
                    const std::vector<std::int64_t>& shape) {
  const Device& device = network.device;
  const Accelerator* accelerator = AcceleratorOf(device);
  void* stream = accelerator ? accelerator->stream() : nullptr;
  if (device.provider == Provider::kTensorRt) {
    AppendTensorRt(options, TensorRtOptions(network, input, shape), stream);
  }
  // CUDA runs operators that TensorRT lacks.
  if (device.provider != Provider::kCpu) AppendCuda(options, device, stream);
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
    OnnxEnvironment();
    Ort::SessionOptions options;
    AppendProvider(options, {.file = {}, .device = {.provider = provider}}, {}, {});
    return {};
  } catch (const std::exception& error) {
    const std::string text = error.what();
    const std::string_view kMark = "with error: ";
    const std::size_t mark = text.find(kMark);
    std::string why = mark == std::string::npos ? text : text.substr(mark + kMark.size());
    why.erase(why.find_last_not_of(" \n") + 1);
    return "a provider library does not load: " + why;
  }
}

}  // namespace visage::runtime

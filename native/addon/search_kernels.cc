#include "addon/search_kernels.h"

#include <cstdint>

#include "search/kernels.h"

namespace visage::addon {

Napi::Value SearchKernelNames(const Napi::CallbackInfo& info) {
  const auto kernels = search::RunnableKernels();
  auto names = Napi::Array::New(info.Env(), kernels.size());
  for (std::uint32_t i = 0; i < kernels.size(); ++i) names.Set(i, kernels[i].name);
  return names;
}

}  // namespace visage::addon

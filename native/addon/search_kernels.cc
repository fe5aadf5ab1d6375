#include "addon/search_kernels.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "addon/arguments.h"
#include "search/kernels.h"

namespace visage {

Napi::Value SearchKernelNames(const Napi::CallbackInfo& info) {
  const auto kernels = RunnableKernels();
  auto names = Napi::Array::New(info.Env(), kernels.size());
  for (std::uint32_t i = 0; i < kernels.size(); ++i) names.Set(i, kernels[i].name);
  return names;
}

Napi::Value KernelProducts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = Text(info[0], "kernel");
  const auto probe = ShortIntegers(info[1], "probe");
  const auto rows = SignedBytes(info[2], "rows");
  const auto kernels = RunnableKernels();
  const auto kernel = std::ranges::find(kernels, name, &Kernels::name);
  if (kernel == kernels.end()) throw Napi::TypeError::New(env, "kernel must be one of searchKernels()");
  const std::size_t width = probe.size();
  if (width == 0 || width % kKernelStep != 0 || rows.size() % width != 0) {
    throw Napi::TypeError::New(env, "probe must hold a multiple of " + std::to_string(kKernelStep) +
                                        " values, and rows that many each");
  }
  const std::size_t count = rows.size() / width;
  auto together = Napi::Int32Array::New(env, count);
  auto single = Napi::Int32Array::New(env, count);
  auto codes = Napi::Int32Array::New(env, count);
  kernel->dot_rows(probe.data(), rows.data(), width, count, together.Data());
  for (std::size_t row = 0; row < count; ++row) {
    const std::int8_t* values = rows.data() + row * width;
    single[row] = kernel->dot(probe.data(), values, width);
    codes[row] = kernel->dot_codes(rows.data(), values, width);
  }
  const auto products = Napi::Object::New(env);
  products.Set("together", together);
  products.Set("single", single);
  products.Set("codes", codes);
  return products;
}

}  // namespace visage

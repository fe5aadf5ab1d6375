/// Prints every option that ONNX Runtime's providers may be given, a line each: provider, name and value.
#include "runtime/provider_options.h"

#include <iostream>

int main() {
  using namespace visage;
  const Network network{.file = "engines/0123/embedder.onnx",
                        .device = {.max_batch = 8, .memory_limit = 1 << 30}};
  for (const auto& [name, value] : CudaOptions(network.device)) {
    std::cout << "cuda " << name << ' ' << value << '\n';
  }
  for (const auto& [name, value] : TensorRtOptions(network, "input", {-1, 3, 112, 112})) {
    std::cout << "tensorrt " << name << ' ' << value << '\n';
  }
  for (const auto& [name, value] : TensorRtOptions(network, "input", {1, 3, -1, -1})) {
    std::cout << "unfixed " << name << ' ' << value << '\n';
  }
}

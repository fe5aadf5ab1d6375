#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace visage::runtime {

enum class Provider { kCpu, kCuda, kTensorRt };

/// `CUDA_VISIBLE_DEVICES` selects another GPU than the first.
struct Device {
  Provider provider = Provider::kCpu;
  int max_batch = 1;
  std::chrono::milliseconds max_delay{0};
  /// Bytes of GPU memory per network; 0 for no limit.
  std::size_t memory_limit = 0;
  /// See `Accelerator::Load`.
  std::string input_library;
};

/// TensorRT writes its engines beside the file, so each network needs its own folder.
struct Network {
  std::string file;
  Device device = {};
};

/// Empty if the provider works. Only loading a network detects a missing GPU.
std::string WhyUnavailable(Provider provider);

class Accelerator;

/// Null if the host builds inputs. Thread-safe. @throws kInternal
Accelerator* AcceleratorOf(const Device& device);

}  // namespace visage::runtime

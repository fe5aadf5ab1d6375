#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace visage {

/// ONNX Runtime's execution providers that are used here.
enum class Provider { kCpu, kCuda, kTensorRt };

/// What runs networks. On a GPU it is the first one; `CUDA_VISIBLE_DEVICES` makes another the first.
struct Device {
  Provider provider = Provider::kCpu;
  /// Inputs of several threads that are joined to one run of a network whose first dimension is free; 1 joins
  /// none.
  int max_batch = 1;
  /// How long the first of them waits for others.
  std::chrono::milliseconds max_delay{0};
  /// Bytes of the GPU's memory that a network may take; 0 is as many as there are.
  std::size_t memory_limit = 0;
  /// The library that makes networks' inputs in the device's memory (`Accelerator::Load`); empty where they
  /// are made in the host's.
  std::string input_library;
};

/// A network's file and what runs it. TensorRT keeps the engines that it makes of a network beside its file,
/// so that folder must be the network's own.
struct Network {
  std::string file;
  Device device = {};
};

/// Why a provider cannot be used: a sentence for the operator about the library that is missing or does not
/// load. Empty where it can be tried; whether there is a GPU shows when a network is loaded. Thread-safe.
std::string WhyUnavailable(Provider provider);

class Accelerator;

/// What makes networks' inputs in the device's memory; null where they are made in the host's. Thread-safe.
/// @throws Error kInternal with a sentence for the operator.
Accelerator* AcceleratorOf(const Device& device);

}  // namespace visage

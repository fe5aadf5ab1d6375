#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/framing.h"
#include "base/network_input.h"
#include "runtime/device.h"

namespace visage::runtime {

struct DeviceImage;

/// Telemetry creates a folder in the user's home. Sets an environment variable, so call it on the main thread
/// before the first `InferenceSession`.
void DisableTelemetry();

/// One float input, float outputs. Thread-safe. On the CPU, a run uses only the calling thread. A free first
/// dimension is the batch, which may join inputs of several threads.
class InferenceSession {
 public:
  using Shape = std::vector<std::int64_t>;
  /// Whether the file must fix all shapes.
  enum class Sizes { kFixed, kFree };
  /// Borrows values, or an image in device memory.
  struct Input {
    Input(std::span<float> values) : values(values) {}     // NOLINT(google-explicit-constructor)
    Input(std::vector<float>& values) : values(values) {}  // NOLINT(google-explicit-constructor)
    Input(const DeviceImage& image, const base::Framing& framing, const base::NetworkInput& form)
        : image(&image), framing(framing), form(form) {}

    std::size_t size() const { return image ? form.size() : values.size(); }

    std::span<float> values;
    const DeviceImage* image = nullptr;
    base::Framing framing;
    base::NetworkInput form;
  };
  /// The runtime owns it.
  struct Output {
    std::string name;
    Shape shape;
    std::span<const float> values;
  };

  /// Warms up a GPU. @param input, outputs expected shapes; -1 for any size. @throws kInternal with the
  /// file's name and the cause.
  InferenceSession(const Network& network, const Shape& input, const std::vector<Shape>& outputs);
  explicit InferenceSession(const Network& network, Sizes sizes = Sizes::kFixed);
  ~InferenceSession();

  /// With a batch of 1; -1 for a free size.
  const Shape& input_shape() const;
  std::size_t input_size() const;
  std::vector<Shape> output_shapes() const;
  std::size_t output_size(std::size_t output) const;

  /// No copy on the CPU. @param input an image only if the device has an `Accelerator`. @param outputs
  /// buffers of `output_size` floats.
  void Run(const Input& input, std::span<const std::span<float>> outputs) const;

  /// For any accepted shape. @param read receives the outputs, valid until it returns.
  void Run(const Input& input, const Shape& shape,
           const std::function<void(std::span<const Output>)>& read) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace visage::runtime

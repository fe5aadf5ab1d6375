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

namespace visage {

struct DeviceImage;

/// Keeps ONNX Runtime from counting its use and sending that to its makers, which it does unless told not to,
/// and from the folder that it makes for that in the user's home. To be called on the main thread before the
/// first `Session`: it sets a variable of the environment, which is where ONNX Runtime asks.
void DisableTelemetry();

/// One network of one float input and one or more float outputs.
///
/// Loaded once and shared by all threads; on the CPU a run computes on the calling thread alone. Where the
/// first dimension of input and outputs is free in the file, it is the batch: a run is still of one input,
/// but those of several threads may be joined, as the network's device says.
class Session {
 public:
  using Shape = std::vector<std::int64_t>;
  /// Whether all shapes must be fixed in the file.
  enum class Sizes { kFixed, kFree };
  /// What a run is made on: values, or what they are to be made of in the device's memory. Borrows both.
  struct Input {
    Input(std::span<float> values) : values(values) {}     // NOLINT(google-explicit-constructor)
    Input(std::vector<float>& values) : values(values) {}  // NOLINT(google-explicit-constructor)
    /// @param form the network's input, of the size that it is run with.
    Input(const DeviceImage& image, const Framing& framing, const NetworkInput& form)
        : image(&image), framing(framing), form(form) {}

    std::size_t size() const { return image ? form.size() : values.size(); }

    std::span<float> values;
    /// Null where there are values.
    const DeviceImage* image = nullptr;
    Framing framing;
    NetworkInput form;
  };
  /// What a run gave: borrowed from the runtime.
  struct Output {
    std::string name;
    Shape shape;
    std::span<const float> values;
  };

  /// Loads a network; on a GPU it is also run once, empty, so that the first picture does not wait for what
  /// the provider prepares then.
  /// @param input shape that the input must have.
  /// @param outputs shapes that the outputs must have, in the file's order; -1 stands for any size.
  /// @throws Error kInternal naming the file (without its folder) and what is wrong with it.
  Session(const Network& network, const Shape& input, const std::vector<Shape>& outputs);
  /// The same with the shapes that the file has.
  explicit Session(const Network& network, Sizes sizes = Sizes::kFixed);
  ~Session();

  /// The input's shape in the file, a free batch as 1; -1 stands for a free size.
  const Shape& input_shape() const;
  /// Floats of the input, where its shape is fixed.
  std::size_t input_size() const;
  /// Shapes of the outputs, in the file's order.
  std::vector<Shape> output_shapes() const;
  /// Floats of the output with this number.
  std::size_t output_size(std::size_t output) const;

  /// Runs the network from and into the caller's buffers, on the CPU without a copy. Thread-safe.
  /// @param input as many floats as the input's shape has; made of a picture only where the network's device
  /// has an
  ///        `Accelerator`, which the picture lies in.
  /// @param outputs one buffer an output, in the file's order, each of `output_size` floats.
  void Run(const Input& input, std::span<const std::span<float>> outputs) const;

  /// Runs the network on an input of any shape that it takes. Thread-safe.
  /// @param input as many floats as `shape` has.
  /// @param read is called once with the outputs, in the file's order, which are gone when it returns.
  void Run(const Input& input, const Shape& shape,
           const std::function<void(std::span<const Output>)>& read) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace visage

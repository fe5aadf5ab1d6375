#include "runtime/inference_session.h"

#include <onnxruntime_cxx_api.h>
#include <onnxruntime_session_options_config_keys.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <numeric>

#include "base/error.h"
#include "runtime/accelerator.h"
#include "runtime/batcher.h"
#include "runtime/environment.h"
#include "runtime/operators.h"
#include "runtime/provider.h"

namespace visage::runtime {
namespace {

/// ONNX Runtime registers a custom operator domain without a lock, so sessions open one at a time. @throws
/// Ort::Exception.
Ort::Session OpenSession(const std::string& file, const Ort::SessionOptions& options) {
  static std::mutex opening;
  const std::lock_guard<std::mutex> lock(opening);
  return Ort::Session(OnnxEnvironment(), file.c_str(), options);
}

std::string Text(const InferenceSession::Shape& shape) {
  std::string text;
  for (const std::int64_t size : shape) {
    if (!text.empty()) text += 'x';
    text += size < 0 ? "?" : std::to_string(size);
  }
  return text;
}

bool IsFixed(const InferenceSession::Shape& shape) {
  return std::ranges::all_of(shape, [](std::int64_t size) { return size > 0; });
}

bool Fits(const InferenceSession::Shape& actual, const InferenceSession::Shape& wanted) {
  return std::ranges::equal(actual, wanted, [](std::int64_t has, std::int64_t wants) {
    return has > 0 && (wants == -1 || has == wants);
  });
}

[[noreturn]] void DoesNotLoad(const std::string& file, const std::exception& cause) {
  // ONNX Runtime's messages contain paths, which errors must not show.
  const std::string name = std::filesystem::path(file).filename().string();
  std::string why = cause.what();
  for (std::size_t at; !file.empty() && (at = why.find(file)) != std::string::npos;)
    why.replace(at, file.size(), name);
  throw base::Error(base::ErrorCode::kInternal, "The network " + name + " does not load: " + why);
}

}  // namespace

struct InferenceSession::Parts {
  struct Port {
    std::string name;
    Shape shape;
    std::size_t size = 0;
    bool is_batched = false;
  };
  using Joined = Batcher<Shape, Input, std::vector<Ort::Value>>;

  Ort::Session session{nullptr};
  Ort::MemoryInfo memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  Accelerator* accelerator = nullptr;
  Ort::MemoryInfo device_memory{nullptr};
  Port input;
  std::vector<Port> outputs;
  std::vector<const char*> output_names;
  std::unique_ptr<Joined> batcher;

  static std::size_t Floats(const Shape& shape) {
    return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
  }

  static Port FloatPort(const char* name, const Ort::TypeInfo& type, Sizes sizes) {
    if (type.GetONNXType() != ONNX_TYPE_TENSOR) {
      throw base::Error(base::ErrorCode::kInternal, std::string(name) + " is not a tensor");
    }
    const auto info = type.GetTensorTypeAndShapeInfo();
    Port port{name, info.GetShape()};
    if (!port.shape.empty() && port.shape[0] < 0) {
      port.shape[0] = 1;
      port.is_batched = true;
    }
    if (info.GetElementType() != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ||
        (sizes == Sizes::kFixed && !IsFixed(port.shape))) {
      throw base::Error(base::ErrorCode::kInternal, port.name + " is not of floats" +
                                                        (sizes == Sizes::kFixed ? " in a fixed shape" : ""));
    }
    if (IsFixed(port.shape)) port.size = Floats(port.shape);
    return port;
  }

  static void CheckShape(const Port& port, const Shape& wanted) {
    if (Fits(port.shape, wanted)) return;
    throw base::Error(base::ErrorCode::kInternal, port.name + " has the shape " + Text(port.shape) +
                                                      ", the manifest expects floats of " + Text(wanted));
  }

  Parts(const Network& network, Sizes sizes) {
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1);
    options.SetInterOpNumThreads(1);
    options.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
    options.SetLogSeverityLevel(ORT_LOGGING_LEVEL_ERROR);
    options.AddConfigEntry(kOrtSessionOptionsConfigUseEnvAllocators, "1");
    options.Add(OperatorDomain());
    session = OpenSession(network.file, options);
    ReadPorts(sizes);
    accelerator = AcceleratorOf(network.device);
    if (accelerator) {
      device_memory = Ort::MemoryInfo(accelerator->memory_name(), OrtDeviceAllocator, 0, OrtMemTypeDefault);
    }
    const bool is_on_gpu = network.device.provider != Provider::kCpu;
    if (is_on_gpu) {
      // The provider needs the input's name and shape before loading, so the network loads twice.
      Shape shape = input.shape;
      if (input.is_batched) shape[0] = -1;
      AppendProvider(options, network, input.name, shape);
      session = OpenSession(network.file, options);
    }
    if (!IsFixed(input.shape)) return;
    if (is_on_gpu) RunEmpty(1);
    const int most = network.device.max_batch;
    if (most > 1 && input.is_batched && std::ranges::all_of(outputs, &Port::is_batched) && RunEmpty(most)) {
      batcher = std::make_unique<Joined>(
          most, network.device.max_delay,
          [this](const Shape& shape, const std::vector<Input>& all) { return RunBatch(shape, all); });
    }
  }

  /// Warms up the provider. @returns whether each output has an item per input.
  bool RunEmpty(int count) {
    std::vector<float> empty(input.size);
    const auto made = RunBatch(input.shape, std::vector<Input>(count, empty));
    return std::ranges::all_of(made, [&](const Ort::Value& value) {
      const Shape shape = value.GetTensorTypeAndShapeInfo().GetShape();
      return !shape.empty() && shape[0] == count;
    });
  }

  void ReadPorts(Sizes sizes) {
    if (session.GetInputCount() != 1) {
      throw base::Error(base::ErrorCode::kInternal,
                        "expected one input, got " + std::to_string(session.GetInputCount()));
    }
    const Ort::AllocatorWithDefaultOptions allocator;
    input = FloatPort(session.GetInputNameAllocated(0, allocator).get(), session.GetInputTypeInfo(0), sizes);
    for (std::size_t i = 0; i < session.GetOutputCount(); ++i) {
      outputs.push_back(
          FloatPort(session.GetOutputNameAllocated(i, allocator).get(), session.GetOutputTypeInfo(i), sizes));
    }
    for (const Port& port : outputs) output_names.push_back(port.name.c_str());
  }

  Parts(const Network& network, const Shape& input_shape, const std::vector<Shape>& output_shapes)
      : Parts(network, Sizes::kFixed) {
    CheckShape(input, input_shape);
    if (outputs.size() != output_shapes.size()) {
      throw base::Error(base::ErrorCode::kInternal, "expected " + std::to_string(output_shapes.size()) +
                                                        " outputs, got " + std::to_string(outputs.size()));
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) CheckShape(outputs[i], output_shapes[i]);
  }

  static void CheckSize(const Shape& shape, std::size_t floats) {
    if (floats != Floats(shape))
      throw base::Error(base::ErrorCode::kInternal, "A network got a buffer of the wrong size");
  }

  Ort::Value Borrow(const Shape& shape, std::span<float> buffer) const {
    CheckSize(shape, buffer.size());
    return Ort::Value::CreateTensor<float>(memory, buffer.data(), buffer.size(), shape.data(), shape.size());
  }

  std::vector<Ort::Value> RunBatch(const Shape& shape, const std::vector<Input>& inputs) {
    Shape batch = shape;
    batch[0] = static_cast<std::int64_t>(inputs.size());
    if (accelerator) return RunOnDevice(batch, inputs);
    if (inputs.size() == 1) return RunBound(Borrow(batch, inputs.front().values));
    std::vector<float> joined;
    for (const Input& each : inputs) joined.insert(joined.end(), each.values.begin(), each.values.end());
    return RunBound(Borrow(batch, joined));
  }

  std::vector<Ort::Value> RunOnDevice(const Shape& batch, const std::vector<Input>& inputs) {
    const std::size_t size = inputs.front().size();
    const Accelerator::Memory joined = accelerator->Floats(size * inputs.size());
    try {
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Input& each = inputs[i];
        float* out = joined.floats() + i * size;
        if (each.image) {
          accelerator->Make(*each.image, each.framing, each.form, out);
        } else {
          accelerator->CopyIn(each.values, out);
        }
      }
      accelerator->Ready();
      return RunBound(Ort::Value::CreateTensor<float>(device_memory, joined.floats(), size * inputs.size(),
                                                      batch.data(), batch.size()));
    } catch (...) {
      accelerator->Settle();
      throw;
    }
  }

  std::vector<Ort::Value> RunBound(const Ort::Value& from) {
    Ort::IoBinding binding(session);
    binding.BindInput(input.name.c_str(), from);
    for (const Port& port : outputs) binding.BindOutput(port.name.c_str(), memory);
    session.Run(Ort::RunOptions{nullptr}, binding);
    binding.SynchronizeOutputs();
    return binding.GetOutputValues();
  }

  void Run(const Input& from, const Shape& shape, const std::function<void(std::span<const Output>)>& read) {
    // A bad input must not fail the whole batch.
    CheckSize(shape, from.size());
    Joined::Share share;
    if (batcher && shape[0] == 1) {
      share = batcher->Join(shape, from);
    } else if (accelerator) {
      share.outputs = std::make_shared<const std::vector<Ort::Value>>(RunBatch(shape, {from}));
    } else {
      const char* name = input.name.c_str();
      const Ort::Value value = Borrow(shape, from.values);
      share.outputs = std::make_shared<const std::vector<Ort::Value>>(
          session.Run(Ort::RunOptions{nullptr}, &name, &value, 1, output_names.data(), output_names.size()));
    }
    std::vector<Output> outputs_read;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const Ort::Value& made = (*share.outputs)[i];
      const auto info = made.GetTensorTypeAndShapeInfo();
      Shape own = info.GetShape();
      if (share.of > 1) own[0] = 1;
      const std::size_t size = info.GetElementCount() / share.of;
      outputs_read.push_back(
          {outputs[i].name, std::move(own), {made.GetTensorData<float>() + share.at * size, size}});
    }
    read(outputs_read);
  }
};

void DisableTelemetry() {
  static const int failed = setenv("ORT_DISABLE_TELEMETRY", "1", 1);
  if (failed != 0)
    throw base::Error(base::ErrorCode::kInternal, "ONNX Runtime's telemetry cannot be turned off");
}

InferenceSession::InferenceSession(const Network& network, const Shape& input,
                                   const std::vector<Shape>& outputs) try
    : parts_(std::make_unique<Parts>(network, input, outputs)) {
} catch (const std::exception& cause) {
  DoesNotLoad(network.file, cause);
}

InferenceSession::InferenceSession(const Network& network, Sizes sizes) try
    : parts_(std::make_unique<Parts>(network, sizes)) {
} catch (const std::exception& cause) {
  DoesNotLoad(network.file, cause);
}

InferenceSession::~InferenceSession() = default;

const InferenceSession::Shape& InferenceSession::input_shape() const { return parts_->input.shape; }

std::size_t InferenceSession::input_size() const { return parts_->input.size; }

std::vector<InferenceSession::Shape> InferenceSession::output_shapes() const {
  std::vector<Shape> shapes;
  for (const Parts::Port& port : parts_->outputs) shapes.push_back(port.shape);
  return shapes;
}

std::size_t InferenceSession::output_size(std::size_t output) const {
  return parts_->outputs.at(output).size;
}

void InferenceSession::Run(const Input& input, std::span<const std::span<float>> outputs) const {
  if (outputs.size() != parts_->outputs.size()) {
    throw base::Error(base::ErrorCode::kInternal, "A network got the wrong number of buffers");
  }
  if (parts_->batcher || parts_->accelerator) {
    parts_->Run(input, parts_->input.shape, [&](std::span<const Output> made) {
      for (std::size_t i = 0; i < made.size(); ++i) {
        if (made[i].values.size() != outputs[i].size()) {
          throw base::Error(base::ErrorCode::kInternal, "A network got a buffer of the wrong size");
        }
        std::ranges::copy(made[i].values, outputs[i].begin());
      }
    });
    return;
  }
  const Ort::Value from = parts_->Borrow(parts_->input.shape, input.values);
  std::vector<Ort::Value> into;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    into.push_back(parts_->Borrow(parts_->outputs[i].shape, outputs[i]));
  const char* input_name = parts_->input.name.c_str();
  parts_->session.Run(Ort::RunOptions{nullptr}, &input_name, &from, 1, parts_->output_names.data(),
                      into.data(), into.size());
}

void InferenceSession::Run(const Input& input, const Shape& shape,
                           const std::function<void(std::span<const Output>)>& read) const {
  parts_->Run(input, shape, read);
}

}  // namespace visage::runtime

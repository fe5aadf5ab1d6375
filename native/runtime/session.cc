#include "runtime/session.h"

#include <onnxruntime_cxx_api.h>
#include <onnxruntime_session_options_config_keys.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "runtime/segment_operator.h"

namespace visage {
namespace {

/// ONNX Runtime's environment: one a process, with one memory arena that all networks share.
///
/// Never destroyed: it must outlive every thread that may still be in a run while the process ends.
Ort::Env& Environment() {
  static const std::unique_ptr<Ort::Env, void (*)(Ort::Env*)> env = [] {
    auto made = std::make_unique<Ort::Env>(ORT_LOGGING_LEVEL_ERROR, "visage");
    // Shapes are fixed, or bounded by the detector's largest window, so the arena stops growing once every
    // thread has run the largest network. Growing by what is asked for instead of by doubling keeps it near
    // that size; shrinking it would only make it grow again.
    constexpr int kSameAsRequested = 1;
    const Ort::ArenaCfg arena(0, kSameAsRequested, -1, -1);
    const Ort::MemoryInfo memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    made->CreateAndRegisterAllocator(memory, arena);
    return std::unique_ptr<Ort::Env, void (*)(Ort::Env*)>(made.release(), [](Ort::Env*) {});
  }();
  return *env;
}

std::string Text(const Session::Shape& shape) {
  std::string text;
  for (const std::int64_t size : shape) {
    if (!text.empty()) text += 'x';
    text += size < 0 ? "?" : std::to_string(size);
  }
  return text;
}

bool IsFixed(const Session::Shape& shape) {
  return std::ranges::all_of(shape, [](std::int64_t size) { return size > 0; });
}

bool Fits(const Session::Shape& actual, const Session::Shape& wanted) {
  return std::ranges::equal(actual, wanted, [](std::int64_t has, std::int64_t wants) {
    return has > 0 && (wants == -1 || has == wants);
  });
}

[[noreturn]] void DoesNotLoad(const std::string& file, const std::exception& cause) {
  // ONNX Runtime's own messages hold the whole path, which an error must not show.
  const std::string name = std::filesystem::path(file).filename().string();
  std::string why = cause.what();
  for (std::size_t at; !file.empty() && (at = why.find(file)) != std::string::npos;)
    why.replace(at, file.size(), name);
  throw Error(ErrorCode::kInternal, "The network " + name + " does not load: " + why);
}

}  // namespace

struct Session::Parts {
  struct Port {
    std::string name;
    Shape shape;
    std::size_t size = 0;
  };

  Ort::Session session{nullptr};
  Ort::MemoryInfo memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  Port input;
  std::vector<Port> outputs;
  std::vector<const char*> output_names;

  static std::size_t Floats(const Shape& shape) {
    return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
  }

  static Port FloatPort(const char* name, const Ort::TypeInfo& type, Sizes sizes) {
    if (type.GetONNXType() != ONNX_TYPE_TENSOR) {
      throw Error(ErrorCode::kInternal, std::string(name) + " is not a tensor");
    }
    const auto info = type.GetTensorTypeAndShapeInfo();
    Port port{name, info.GetShape(), 0};
    if (info.GetElementType() != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ||
        (sizes == Sizes::kFixed && !IsFixed(port.shape))) {
      throw Error(ErrorCode::kInternal,
                  port.name + " is not of floats" + (sizes == Sizes::kFixed ? " in a fixed shape" : ""));
    }
    if (IsFixed(port.shape)) port.size = Floats(port.shape);
    return port;
  }

  static void CheckShape(const Port& port, const Shape& wanted) {
    if (Fits(port.shape, wanted)) return;
    throw Error(ErrorCode::kInternal, port.name + " has the shape " + Text(port.shape) +
                                          ", the manifest asks for floats of " + Text(wanted));
  }

  Parts(const std::string& file, Sizes sizes) {
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1);
    options.SetInterOpNumThreads(1);
    options.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
    options.SetLogSeverityLevel(ORT_LOGGING_LEVEL_ERROR);
    options.AddConfigEntry(kOrtSessionOptionsConfigUseEnvAllocators, "1");
    options.Add(OperatorDomain());
    session = Ort::Session(Environment(), file.c_str(), options);

    if (session.GetInputCount() != 1) {
      throw Error(ErrorCode::kInternal,
                  "one input is expected, the file has " + std::to_string(session.GetInputCount()));
    }
    const Ort::AllocatorWithDefaultOptions allocator;
    input = FloatPort(session.GetInputNameAllocated(0, allocator).get(), session.GetInputTypeInfo(0), sizes);
    for (std::size_t i = 0; i < session.GetOutputCount(); ++i) {
      outputs.push_back(
          FloatPort(session.GetOutputNameAllocated(i, allocator).get(), session.GetOutputTypeInfo(i), sizes));
    }
    for (const Port& port : outputs) output_names.push_back(port.name.c_str());
  }

  Parts(const std::string& file, const Shape& input_shape, const std::vector<Shape>& output_shapes)
      : Parts(file, Sizes::kFixed) {
    CheckShape(input, input_shape);
    if (outputs.size() != output_shapes.size()) {
      throw Error(ErrorCode::kInternal, std::to_string(output_shapes.size()) +
                                            " outputs are expected, the file has " +
                                            std::to_string(outputs.size()));
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) CheckShape(outputs[i], output_shapes[i]);
  }

  Ort::Value Borrow(const Shape& shape, std::span<float> buffer) const {
    if (buffer.size() != Floats(shape))
      throw Error(ErrorCode::kInternal, "A network was given a buffer of a wrong size");
    return Ort::Value::CreateTensor<float>(memory, buffer.data(), buffer.size(), shape.data(), shape.size());
  }
};

void DisableTelemetry() {
  static const int failed = setenv("ORT_DISABLE_TELEMETRY", "1", 1);
  if (failed != 0) throw Error(ErrorCode::kInternal, "ONNX Runtime's telemetry cannot be turned off");
}

Session::Session(const std::string& file, const Shape& input, const std::vector<Shape>& outputs) try
    : parts_(std::make_unique<Parts>(file, input, outputs)) {
} catch (const std::exception& cause) {
  DoesNotLoad(file, cause);
}

Session::Session(const std::string& file, Sizes sizes) try : parts_(std::make_unique<Parts>(file, sizes)) {
} catch (const std::exception& cause) {
  DoesNotLoad(file, cause);
}

Session::~Session() = default;

const Session::Shape& Session::input_shape() const { return parts_->input.shape; }

std::size_t Session::input_size() const { return parts_->input.size; }

std::vector<Session::Shape> Session::output_shapes() const {
  std::vector<Shape> shapes;
  for (const Parts::Port& port : parts_->outputs) shapes.push_back(port.shape);
  return shapes;
}

std::size_t Session::output_size(std::size_t output) const { return parts_->outputs.at(output).size; }

void Session::Run(std::span<float> input, std::span<const std::span<float>> outputs) const {
  if (outputs.size() != parts_->outputs.size()) {
    throw Error(ErrorCode::kInternal, "A network was given a wrong number of buffers");
  }
  const Ort::Value from = parts_->Borrow(parts_->input.shape, input);
  std::vector<Ort::Value> into;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    into.push_back(parts_->Borrow(parts_->outputs[i].shape, outputs[i]));
  const char* input_name = parts_->input.name.c_str();
  parts_->session.Run(Ort::RunOptions{nullptr}, &input_name, &from, 1, parts_->output_names.data(),
                      into.data(), into.size());
}

void Session::Run(std::span<float> input, const Shape& shape,
                  const std::function<void(std::span<const Output>)>& read) const {
  const Ort::Value from = parts_->Borrow(shape, input);
  const char* input_name = parts_->input.name.c_str();
  const std::vector<Ort::Value> made =
      parts_->session.Run(Ort::RunOptions{nullptr}, &input_name, &from, 1, parts_->output_names.data(),
                          parts_->output_names.size());
  std::vector<Output> outputs;
  for (std::size_t i = 0; i < made.size(); ++i) {
    const auto info = made[i].GetTensorTypeAndShapeInfo();
    outputs.push_back(
        {parts_->outputs[i].name, info.GetShape(), {made[i].GetTensorData<float>(), info.GetElementCount()}});
  }
  read(outputs);
}

}  // namespace visage

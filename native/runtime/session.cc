#include "runtime/session.h"

#include <onnxruntime_cxx_api.h>
#include <onnxruntime_session_options_config_keys.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <numeric>

#include "base/error.h"

namespace visage {
namespace {

/// ONNX Runtime's environment: one a process, with one memory arena that all networks share.
///
/// Never destroyed: it must outlive every thread that may still be in a run while the process ends.
Ort::Env& Environment() {
  static const std::unique_ptr<Ort::Env, void (*)(Ort::Env*)> env = [] {
    auto made = std::make_unique<Ort::Env>(ORT_LOGGING_LEVEL_ERROR, "visage");
    // All shapes are fixed, so the arena stops growing once every thread has run the largest network. Growing
    // by what is asked for instead of by doubling keeps it at that size; shrinking it would only make it grow
    // again.
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

bool Fits(const Session::Shape& actual, const Session::Shape& wanted) {
  return std::ranges::equal(actual, wanted, [](std::int64_t has, std::int64_t wants) {
    return has > 0 && (wants == -1 || has == wants);
  });
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

  static Port Checked(const char* name, const Ort::TypeInfo& type, const Shape& wanted) {
    if (type.GetONNXType() != ONNX_TYPE_TENSOR) {
      throw Error(ErrorCode::kInternal, std::string(name) + " is not a tensor");
    }
    const auto info = type.GetTensorTypeAndShapeInfo();
    Port port{name, info.GetShape(), 0};
    if (info.GetElementType() != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT || !Fits(port.shape, wanted)) {
      throw Error(ErrorCode::kInternal, std::string(name) + " has the shape " + Text(port.shape) +
                                            ", the manifest asks for floats of " + Text(wanted));
    }
    port.size = std::accumulate(port.shape.begin(), port.shape.end(), std::size_t{1}, std::multiplies<>());
    return port;
  }

  Parts(const std::string& file, const Shape& input_shape, const std::vector<Shape>& output_shapes) {
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1);
    options.SetInterOpNumThreads(1);
    options.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
    options.SetLogSeverityLevel(ORT_LOGGING_LEVEL_ERROR);
    options.AddConfigEntry(kOrtSessionOptionsConfigUseEnvAllocators, "1");
    session = Ort::Session(Environment(), file.c_str(), options);

    if (session.GetInputCount() != 1 || session.GetOutputCount() != output_shapes.size()) {
      throw Error(ErrorCode::kInternal, "one input and " + std::to_string(output_shapes.size()) +
                                            " outputs are expected, the file has " +
                                            std::to_string(session.GetInputCount()) + " and " +
                                            std::to_string(session.GetOutputCount()));
    }
    const Ort::AllocatorWithDefaultOptions allocator;
    input =
        Checked(session.GetInputNameAllocated(0, allocator).get(), session.GetInputTypeInfo(0), input_shape);
    for (std::size_t i = 0; i < output_shapes.size(); ++i) {
      outputs.push_back(Checked(session.GetOutputNameAllocated(i, allocator).get(),
                                session.GetOutputTypeInfo(i), output_shapes[i]));
    }
    for (const Port& port : outputs) output_names.push_back(port.name.c_str());
  }

  Ort::Value Borrow(const Port& port, std::span<float> buffer) const {
    if (buffer.size() != port.size)
      throw Error(ErrorCode::kInternal, "A network was given a buffer of a wrong size");
    return Ort::Value::CreateTensor<float>(memory, buffer.data(), buffer.size(), port.shape.data(),
                                           port.shape.size());
  }
};

Session::Session(const std::string& file, const Shape& input, const std::vector<Shape>& outputs) try
    : parts_(std::make_unique<Parts>(file, input, outputs)) {
} catch (const std::exception& cause) {
  // ONNX Runtime's own messages hold the whole path, which an error must not show.
  const std::string name = std::filesystem::path(file).filename().string();
  std::string why = cause.what();
  for (std::size_t at; !file.empty() && (at = why.find(file)) != std::string::npos;)
    why.replace(at, file.size(), name);
  throw Error(ErrorCode::kInternal, "The network " + name + " does not load: " + why);
}

Session::~Session() = default;

std::size_t Session::output_size(std::size_t output) const { return parts_->outputs.at(output).size; }

void Session::Run(std::span<float> input, std::span<const std::span<float>> outputs) const {
  if (outputs.size() != parts_->outputs.size()) {
    throw Error(ErrorCode::kInternal, "A network was given a wrong number of buffers");
  }
  const Ort::Value from = parts_->Borrow(parts_->input, input);
  std::vector<Ort::Value> into;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    into.push_back(parts_->Borrow(parts_->outputs[i], outputs[i]));
  const char* input_name = parts_->input.name.c_str();
  parts_->session.Run(Ort::RunOptions{nullptr}, &input_name, &from, 1, parts_->output_names.data(),
                      into.data(), into.size());
}

}  // namespace visage

#include "runtime/operators.h"

#include <exception>
#include <memory>
#include <vector>

#include "base/error.h"
#include "runtime/detection_head.h"
#include "runtime/fused_subgraph.h"

namespace visage::runtime {
namespace {

struct Release {
  void operator()(OrtAllocator* allocator) const { Ort::GetApi().ReleaseAllocator(allocator); }
};

template <typename Work>
OrtStatusPtr Caught(const Work& work) noexcept try {
  work();
  return nullptr;
} catch (const std::exception& cause) {
  return Ort::Status(cause.what(), ORT_FAIL).release();
}

class FusedSubgraphKernel {
 public:
  explicit FusedSubgraphKernel(const Ort::ConstKernelInfo& info)
      : subgraph_(info.GetAttributes<std::int64_t>("steps"), info.GetAttributes<std::int64_t>("outputs"),
                  info.GetAttributes<float>("weights")) {}

  OrtStatusPtr ComputeV2(OrtKernelContext* context) const noexcept {
    return Caught([&] { Compute(context); });
  }

 private:
  void Compute(OrtKernelContext* raw_context) const {
    const Ort::KernelContext context(raw_context);
    const Ort::ConstValue input = context.GetInput(0);
    const std::vector<std::int64_t> sizes = input.GetTensorTypeAndShapeInfo().GetShape();
    if (sizes.size() != 4)
      throw base::Error(base::ErrorCode::kInternal, "A fused subgraph expects an input of four dimensions");
    std::unique_ptr<OrtAllocator, Release> allocator(context.GetAllocator(*input.GetTensorMemoryInfo()));
    Ort::MemoryAllocation room(allocator.get(), nullptr, 0);
    subgraph_.Run(
        input.GetTensorData<float>(), {sizes[0], sizes[1], sizes[2], sizes[3]},
        [&](std::size_t floats) {
          const std::size_t bytes = floats * sizeof(float);
          room = Ort::MemoryAllocation(allocator.get(), allocator->Alloc(allocator.get(), bytes), bytes);
          return static_cast<float*>(room.get());
        },
        [&](std::size_t output, const FusedSubgraph::Shape& shape) {
          return context.GetOutput(output, {shape.batch, shape.channels, shape.height, shape.width})
              .GetTensorMutableData<float>();
        });
  }

  FusedSubgraph subgraph_;
};

class DetectionHeadKernel {
 public:
  explicit DetectionHeadKernel(const Ort::ConstKernelInfo& info)
      : head_(info.GetAttributes<std::int64_t>("inputs"), info.GetAttributes<std::int64_t>("steps"),
              info.GetAttributes<float>("floats"), info.GetAttributes<std::int64_t>("outputs")) {}

  OrtStatusPtr ComputeV2(OrtKernelContext* context) const noexcept {
    return Caught([&] { Compute(context); });
  }

 private:
  void Compute(OrtKernelContext* raw_context) const {
    const Ort::KernelContext context(raw_context);
    std::vector<DetectionHead::FeatureMap> maps;
    for (std::size_t i = 0; i < context.GetInputCount(); ++i) {
      const Ort::ConstValue input = context.GetInput(i);
      const std::vector<std::int64_t> sizes = input.GetTensorTypeAndShapeInfo().GetShape();
      if (sizes.size() != 4)
        throw base::Error(base::ErrorCode::kInternal, "A detection head expects inputs of four dimensions");
      maps.push_back({input.GetTensorData<float>(), sizes[0], sizes[1], sizes[2] * sizes[3]});
    }
    head_.Run(maps, [&](std::size_t output, const DetectionHead::Shape& shape) {
      return context.GetOutput(output, {shape.batch, shape.rows, shape.columns})
          .GetTensorMutableData<float>();
    });
  }

  DetectionHead head_;
};

template <typename Operator, typename Kernel>
struct FloatOperator : Ort::CustomOpBase<Operator, Kernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const noexcept {
    return Caught([&] { *kernel = std::make_unique<Kernel>(Ort::ConstKernelInfo(info)).release(); });
  }
  std::size_t GetInputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetInputType(std::size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  OrtCustomOpInputOutputCharacteristic GetInputCharacteristic(std::size_t) const {
    return INPUT_OUTPUT_VARIADIC;
  }
  std::size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(std::size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  OrtCustomOpInputOutputCharacteristic GetOutputCharacteristic(std::size_t) const {
    return INPUT_OUTPUT_VARIADIC;
  }
};

struct FusedSubgraphOperator : FloatOperator<FusedSubgraphOperator, FusedSubgraphKernel> {
  const char* GetName() const { return "Segment"; }
};

struct DetectionHeadOperator : FloatOperator<DetectionHeadOperator, DetectionHeadKernel> {
  const char* GetName() const { return "Columns"; }
};

}  // namespace

const Ort::CustomOpDomain& OperatorDomain() {
  static const FusedSubgraphOperator subgraph;
  static const DetectionHeadOperator head;
  static const Ort::CustomOpDomain domain = [] {
    Ort::CustomOpDomain made("visage");
    made.Add(&subgraph);
    made.Add(&head);
    return made;
  }();
  return domain;
}

}  // namespace visage::runtime

#include "runtime/segment_operator.h"

#include <exception>
#include <memory>
#include <vector>

#include "base/error.h"
#include "runtime/segment.h"

namespace visage {
namespace {

struct Release {
  void operator()(OrtAllocator* allocator) const { Ort::GetApi().ReleaseAllocator(allocator); }
};

class SegmentKernel {
 public:
  explicit SegmentKernel(const Ort::ConstKernelInfo& info)
      : segment_(info.GetAttributes<std::int64_t>("steps"), info.GetAttributes<std::int64_t>("outputs"),
                 info.GetAttributes<float>("weights")) {}

  OrtStatusPtr ComputeV2(OrtKernelContext* context) const noexcept try {
    Compute(context);
    return nullptr;
  } catch (const std::exception& cause) {
    return Ort::Status(cause.what(), ORT_FAIL).release();
  }

 private:
  void Compute(OrtKernelContext* raw_context) const {
    const Ort::KernelContext context(raw_context);
    const Ort::ConstValue input = context.GetInput(0);
    const std::vector<std::int64_t> sizes = input.GetTensorTypeAndShapeInfo().GetShape();
    if (sizes.size() != 4) throw Error(ErrorCode::kInternal, "A segment's input has four dimensions");
    std::unique_ptr<OrtAllocator, Release> allocator(context.GetAllocator(*input.GetTensorMemoryInfo()));
    Ort::MemoryAllocation room(allocator.get(), nullptr, 0);
    segment_.Run(
        input.GetTensorData<float>(), {sizes[0], sizes[1], sizes[2], sizes[3]},
        [&](std::size_t floats) {
          const std::size_t bytes = floats * sizeof(float);
          room = Ort::MemoryAllocation(allocator.get(), allocator->Alloc(allocator.get(), bytes), bytes);
          return static_cast<float*>(room.get());
        },
        [&](std::size_t output, const Segment::Shape& shape) {
          return context.GetOutput(output, {shape.batch, shape.channels, shape.height, shape.width})
              .GetTensorMutableData<float>();
        });
  }

  Segment segment_;
};

struct SegmentOperator : Ort::CustomOpBase<SegmentOperator, SegmentKernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const noexcept try {
    *kernel = std::make_unique<SegmentKernel>(Ort::ConstKernelInfo(info)).release();
    return nullptr;
  } catch (const std::exception& cause) {
    return Ort::Status(cause.what(), ORT_FAIL).release();
  }
  const char* GetName() const { return "Segment"; }
  std::size_t GetInputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetInputType(std::size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  std::size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(std::size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  OrtCustomOpInputOutputCharacteristic GetOutputCharacteristic(std::size_t) const {
    return INPUT_OUTPUT_VARIADIC;
  }
};

}  // namespace

const Ort::CustomOpDomain& OperatorDomain() {
  static const SegmentOperator operators;
  static const Ort::CustomOpDomain domain = [] {
    Ort::CustomOpDomain made("visage");
    made.Add(&operators);
    return made;
  }();
  return domain;
}

}  // namespace visage

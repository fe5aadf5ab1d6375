#include "liveness/liveness.h"

#include <array>
#include <span>

#include "base/crop.h"
#include "base/softmax.h"

namespace visage::liveness {

Liveness::Liveness(const LivenessOptions& options)
    : options_(options),
      session_(std::make_shared<runtime::InferenceSession>(
          options.network,
          runtime::InferenceSession::Shape{1, options.input.channel_count(), options.input.height,
                                           options.input.width},
          std::vector<runtime::InferenceSession::Shape>{{1, options.classes}})) {}

std::vector<float> Liveness::Classify(const runtime::SourceImage& image, const base::Box& box) {
  const base::Box crop = base::SquareInside(box, options_.crop_scale, image);
  std::vector<float> classes(options_.classes);
  const std::array<std::span<float>, 1> outputs = {classes};
  session_->Run(
      maker_.Make(image, base::Resized{crop, {options_.input.width, options_.input.height}}, options_.input),
      outputs);
  base::Softmax(classes);
  return classes;
}

}  // namespace visage::liveness

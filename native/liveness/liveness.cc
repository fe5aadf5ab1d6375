#include "liveness/liveness.h"

#include <array>
#include <span>

#include "base/crop.h"
#include "base/softmax.h"

namespace visage {

Liveness::Liveness(const LivenessOptions& options)
    : options_(options),
      session_(std::make_shared<Session>(
          options.network,
          Session::Shape{1, options.input.channel_count(), options.input.height, options.input.width},
          std::vector<Session::Shape>{{1, options.classes}})) {}

std::vector<float> Liveness::Classify(const Picture& image, const Box& box) {
  const Box crop = SquareInside(box, options_.crop_scale, image);
  std::vector<float> classes(options_.classes);
  const std::array<std::span<float>, 1> outputs = {classes};
  session_->Run(
      maker_.Make(image, Resized{crop, {options_.input.width, options_.input.height}}, options_.input),
      outputs);
  Softmax(classes);
  return classes;
}

}  // namespace visage

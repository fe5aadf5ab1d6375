#include "base/error.h"
#include "detect/decoder.h"

namespace visage::detect {

std::vector<Detection> ReadRfb(std::span<const runtime::InferenceSession::Output> outputs, base::Size size,
                               float least_score) {
  if (outputs.size() != 2)
    throw base::Error(base::ErrorCode::kInternal, "RFB has two outputs, scores and boxes");
  const std::size_t count = outputs[0].values.size() / 2;
  const std::span<const float> scores = Table(outputs[0], count, 2);
  const std::span<const float> boxes = Table(outputs[1], count, 4);
  const float width = static_cast<float>(size.width), height = static_cast<float>(size.height);
  std::vector<Detection> found;
  for (std::size_t i = 0; i < count; ++i) {
    const float score = scores[2 * i + 1];
    if (!(score >= least_score)) continue;
    const float* corners = &boxes[4 * i];
    found.push_back({{corners[0] * width, corners[1] * height, (corners[2] - corners[0]) * width,
                      (corners[3] - corners[1]) * height},
                     score,
                     std::nullopt});
  }
  return found;
}

}  // namespace visage::detect

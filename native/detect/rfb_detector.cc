#include <algorithm>
#include <array>
#include <span>

#include "base/error.h"
#include "base/resample.h"
#include "detect/detector.h"
#include "detect/nms.h"
#include "runtime/session.h"

namespace visage {
namespace {

/// Ultra-Light-Fast RFB-320: `scores` 1 x N x 2 (background, face) and `boxes` 1 x N x 4, corners in 0..1 of
/// the input, already decoded from their priors.
class RfbDetector : public Detector {
 public:
  explicit RfbDetector(const DetectorOptions& options)
      : RfbDetector(options,
                    std::make_shared<Session>(options.file,
                                              Session::Shape{1, options.input.channel_count(),
                                                             options.input.height, options.input.width},
                                              std::vector<Session::Shape>{{1, -1, 2}, {1, -1, 4}})) {
    if (scores_.size() * 2 != boxes_.size()) {
      throw Error(ErrorCode::kInternal, "The detector's scores and boxes do not belong together");
    }
  }

  std::vector<Detection> Detect(const ImageView& image) override {
    // Keeps the picture's proportions: a face that is stretched is found less often.
    const float shrink =
        std::min(static_cast<float>(options_.input.width) / static_cast<float>(image.width),
                 static_cast<float>(options_.input.height) / static_cast<float>(image.height));
    const int width = std::clamp(static_cast<int>(image.width * shrink + 0.5f), 1, options_.input.width);
    const int height = std::clamp(static_cast<int>(image.height * shrink + 0.5f), 1, options_.input.height);
    const Box whole{0, 0, static_cast<float>(image.width), static_cast<float>(image.height)};
    resampler_.Run(image, whole, options_.input, width, height, input_.data());

    const std::array<std::span<float>, 2> outputs = {scores_, boxes_};
    session_->Run(input_, outputs);

    const float to_x = static_cast<float>(options_.input.width) * whole.width / static_cast<float>(width);
    const float to_y = static_cast<float>(options_.input.height) * whole.height / static_cast<float>(height);
    std::vector<Detection> candidates;
    for (std::size_t i = 0; i < scores_.size() / 2; ++i) {
      const float score = scores_[2 * i + 1];
      if (!(score >= options_.score_threshold)) continue;
      const float left = std::clamp(boxes_[4 * i] * to_x, 0.0f, whole.width);
      const float top = std::clamp(boxes_[4 * i + 1] * to_y, 0.0f, whole.height);
      const float right = std::clamp(boxes_[4 * i + 2] * to_x, 0.0f, whole.width);
      const float bottom = std::clamp(boxes_[4 * i + 3] * to_y, 0.0f, whole.height);
      if (right - left < 1 || bottom - top < 1) continue;
      candidates.push_back({{left, top, right - left, bottom - top}, score, std::nullopt});
    }
    return Suppress(std::move(candidates), options_.nms_iou);
  }

  std::unique_ptr<Detector> Clone() const override {
    return std::unique_ptr<Detector>(new RfbDetector(options_, session_));
  }

 private:
  RfbDetector(const DetectorOptions& options, std::shared_ptr<const Session> session)
      : options_(options),
        session_(std::move(session)),
        input_(options.input.size()),
        scores_(session_->output_size(0)),
        boxes_(session_->output_size(1)) {}

  DetectorOptions options_;
  std::shared_ptr<const Session> session_;
  Resampler resampler_;
  std::vector<float> input_;
  std::vector<float> scores_;
  std::vector<float> boxes_;
};

}  // namespace

std::unique_ptr<Detector> MakeDetector(const DetectorOptions& options) {
  if (options.decoder == "rfb") return std::make_unique<RfbDetector>(options);
  throw Error(ErrorCode::kInternal, "The detector's decoder is not known: " + options.decoder);
}

}  // namespace visage

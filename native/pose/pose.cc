#include "pose/pose.h"

#include <array>
#include <cmath>
#include <span>

#include "base/crop.h"
#include "base/error.h"
#include "base/softmax.h"

namespace visage {
namespace {

constexpr int kBins = 66;
/// A bin is this many degrees wide, and the first begins at -99.
constexpr float kBinDegrees = 3;
constexpr float kFirstDegrees = -99;

/// The expected angle over the bins' probabilities.
float Degrees(std::span<float> bins) {
  Softmax(bins);
  float expected = 0;
  for (std::size_t i = 0; i < bins.size(); ++i) expected += static_cast<float>(i) * bins[i];
  return expected * kBinDegrees + kFirstDegrees;
}

}  // namespace

PoseEstimator::PoseEstimator(const PoseOptions& options)
    : options_(options),
      session_(std::make_shared<Session>(
          options.file,
          Session::Shape{1, options.input.channel_count(), options.input.height, options.input.width},
          std::vector<Session::Shape>(3, {1, kBins}))),
      input_(options.input.size()),
      output_(3 * kBins) {
  if (options.decoder != "bins66") {
    throw Error(ErrorCode::kInternal, "The pose's decoder is not known: " + options.decoder);
  }
}

Pose PoseEstimator::Estimate(const ImageView& image, const Box& box) {
  const Box crop = GrownAndCut(box, options_.crop_scale, image);
  resampler_.Run(image, crop, options_.input, options_.input.width, options_.input.height, input_.data());
  const std::span<float> all(output_);
  const std::array<std::span<float>, 3> outputs = {all.subspan(0, kBins), all.subspan(kBins, kBins),
                                                   all.subspan(2 * kBins, kBins)};
  session_->Run(input_, outputs);
  return {Degrees(outputs[0]), Degrees(outputs[1]), Degrees(outputs[2])};
}

}  // namespace visage

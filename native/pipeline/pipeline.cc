#include "pipeline/pipeline.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "align/aligner.h"
#include "base/error.h"
#include "base/warp.h"
#include "decode/base64.h"
#include "runtime/accelerator.h"

namespace visage {
namespace {

/// A face whose larger side has fewer pixels than this in the reduced picture is taken from a larger one, if
/// there is one: the embedder's input, 112 pixels, shows about this much of a face.
constexpr float kLeastFaceSide = 112;

class Stopwatch {
 public:
  /// Milliseconds since the last lap.
  double Lap() {
    const Clock::time_point now = Clock::now();
    const double passed = std::chrono::duration<double, std::milli>(now - last_).count();
    last_ = now;
    return passed;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
};

Box Scaled(const Box& box, float x, float y) { return {box.x * x, box.y * y, box.width * x, box.height * y}; }

/// A file out of its base64 text.
class Base64File {
 public:
  explicit Base64File(std::span<const std::uint8_t> text)
      : bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(Base64Bound(text.size()))),
        size_(DecodeBase64({reinterpret_cast<const char*>(text.data()), text.size()},
                           {bytes_.get(), Base64Bound(text.size())})) {}

  std::span<const std::uint8_t> bytes() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_;
};

constexpr float kDefaultLeastFace = 32;
constexpr float kDefaultFacesAlongSide = 60;

/// How far a picture may be reduced before faces are looked for.
Reduction SearchReduction(const Detector& detector, const AnalysisRequest& request) {
  if (request.least_face > 0) return {Pipeline::kSearchSide, detector.ScaleFor(request.least_face)};
  // At the default the finest level is this long, whatever the size of the picture, which is not known yet.
  const int finest = static_cast<int>(std::ceil(kDefaultFacesAlongSide * detector.least_face()));
  return {std::max(Pipeline::kSearchSide, finest), 0};
}

/// From pixels of one rendition of a picture to pixels of another.
struct Ratio {
  float x;
  float y;
};

}  // namespace

float DefaultLeastFace(int width, int height) {
  return std::max(kDefaultLeastFace, static_cast<float>(std::max(width, height)) / kDefaultFacesAlongSide);
}

DecodedImage DecodeEncoded(std::span<const std::uint8_t> bytes, ImageEncoding encoding) {
  if (encoding == ImageEncoding::kBinary) return Decode(bytes);
  return Decode(Base64File(bytes).bytes());
}

struct Pipeline::Stages {
  Detector detector;
  Landmarker landmarker;
  Embedder embedder;
  std::optional<PoseEstimator> pose;
  std::optional<Liveness> liveness;
  /// Null where networks' inputs are made in the host's memory.
  Accelerator* accelerator;
  NetworkInput measured_input = MeasuredInput();
  std::vector<float> measured = std::vector<float>(measured_input.size());

  explicit Stages(const PipelineOptions& options)
      : detector(options.detector),
        landmarker(options.landmarks),
        embedder(options.embedder),
        accelerator(AcceleratorOf(options.detector.network.device)) {
    if (options.pose) pose.emplace(*options.pose);
    if (options.liveness) liveness.emplace(*options.liveness);
  }
};

/// Stages out of the pipeline's stock, and back into it at the end.
class Pipeline::Lease {
 public:
  explicit Lease(const Pipeline& pipeline) : pipeline_(pipeline) {
    {
      const std::lock_guard lock(pipeline_.mutex_);
      if (!pipeline_.idle_.empty()) {
        stages_ = std::move(pipeline_.idle_.back());
        pipeline_.idle_.pop_back();
      }
    }
    if (!stages_) stages_ = std::make_unique<Stages>(*pipeline_.pattern_);
  }
  ~Lease() {
    const std::lock_guard lock(pipeline_.mutex_);
    pipeline_.idle_.push_back(std::move(stages_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Stages& operator*() { return *stages_; }

 private:
  const Pipeline& pipeline_;
  std::unique_ptr<Stages> stages_;
};

Pipeline::Pipeline(const PipelineOptions& options) : pattern_(std::make_unique<const Stages>(options)) {}

Pipeline::~Pipeline() = default;

Analysis Pipeline::Analyze(std::span<const std::uint8_t> bytes, ImageEncoding encoding,
                           const AnalysisRequest& request, Team& team) const {
  Lease stages(*this);
  if (request.liveness && !(*stages).liveness) {
    throw Error(ErrorCode::kInternal, "The model pack has no network that tells whether a face is live");
  }
  Analysis analysis;
  if (encoding == ImageEncoding::kBinary) {
    Examine(bytes, request, *stages, team, analysis);
  } else {
    Stopwatch watch;
    const Base64File file(bytes);
    analysis.timings.decode = watch.Lap();
    Examine(file.bytes(), request, *stages, team, analysis);
  }
  return analysis;
}

void Pipeline::Examine(std::span<const std::uint8_t> file, const AnalysisRequest& request, Stages& stages,
                       Team& team, Analysis& analysis) const {
  Stopwatch watch;
  DecodedImage picture = Decode(file, SearchReduction(stages.detector, request));
  analysis.width = picture.full_width;
  analysis.height = picture.full_height;
  analysis.format = picture.format;
  analysis.timings.decode += watch.Lap();

  Picture view(picture.image.view(), stages.accelerator);
  const auto to_full = [&] {
    return Ratio{static_cast<float>(picture.full_width) / static_cast<float>(picture.image.width()),
                 static_cast<float>(picture.full_height) / static_cast<float>(picture.image.height())};
  };
  const Ratio up = to_full();
  const float least_face =
      request.least_face > 0 ? request.least_face : DefaultLeastFace(analysis.width, analysis.height);
  for (Detection& face :
       stages.detector.Detect(view, least_face / std::max(up.x, up.y), request.wanted, team)) {
    face.box = Scaled(face.box, up.x, up.y);
    if (face.points) {
      for (Point& point : *face.points) point = {point.x * up.x, point.y * up.y};
    }
    analysis.faces.emplace_back().detection = face;
  }
  analysis.looks = stages.detector.runs();
  analysis.timings.detect = watch.Lap();
  const std::size_t described =
      std::min(std::max<std::size_t>(request.described, request.face_template), analysis.faces.size());
  const std::size_t examined =
      std::min(std::max<std::size_t>(described, request.liveness), analysis.faces.size());
  if (examined == 0) return;

  const Box& smallest = analysis.faces[examined - 1].detection.box;
  const float side = std::max(smallest.width, smallest.height);
  if (side < kLeastFaceSide * std::max(up.x, up.y) && up.x > 1) {
    const float wanted = std::min(kLeastFaceSide / side, 1.0f);
    picture = Decode(file, {.least_side = 0, .least_scale = wanted});
    view = Picture(picture.image.view(), stages.accelerator);
    analysis.timings.decode += watch.Lap();
  }

  const Ratio full = to_full();
  const auto box_of = [&](const AnalyzedFace& face) {
    return Scaled(face.detection.box, 1 / full.x, 1 / full.y);
  };
  for (std::size_t i = 0; i < described; ++i) {
    AnalyzedFace& face = analysis.faces[i];
    const Box box = box_of(face);
    FivePoints points = stages.landmarker.Locate(view, box, team);
    analysis.timings.align += watch.Lap();
    if (i == 0 && request.face_template) {
      const auto show = [&](const FaceView& shown) {
        return stages.embedder.is_box()
                   ? CropSquare(box, stages.embedder.crop_scale(), stages.embedder.input(), shown)
                   : AlignArcFace(points, stages.embedder.input(), shown);
      };
      analysis.face_template = stages.embedder.Embed(view, show, team);
      analysis.timings.embed += watch.Lap();
    }
    if (request.attributes) {
      face.pose = stages.pose ? stages.pose->Estimate(view, box, points) : PoseOfPoints(points);
      Warp(view, AlignArcFace(points, stages.measured_input, FaceView{}), stages.measured_input,
           stages.measured.data());
      face.measures = Measure(stages.measured);
      analysis.timings.attributes += watch.Lap();
    }
    for (Point& point : points) point = {point.x * full.x, point.y * full.y};
    face.landmarks = points;
  }
  if (request.liveness) {
    analysis.liveness = stages.liveness->Classify(view, box_of(analysis.faces.front()));
    analysis.timings.liveness = watch.Lap();
  }
}

}  // namespace visage

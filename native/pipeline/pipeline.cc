#include "pipeline/pipeline.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "align/aligner.h"
#include "base/error.h"
#include "base/warp.h"
#include "decode/base64.h"
#include "detect/merge.h"
#include "runtime/accelerator.h"
#include "thumbnail/thumbnail.h"

namespace visage::pipeline {
namespace {

/// Less certain detections are no faces.
constexpr float kLikely = 0.7f;
/// Less certain faces rank behind, and do not end the search for turned faces.
constexpr float kCertain = 0.85f;
/// Limits the cost of many doubtful detections.
constexpr std::size_t kMostOpinions = 64;
/// More certain faces are not seen at other turns: docs/experiments.md.
constexpr float kUpright = 0.985f;
/// Where scores differ by less, the landmarks tell which way up a face is.
constexpr float kComparable = 0.1f;
/// A search for the largest face asks no opinion below this share of its area.
constexpr float kCompany = 0.5f;
constexpr int kOtherTurns = 3;
/// A face of another turn has at least this score where it is seen smaller.
constexpr float kGlimpse = 0.3f;
/// Better agreement of landmarks is chance.
constexpr float kLeastDisagreement = 0.02f;
/// Longer side over the least width of a turned face: bounds the cost of images without faces.
constexpr float kTurnedFacesAlongSide = 20;

/// The embedder's input size; smaller faces cause a second decode.
constexpr float kLeastFaceSide = 112;

class Stopwatch {
 public:
  /// Milliseconds since the last call.
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

base::Box Scaled(const base::Box& box, float x, float y) {
  return {box.x * x, box.y * y, box.width * x, box.height * y};
}

class Base64File {
 public:
  explicit Base64File(std::span<const std::uint8_t> text)
      : bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(decode::Base64Bound(text.size()))),
        size_(decode::DecodeBase64({reinterpret_cast<const char*>(text.data()), text.size()},
                                   {bytes_.get(), decode::Base64Bound(text.size())})) {}

  std::span<const std::uint8_t> bytes() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_;
};

constexpr float kDefaultLeastFace = 32;
constexpr float kDefaultFacesAlongSide = 60;

decode::Reduction SearchReduction(const detect::Detector& detector, const AnalysisRequest& request) {
  if (request.least_face > 0) return {Pipeline::kSearchSide, detector.ScaleFor(request.least_face)};
  const int finest = static_cast<int>(std::ceil(kDefaultFacesAlongSide * detector.least_face()));
  return {std::max(Pipeline::kSearchSide, finest), 0};
}

struct FaceStages {
  align::Landmarker landmarker;
  embed::Embedder embedder;
  std::optional<pose::PoseEstimator> pose;
  base::NetworkInput measured_input = quality::MeasuredInput();
  std::vector<float> measured = std::vector<float>(measured_input.size());

  explicit FaceStages(const PipelineOptions& options)
      : landmarker(options.landmarks), embedder(options.embedder) {
    if (options.pose) pose.emplace(*options.pose);
  }
};

struct FaceTimes {
  double align = 0;
  double embed = 0;
  double attributes = 0;

  double sum() const { return align + embed + attributes; }
};

/// @param box in pixels of `view`. @param vector null for no template.
FaceTimes DescribeFace(const runtime::SourceImage& view, const base::Box& box, bool has_attributes,
                       std::vector<float>* vector, FaceStages& stages, base::Team& team, AnalyzedFace& face) {
  Stopwatch watch;
  FaceTimes times;
  const int turn = face.detection.turn;
  const align::Landmarks landmarks = stages.landmarker.Locate(view, box, turn, team);
  const base::FivePoints& points = landmarks.points;
  face.landmarks = points;
  times.align = watch.Lap();
  if (vector != nullptr) {
    const auto show = [&](const base::FaceView& shown) {
      return stages.embedder.is_box()
                 ? align::CropSquare(box, turn, stages.embedder.crop_scale(), stages.embedder.input(), shown)
                 : align::AlignArcFace(points, stages.embedder.input(), shown);
    };
    *vector = stages.embedder.Embed(view, show, team);
    times.embed = watch.Lap();
  }
  if (has_attributes)
    face.pose = stages.pose ? stages.pose->Estimate(view, box, turn, points) : pose::PoseOfPoints(points);
  if (has_attributes || vector != nullptr) {
    base::Warp(view, align::AlignArcFace(points, stages.measured_input, base::FaceView{}),
               stages.measured_input, stages.measured.data());
    face.measures = quality::Measure(stages.measured);
    times.attributes = watch.Lap();
  }
  return times;
}

}  // namespace

float DefaultLeastFace(int width, int height) {
  return std::max(kDefaultLeastFace, base::Extent({width, height}) / kDefaultFacesAlongSide);
}

decode::DecodedImage DecodeEncoded(std::span<const std::uint8_t> bytes, ImageEncoding encoding) {
  if (encoding == ImageEncoding::kBinary) return decode::Decode(bytes);
  return decode::Decode(Base64File(bytes).bytes());
}

struct Pipeline::Stages {
  detect::Detector detector;
  std::vector<FaceStages> faces;
  std::optional<liveness::Liveness> liveness;
  /// Null if the host builds inputs.
  runtime::Accelerator* accelerator;
  base::NetworkInput crop_input = thumbnail::CropInput();
  std::vector<float> crop;

  explicit Stages(const PipelineOptions& options)
      : detector(options.detector), accelerator(runtime::AcceleratorOf(options.detector.network.device)) {
    faces.emplace_back(options);
    if (!options.liveness.empty()) liveness.emplace(options.liveness);
  }
};

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

Pipeline::Pipeline(const PipelineOptions& options)
    : pattern_(std::make_unique<const Stages>(options)), second_opinion_(options.second_opinion) {}

Pipeline::~Pipeline() = default;

Analysis Pipeline::Analyze(std::span<const std::uint8_t> bytes, ImageEncoding encoding,
                           const AnalysisRequest& request, base::Team& team) const {
  Lease stages(*this);
  if (request.liveness && !(*stages).liveness) {
    throw base::Error(base::ErrorCode::kInternal, "The model pack has no liveness network");
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

std::vector<detect::Detection> Pipeline::Find(const runtime::SourceImage& view, float least_face,
                                              detect::Wanted wanted, Stages& stages, base::Team& team) const {
  std::vector<detect::Detection> faces = stages.detector.Detect(view, least_face, wanted, team);
  for (detect::Detection& face : faces) face.certainty = second_opinion_ ? 1 : face.score;
  if (!second_opinion_) return faces;
  if (wanted != detect::Wanted::kAll) {
    const auto certain = std::ranges::find_if(
        faces, [&](const detect::Detection& face) { return face.score >= second_opinion_->below; });
    if (certain != faces.end()) {
      const float least = kCompany * certain->box.Area();
      faces.erase(std::remove_if(certain + 1, faces.end(),
                                 [&](const detect::Detection& face) {
                                   return face.score < second_opinion_->below && face.box.Area() < least;
                                 }),
                  faces.end());
    }
  }
  const auto is_certain = [](const detect::Detection& face) { return face.certainty >= kCertain; };
  const float longer_side = static_cast<float>(std::max(view.width, view.height));
  const float least_turned = std::max(least_face, longer_side / kTurnedFacesAlongSide);
  Judge(view, faces, stages, team, [&](const detect::Detection& face) {
    return face.box.width < least_turned || std::ranges::any_of(faces, is_certain);
  });
  for (const int turn : {1, 3, 2}) {
    const auto is_of_turn = [&](const detect::Detection& face) {
      return is_certain(face) && face.turn == turn;
    };
    if (std::ranges::any_of(faces, is_certain) && std::ranges::none_of(faces, is_of_turn)) continue;
    std::vector<detect::Detection> turned = stages.detector.DetectTurned(view, least_turned, turn, team);
    for (detect::Detection& face : turned) face.certainty = 1;
    Judge(view, turned, stages, team, [](const detect::Detection&) { return false; });
    detect::AddOthers(turned, faces);
  }
  std::ranges::stable_partition(faces, is_certain);
  return faces;
}

std::vector<Pipeline::Opinion> Pipeline::OpinionsOf(const runtime::SourceImage& view,
                                                    std::span<const detect::Detection> faces, Stages& stages,
                                                    base::Team& team) const {
  const SecondOpinion& weights = *second_opinion_;
  const std::vector<float> details = stages.detector.LookAgain(view, faces, detect::kDetail, team);
  stages.faces.resize(std::max(stages.faces.size(), team.seats()), stages.faces.front());
  std::vector<Opinion> opinions(faces.size());
  team.Share(faces.size(), [&](std::size_t i, std::size_t seat) {
    const float known = weights.score * faces[i].score + weights.detail * details[i] + weights.bias;
    const auto certainty = [&](float disagreement) {
      return 1 / (1 + std::exp(-(known + weights.landmarks * std::log(disagreement))));
    };
    opinions[i].detail = details[i];
    const bool is_hopeless = weights.landmarks <= 0 && certainty(kLeastDisagreement) < kLikely;
    if (details[i] <= 0 || is_hopeless) return;
    base::Alone alone;
    const align::Landmarks landmarks =
        stages.faces[seat].landmarker.Locate(view, faces[i].box, faces[i].turn, alone);
    opinions[i].certainty = certainty(std::max(landmarks.disagreement.value_or(1), kLeastDisagreement));
  });
  return opinions;
}

void Pipeline::Judge(const runtime::SourceImage& view, std::vector<detect::Detection>& faces, Stages& stages,
                     base::Team& team,
                     const std::function<bool(const detect::Detection&)>& may_be_turned) const {
  std::vector<detect::Detection*> judged;
  std::vector<detect::Detection> views;
  for (detect::Detection& face : faces) {
    if (face.score >= second_opinion_->below || judged.size() == kMostOpinions) continue;
    judged.push_back(&face);
    views.push_back(face);
  }
  const std::vector<Opinion> opinions = OpinionsOf(view, views, stages, team);
  for (std::size_t i = 0; i < judged.size(); ++i) judged[i]->certainty = opinions[i].certainty;

  std::vector<std::size_t> of;
  std::vector<detect::Detection> turned;
  for (std::size_t i = 0; i < judged.size(); ++i) {
    if (opinions[i].detail >= second_opinion_->below || opinions[i].certainty >= kUpright) continue;
    if (opinions[i].certainty < kLikely && !may_be_turned(views[i])) continue;
    of.push_back(i);
    for (int more = 1; more <= kOtherTurns; ++more) {
      turned.push_back(views[i]);
      turned.back().turn = (views[i].turn + more) % (1 + kOtherTurns);
    }
  }
  const std::vector<float> glimpses = stages.detector.LookAgain(view, turned, detect::kSecondLook, team);
  std::vector<std::size_t> of_likeliest;
  std::vector<detect::Detection> likeliest;
  for (std::size_t i = 0; i < of.size(); ++i) {
    const auto first = glimpses.begin() + static_cast<std::ptrdiff_t>(kOtherTurns * i);
    const auto best = std::max_element(first, first + kOtherTurns);
    if (*best < kGlimpse) continue;
    of_likeliest.push_back(of[i]);
    likeliest.push_back(turned[static_cast<std::size_t>(best - glimpses.begin())]);
  }
  const std::vector<Opinion> others = OpinionsOf(view, likeliest, stages, team);
  for (std::size_t i = 0; i < others.size(); ++i) {
    detect::Detection& face = *judged[of_likeliest[i]];
    const float apart = others[i].detail - opinions[of_likeliest[i]].detail;
    if (apart < -kComparable || (apart <= kComparable && others[i].certainty <= face.certainty)) continue;
    face.turn = likeliest[i].turn;
    face.certainty = others[i].certainty;
  }
  std::erase_if(faces, [](const detect::Detection& face) { return face.certainty < kLikely; });
}

void Pipeline::Describe(const runtime::SourceImage& view, base::Point to_full, std::size_t described,
                        const AnalysisRequest& request, Stages& stages, base::Team& team,
                        Analysis& analysis) const {
  const std::size_t templates = std::min(request.templates, described);
  analysis.templates.resize(templates);
  const auto describe = [&](std::size_t i, FaceStages& own, base::Team& helpers) {
    AnalyzedFace& face = analysis.faces[i];
    const base::Box box = Scaled(face.detection.box, 1 / to_full.x, 1 / to_full.y);
    std::vector<float>* vector = i < templates ? &analysis.templates[i] : nullptr;
    const FaceTimes times = DescribeFace(view, box, request.attributes, vector, own, helpers, face);
    for (base::Point& point : *face.landmarks) point = {point.x * to_full.x, point.y * to_full.y};
    return times;
  };
  const auto add = [&](const FaceTimes& times, double scale) {
    analysis.timings.align += times.align * scale;
    analysis.timings.embed += times.embed * scale;
    analysis.timings.attributes += times.attributes * scale;
  };
  if (described == 1) return add(describe(0, stages.faces.front(), team), 1);

  // Threads share faces, not parts of a face.
  stages.faces.resize(std::max(stages.faces.size(), team.seats()), stages.faces.front());
  for (std::size_t first = 0; first < described; first += team.seats()) {
    std::vector<FaceTimes> times(std::min(team.seats(), described - first));
    Stopwatch watch;
    team.Share(times.size(), [&](std::size_t item, std::size_t seat) {
      base::Alone alone;
      times[item] = describe(first + item, stages.faces[seat], alone);
    });
    double sum = 0;
    for (const FaceTimes& each : times) sum += each.sum();
    const double scale = sum > 0 ? watch.Lap() / sum : 0;
    for (const FaceTimes& each : times) add(each, scale);
  }
}

void Pipeline::Examine(std::span<const std::uint8_t> file, const AnalysisRequest& request, Stages& stages,
                       base::Team& team, Analysis& analysis) const {
  Stopwatch watch;
  decode::DecodedImage picture = decode::Decode(file, SearchReduction(stages.detector, request));
  analysis.width = picture.full_width;
  analysis.height = picture.full_height;
  analysis.format = picture.format;
  analysis.timings.decode += watch.Lap();

  runtime::SourceImage view(picture.image.view(), stages.accelerator);
  const auto to_full = [&] {
    return base::Point{static_cast<float>(picture.full_width) / static_cast<float>(picture.image.width()),
                       static_cast<float>(picture.full_height) / static_cast<float>(picture.image.height())};
  };
  const base::Point up = to_full();
  const float least_face =
      request.least_face > 0 ? request.least_face : DefaultLeastFace(analysis.width, analysis.height);
  // The crops of liveness follow the box.
  const bool is_rough = request.wanted == detect::Wanted::kLargest && !request.liveness;
  const detect::Wanted wanted = is_rough ? detect::Wanted::kLargestRoughly : request.wanted;
  for (detect::Detection& face : Find(view, least_face / std::max(up.x, up.y), wanted, stages, team)) {
    face.box = Scaled(face.box, up.x, up.y);
    if (face.points) {
      for (base::Point& point : *face.points) point = {point.x * up.x, point.y * up.y};
    }
    analysis.faces.emplace_back().detection = face;
  }
  analysis.looks = stages.detector.runs();
  analysis.timings.detect = watch.Lap();
  const std::size_t described =
      std::min(std::max(request.described, request.templates), analysis.faces.size());
  const std::size_t examined =
      std::min(std::max({described, std::size_t{request.liveness}, request.crops}), analysis.faces.size());
  if (examined == 0) return;

  const base::Box& smallest = analysis.faces[examined - 1].detection.box;
  const float side = std::max(smallest.width, smallest.height);
  if (side < kLeastFaceSide * std::max(up.x, up.y) && picture.has_finer) {
    const float wanted = std::min(kLeastFaceSide / side, 1.0f);
    picture = decode::Decode(file, {.least_side = 0, .least_scale = wanted});
    view = runtime::SourceImage(picture.image.view(), stages.accelerator);
    analysis.timings.decode += watch.Lap();
  }

  const base::Point full = to_full();
  const auto box_of = [&](const AnalyzedFace& face) {
    return Scaled(face.detection.box, 1 / full.x, 1 / full.y);
  };
  Describe(view, full, described, request, stages, team, analysis);
  watch.Lap();
  if (request.liveness) {
    const AnalyzedFace& face = analysis.faces.front();
    analysis.liveness = stages.liveness->Classify(view, box_of(face), face.detection.turn, team);
    analysis.timings.liveness = watch.Lap();
  }
  const std::size_t crops = std::min(request.crops, analysis.faces.size());
  if (crops == 0) return;
  stages.crop.resize(stages.crop_input.size());
  for (std::size_t i = 0; i < crops; ++i) {
    const base::Box box = box_of(analysis.faces[i]);
    base::Warp(view,
               align::CropSquare(box, analysis.faces[i].detection.turn, thumbnail::kCropScale,
                                 stages.crop_input, base::FaceView{}),
               stages.crop_input, stages.crop.data());
    analysis.crops.push_back(thumbnail::EncodeJpeg(stages.crop));
  }
  analysis.timings.crop = watch.Lap();
}

}  // namespace visage::pipeline

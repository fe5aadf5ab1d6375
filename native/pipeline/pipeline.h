#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "align/landmarker.h"
#include "base/team.h"
#include "decode/decode.h"
#include "detect/detector.h"
#include "embed/embedder.h"
#include "liveness/liveness.h"
#include "pose/pose.h"
#include "quality/measures.h"

namespace visage::pipeline {

/// See `SecondOpinion` in `src/native/pipeline-options.ts`.
struct SecondOpinion {
  float below = 0;
  float score = 0;
  float detail = 0;
  float landmarks = 0;
  float bias = 0;
};

struct PipelineOptions {
  detect::DetectorOptions detector;
  /// Empty: the score is the certainty, and faces count as upright.
  std::optional<SecondOpinion> second_opinion;
  align::LandmarkOptions landmarks;
  embed::EmbedderOptions embedder;
  std::optional<pose::PoseOptions> pose;
  std::vector<liveness::LookOptions> liveness;
};

enum class ImageEncoding { kBinary, kBase64 };

/// @throws as `Decode`; kInvalidImage for invalid base64.
decode::DecodedImage DecodeEncoded(std::span<const std::uint8_t> bytes, ImageEncoding encoding);

/// Counts take the largest faces first.
struct AnalysisRequest {
  std::size_t described = 1;
  std::size_t templates = 1;
  /// Pose, and measures of faces without a template.
  bool attributes = false;
  bool liveness = false;
  std::size_t crops = 0;
  /// In upright image pixels; 0 for `DefaultLeastFace`.
  float least_face = 0;
  detect::Wanted wanted = detect::Wanted::kAll;
};

/// Grows with the image, which bounds the work.
float DefaultLeastFace(int width, int height);

/// In pixels of the upright image in full size.
struct AnalyzedFace {
  detect::Detection detection;
  std::optional<base::FivePoints> landmarks;
  std::optional<quality::FaceMeasures> measures;
  std::optional<pose::Pose> pose;
};

struct Analysis {
  int width = 0;
  int height = 0;
  decode::ImageFormat format = decode::ImageFormat::kJpeg;
  /// Certain faces first, then by area.
  std::vector<AnalyzedFace> faces;
  std::vector<std::vector<float>> templates;
  std::vector<float> liveness;
  /// JPEG; see `thumbnail::EncodeJpeg`.
  std::vector<std::vector<std::uint8_t>> crops;
  std::size_t looks = 0;
  /// Milliseconds.
  struct {
    double queue = 0;
    double decode = 0;
    double detect = 0;
    double align = 0;
    double embed = 0;
    double attributes = 0;
    double liveness = 0;
    double crop = 0;
  } timings;
};

class Pipeline {
 public:
  /// Minimum base::Extent() of a reduced JPEG.
  static constexpr int kSearchSide = 1280;

  /// @throws kInternal with the failed file and the cause.
  explicit Pipeline(const PipelineOptions& options);
  ~Pipeline();

  /// Thread-safe. @param team never changes the result. @throws as `DecodeEncoded`; kInternal without a
  /// requested liveness network.
  Analysis Analyze(std::span<const std::uint8_t> bytes, ImageEncoding encoding,
                   const AnalysisRequest& request, base::Team& team) const;

 private:
  /// Not thread-safe.
  struct Stages;
  class Lease;

  std::vector<detect::Detection> Find(const runtime::SourceImage& view, float least_face,
                                      detect::Wanted wanted, Stages& stages, base::Team& team) const;
  struct Opinion {
    float detail = 0;
    /// 0..1; 0 where the weights leave no chance.
    float certainty = 0;
  };
  /// Of each face, at its turn.
  std::vector<Opinion> OpinionsOf(const runtime::SourceImage& view, std::span<const detect::Detection> faces,
                                  Stages& stages, base::Team& team) const;
  /// Drops unlikely faces.
  /// @param may_be_turned whether an unlikely face needs looks at its other turns; asked after the first
  /// looks.
  void Judge(const runtime::SourceImage& view, std::vector<detect::Detection>& faces, Stages& stages,
             base::Team& team, const std::function<bool(const detect::Detection&)>& may_be_turned) const;

  void Describe(const runtime::SourceImage& view, base::Point to_full, std::size_t described,
                const AnalysisRequest& request, Stages& stages, base::Team& team, Analysis& analysis) const;
  void Examine(std::span<const std::uint8_t> file, const AnalysisRequest& request, Stages& stages,
               base::Team& team, Analysis& analysis) const;

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Stages>> idle_;
  std::unique_ptr<const Stages> pattern_;
  std::optional<SecondOpinion> second_opinion_;
};

}  // namespace visage::pipeline

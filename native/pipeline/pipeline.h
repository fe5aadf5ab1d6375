#pragma once

#include <cstdint>
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

namespace visage {

/// A model pack's stages.
struct PipelineOptions {
  DetectorOptions detector;
  LandmarkOptions landmarks;
  EmbedderOptions embedder;
  /// Nothing where the pack has no such network.
  std::optional<PoseOptions> pose;
  std::optional<LivenessOptions> liveness;
};

/// How the bytes of a picture are written.
enum class ImageEncoding { kBinary, kBase64 };

/// Decodes a picture in full size. @throws as `Decode`, and kInvalidImage for text that is not base64.
DecodedImage DecodeEncoded(std::span<const std::uint8_t> bytes, ImageEncoding encoding);

/// What is to be found out about a picture, beside where its faces are.
struct AnalysisRequest {
  /// Faces, largest first, that get landmarks.
  std::size_t described = 1;
  /// Whether the largest face's template is made.
  bool face_template = true;
  /// Whether pose and measures of every described face are made.
  bool attributes = false;
  /// Whether the largest face is told from a picture of one; needs a pack with a network for it.
  bool liveness = false;
  /// Width of the least face to look for, in pixels of the upright picture; 0 for `DefaultLeastFace`.
  float least_face = 0;
  /// Which faces are listed.
  Wanted wanted = Wanted::kAll;
};

/// The least face that is looked for where the caller does not say: 32 pixels wide, and in a picture of more
/// than 1920 pixels a sixtieth of its longer side, so that the work stays within bounds.
float DefaultLeastFace(int width, int height);

/// One face of a picture. Coordinates are pixels of the upright picture in full size.
struct AnalyzedFace {
  Detection detection;
  /// Nothing where they were not asked for.
  std::optional<FivePoints> landmarks;
  std::optional<FaceMeasures> measures;
  std::optional<Pose> pose;
};

/// What was seen in one picture.
struct Analysis {
  /// Of the upright picture in full size.
  int width = 0;
  int height = 0;
  ImageFormat format = ImageFormat::kJpeg;
  /// Largest area first.
  std::vector<AnalyzedFace> faces;
  /// Of `faces[0]`; empty where there is no face or it was not asked for.
  std::vector<float> face_template;
  /// Probability of each class for `faces[0]`; empty where there is no face or it was not asked for.
  std::vector<float> liveness;
  /// How many times the detector's network ran.
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
  } timings;
};

/// Decode, detect, align, embed, and what else is asked about a face.
class Pipeline {
 public:
  /// Faces are looked for in a JPEG's reduced picture whose longer side keeps at least this many pixels.
  static constexpr int kSearchSide = 1280;

  /// Loads the networks. @throws Error kInternal naming the file that does not load and why.
  explicit Pipeline(const PipelineOptions& options);
  ~Pipeline();

  /// Works on the calling thread. Thread-safe.
  /// @param team shares what can be done side by side; the result is the same to the bit.
  /// @param bytes the file or its base64 text, borrowed for the call.
  /// @throws as `Decode`, kInvalidImage for text that is not base64, kInternal for liveness without its
  /// network.
  Analysis Analyze(std::span<const std::uint8_t> bytes, ImageEncoding encoding,
                   const AnalysisRequest& request, Team& team) const;

 private:
  /// The stages with their buffers, for one thread at a time.
  struct Stages;
  class Lease;

  void Examine(std::span<const std::uint8_t> file, const AnalysisRequest& request, Stages& stages, Team& team,
               Analysis& analysis) const;

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Stages>> idle_;
  std::unique_ptr<const Stages> pattern_;
};

}  // namespace visage

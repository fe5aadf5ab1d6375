#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "align/landmarker.h"
#include "decode/decode.h"
#include "detect/detector.h"
#include "embed/embedder.h"

namespace visage {

/// A model pack's stages.
struct PipelineOptions {
  DetectorOptions detector;
  LandmarkOptions landmarks;
  EmbedderOptions embedder;
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
};

/// One face of a picture. Coordinates are pixels of the upright picture in full size.
struct AnalyzedFace {
  Detection detection;
  /// Nothing where they were not asked for.
  std::optional<FivePoints> landmarks;
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
  /// Milliseconds.
  struct {
    double queue = 0;
    double decode = 0;
    double detect = 0;
    double align = 0;
    double embed = 0;
  } timings;
};

/// Decode, detect, align, embed.
class Pipeline {
 public:
  /// Faces are looked for in a JPEG's reduced picture whose longer side keeps at least this many pixels.
  static constexpr int kSearchSide = 1280;

  /// Loads the networks. @throws Error kInternal naming the file that does not load and why.
  explicit Pipeline(const PipelineOptions& options);
  ~Pipeline();

  /// Works on the calling thread. Thread-safe.
  /// @param bytes the file or its base64 text, borrowed for the call.
  /// @throws as `Decode`, and kInvalidImage for text that is not base64.
  Analysis Analyze(std::span<const std::uint8_t> bytes, ImageEncoding encoding,
                   const AnalysisRequest& request) const;

 private:
  /// The stages with their buffers, for one thread at a time.
  struct Stages;
  class Lease;

  void Examine(std::span<const std::uint8_t> file, const AnalysisRequest& request, Stages& stages,
               Analysis& analysis) const;

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Stages>> idle_;
  std::unique_ptr<const Stages> pattern_;
};

}  // namespace visage

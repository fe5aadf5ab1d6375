#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/geometry.h"
#include "base/network_input.h"
#include "base/team.h"
#include "detect/decoder.h"
#include "detect/detection.h"
#include "detect/scan.h"
#include "runtime/inference_session.h"
#include "runtime/input_maker.h"

namespace visage::detect {

/// Makes a box span forehead to chin and ear to ear; fractions of its size.
struct BoxFit {
  float x = 0;
  float y = 0;
  float width = 1;
  float height = 1;
};

struct DetectorOptions {
  runtime::Network network;
  std::string decoder;
  /// For the first run on the whole image.
  base::NetworkInput input;
  /// Reliable face widths, in pixels of the input.
  float least_face = 0;
  float most_face = 0;
  /// 0..1.
  float score_threshold = 0;
  /// Small candidates with these scores run again, enlarged.
  float doubtful_from = 0;
  /// In place of `doubtful_from` where faces are too narrow for a reliable score.
  float doubtful_small_from = 0;
  float doubtful_to = 0;
  float nms_iou = 0;
  bool average_boxes = false;
  BoxFit box_fit;
  /// A face of this score ends a search for the largest face.
  float certain_from = 0;
};

enum class Wanted {
  kAll,
  kLargest,
  /// May see the image small; boxes are then some per cent less exact.
  kLargestRoughly,
};

/// Not thread-safe; copies share the network.
class Detector {
 public:
  /// Runs the network once. @throws kInternal for an invalid file, decoder or output.
  explicit Detector(const DetectorOptions& options);

  /// Largest area first; a face cut by the image's edge ranks with three quarters of its area.
  /// @param least_face smallest reliable width in pixels. Work grows with its inverse square, plus at most 32
  /// extra runs.
  /// @param wanted `kLargest` and `kLargestRoughly` skip levels that only show smaller faces than a certain
  /// one.
  std::vector<Detection> Detect(const runtime::SourceImage& image, float least_face, Wanted wanted,
                                base::Team& team);

  /// As `Detect`, for faces that `turn` anticlockwise quarter turns make upright.
  std::vector<Detection> DetectTurned(const runtime::SourceImage& image, float least_face, int turn,
                                      base::Team& team);

  /// @returns each face's score, seen enlarged at its own turn; 0 if unseen.
  std::vector<float> LookAgain(const runtime::SourceImage& image, std::span<const Detection> faces,
                               const CloseUp& close_up, base::Team& team);

  std::size_t runs() const { return runs_; }

  /// In input pixels.
  float least_face() const { return scan_.least_face; }

  float ScaleFor(float least_face) const { return detect::ScaleFor(scan_, least_face); }

 private:
  using Candidates = std::vector<Detection>;

  /// @returns candidates in pixels of the image.
  Candidates Look(const runtime::SourceImage& image, const Window& window, float least_score,
                  runtime::InputMaker& maker) const;
  std::vector<Candidates> LookAtAll(const runtime::SourceImage& image, std::span<const Window> windows,
                                    float least_score, base::Team& team);
  /// @param least_doubtful width; smaller doubtful candidates are dropped unseen.
  std::vector<Detection> Settle(const runtime::SourceImage& image, const Candidates& candidates, float scale,
                                float least_doubtful, base::Team& team);
  /// Adds those that look like faces enlarged. @returns their number.
  std::size_t LookCloser(const runtime::SourceImage& image, std::span<const Detection> doubtful,
                         Candidates& faces, base::Team& team);
  float LeastScore() const;
  /// Width of the largest certain face in pixels, reduced if cut; 0 for none.
  float LargestCertain(const std::vector<Candidates>& shown, const base::ImageView& image) const;
  std::vector<Detection> Joined(const runtime::SourceImage& image, const std::vector<Candidates>& shown,
                                const Window& finest, float least_doubtful, base::Team& team);

  DetectorOptions options_;
  ReadOutputs read_outputs_;
  std::shared_ptr<const runtime::InferenceSession> session_;
  ScanOptions scan_;
  /// One per thread.
  std::vector<runtime::InputMaker> makers_;
  std::size_t runs_ = 0;
};

}  // namespace visage::detect

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
#include "runtime/input_maker.h"
#include "runtime/session.h"

namespace visage {

/// What is done to a network's boxes so that they go from forehead to chin and from ear to ear, as shares of
/// a box's own width and height: the centre is moved, then the size multiplied.
struct BoxFit {
  float x = 0;
  float y = 0;
  float width = 1;
  float height = 1;
};

/// The manifest's `detector` section.
struct DetectorOptions {
  Network network;
  /// How the network's outputs are read: `rfb`, `yunet`, `scrfd` or `retinaface`.
  std::string decoder;
  /// The size in which a whole picture is looked at first. A network of fixed size takes no other.
  NetworkInput input;
  /// Widths of faces, in pixels of the input, that the network finds reliably.
  float least_face = 0;
  float most_face = 0;
  /// Least score, 0..1, of a face.
  float score_threshold = 0;
  /// Small candidates with scores from `doubtful_from` to `doubtful_to` are looked at a second time, larger,
  /// and that decides. Nothing is doubtful where both are the threshold.
  float doubtful_from = 0;
  float doubtful_to = 0;
  /// Boxes whose intersection over union is above this are the same face.
  float nms_iou = 0;
  BoxFit box_fit;
};

/// Which faces of a picture are looked for.
enum class Wanted {
  kAll,
  /// The largest, and those at least half as wide; smaller ones may be found.
  kLargest,
};

/// Finds faces of all sizes. An object belongs to one thread at a time; copies share the network.
class Detector {
 public:
  /// Loads the network and runs it once, on an empty picture.
  /// @throws Error kInternal if the file, the decoder's name, or how the outputs are laid out is not right.
  explicit Detector(const DetectorOptions& options);

  /// Every face of a picture, boxes inside the picture, largest area first; one that the picture's edge cuts
  /// is ranked as if it had three quarters of its area.
  /// @param least_face width in pixels of `image` from which on faces are found reliably; smaller ones may be
  ///        found. The work grows with the inverse square (see `PlanScan`), and by a second look, a fifth of
  ///        a run each and at most 32, at what is small and doubtful.
  /// @param wanted for `kLargest`, when the coarsest level of the scan shows a face, no finer ones are looked
  ///        at than those that a face half as wide needs. The first face is the same as for `kAll`: a
  ///        network of fixed size never takes a face from a finer level that it saw well in a coarser one.
  /// @param team shares the windows.
  std::vector<Detection> Detect(const Picture& image, float least_face, Wanted wanted, Team& team);

  /// How many times the network ran for the last picture.
  std::size_t runs() const { return runs_; }

  /// Width in pixels of the network's input from which on faces are found reliably.
  float least_face() const { return scan_.least_face; }

  /// The scale, at most 1, at which faces of `least_face` pixels are still found: a picture may be reduced to
  /// it.
  float ScaleFor(float least_face) const { return visage::ScaleFor(scan_, least_face); }

 private:
  using Candidates = std::vector<Detection>;

  /// Looks at one window. @returns what it shows, in pixels of the picture.
  Candidates Look(const Picture& image, const Window& window, float least_score, InputMaker& maker) const;
  /// Looks at each of several windows. @returns what each shows, in their order.
  std::vector<Candidates> LookAtAll(const Picture& image, std::span<const Window> windows, float least_score,
                                    Team& team);
  /// Takes candidates that are no faces out, and puts what a second look shows in the place of doubtful ones.
  /// @param scale of the finest level.
  std::vector<Detection> Settle(const Picture& image, const Candidates& candidates, float scale, Team& team);

  DetectorOptions options_;
  ReadOutputs read_outputs_;
  std::shared_ptr<const Session> session_;
  ScanOptions scan_;
  /// One for each thread that works on a picture.
  std::vector<InputMaker> makers_;
  std::size_t runs_ = 0;
};

}  // namespace visage

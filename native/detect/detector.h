#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/geometry.h"
#include "base/image.h"
#include "base/network_input.h"

namespace visage {

/// The manifest's `detector` section.
struct DetectorOptions {
  std::string file;
  /// How the network's outputs are read; `rfb` is known.
  std::string decoder;
  NetworkInput input;
  /// Least score, 0..1, of a face.
  float score_threshold = 0;
  /// Boxes whose intersection over union is above this are the same face.
  float nms_iou = 0;
};

/// One face found.
struct Detection {
  /// In pixels of the picture that was looked at, inside it.
  Box box;
  /// 0..1.
  float score = 0;
  /// In pixels of the same picture; nothing where the detector finds boxes alone.
  std::optional<FivePoints> points;
};

/// Finds faces. An object belongs to one thread at a time; clones share the network.
class Detector {
 public:
  virtual ~Detector() = default;

  /// Every face of a picture, largest area first.
  virtual std::vector<Detection> Detect(const ImageView& image) = 0;

  /// Another one for another thread.
  virtual std::unique_ptr<Detector> Clone() const = 0;
};

/// Loads the network. @throws Error kInternal if the file or the decoder's name is not right.
std::unique_ptr<Detector> MakeDetector(const DetectorOptions& options);

}  // namespace visage

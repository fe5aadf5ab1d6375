#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/face_view.h"
#include "base/framing.h"
#include "base/network_input.h"
#include "base/team.h"
#include "runtime/inference_session.h"
#include "runtime/input_maker.h"

namespace visage::embed {

struct EmbedderOptions {
  runtime::Network network;
  /// `arcface5` aligns by five points; `box` crops an upright square.
  std::string alignment;
  /// Side of the `box` square over the box's longer side.
  float crop_scale = 1;
  base::NetworkInput input;
  /// A template is the normalised sum of their embeddings.
  std::vector<base::FaceView> views = {base::FaceView{}};
  int dimension = 0;
};

/// Not thread-safe; copies share the network.
class Embedder {
 public:
  /// @throws kInternal for an invalid file or alignment.
  explicit Embedder(const EmbedderOptions& options);

  const base::NetworkInput& input() const { return options_.input; }
  bool is_box() const { return options_.alignment == "box"; }
  float crop_scale() const { return options_.crop_scale; }
  /// Must be thread-safe.
  using Show = std::function<base::Warped(const base::FaceView& view)>;

  /// Returns the template, a unit vector.
  std::vector<float> Embed(const runtime::SourceImage& image, const Show& show, base::Team& team);

 private:
  EmbedderOptions options_;
  std::shared_ptr<const runtime::InferenceSession> session_;
  struct RunBuffers {
    runtime::InputMaker maker;
    std::vector<float> output;
  };
  std::vector<RunBuffers> buffers_;
};

}  // namespace visage::embed

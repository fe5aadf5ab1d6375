#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/face_view.h"
#include "base/framing.h"
#include "base/network_input.h"
#include "base/team.h"
#include "runtime/input_maker.h"
#include "runtime/session.h"

namespace visage {

/// The manifest's `embedder` section.
struct EmbedderOptions {
  Network network;
  /// How a face is laid into the input: `arcface5`, by its five points, or `box`, upright as it is.
  std::string alignment;
  /// For `box`: the side of the square that is seen, in longer sides of the box.
  float crop_scale = 1;
  NetworkInput input;
  /// A template is made of the sum of what the network says of each, one run a view; at least one.
  std::vector<FaceView> views = {FaceView{}};
  /// Floats of a template.
  int dimension = 0;
};

/// Makes a template of an aligned face. An object belongs to one thread at a time; copies share the network.
class Embedder {
 public:
  /// Loads the network. @throws Error kInternal if the file or the alignment's name is not right.
  explicit Embedder(const EmbedderOptions& options);

  const NetworkInput& input() const { return options_.input; }
  /// Whether a face is laid into the input as `box`; else as `arcface5`.
  bool is_box() const { return options_.alignment == "box"; }
  float crop_scale() const { return options_.crop_scale; }
  /// What the input shows for a view of the face; perhaps asked for several at the same time.
  using Show = std::function<Warped(const FaceView& view)>;

  /// The template of a face: a unit vector of `dimension` floats.
  /// @param show is called once a view, each followed by a run of the network. @param team shares the views.
  std::vector<float> Embed(const Picture& image, const Show& show, Team& team);

 private:
  EmbedderOptions options_;
  std::shared_ptr<const Session> session_;
  /// What is seen of a view, and what the network says of it.
  struct Glance {
    InputMaker maker;
    std::vector<float> output;
  };
  std::vector<Glance> glances_;
};

}  // namespace visage

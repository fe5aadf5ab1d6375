#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/geometry.h"
#include "base/network_input.h"
#include "base/team.h"
#include "runtime/input_maker.h"
#include "runtime/session.h"

namespace visage {

/// The manifest's `landmarks` section.
struct LandmarkOptions {
  Network network;
  /// How the network's output is read; `points68` is known: 68 (x, y) in 0..1 of the crop, in the order of
  /// the iBUG 300-W annotation.
  std::string decoder;
  NetworkInput input;
  /// The crop is the box grown by this factor about its centre and cut to the picture. The network was
  /// trained on crops that were stretched to its input: a square crop finds the points less well.
  float crop_scale = 1;
  /// Whether the points found are looked for again in a crop about themselves, as it is and mirrored, and the
  /// two averaged: three runs instead of one, for points that depend less on the box.
  bool second_look = false;
};

/// Finds the five points that a face is aligned by. An object belongs to one thread at a time; copies share
/// the network.
class Landmarker {
 public:
  /// Loads the network. @throws Error kInternal if the file or the decoder's name is not right.
  explicit Landmarker(const LandmarkOptions& options);

  /// @param box the face, in pixels of `image`. @param team shares the second look.
  /// @returns points in pixels of `image`.
  FivePoints Locate(const Picture& image, const Box& box, Team& team);

 private:
  /// The buffers of one look, and at its end the 68 points.
  struct Eye {
    InputMaker maker;
    std::vector<float> output;
  };

  /// Runs the network on a crop of the picture; mirrored, left and right of it are changed.
  void Look(const Picture& image, const Box& crop, bool mirrored, Eye& eye) const;

  LandmarkOptions options_;
  std::shared_ptr<const Session> session_;
  std::array<Eye, 2> eyes_;
};

}  // namespace visage

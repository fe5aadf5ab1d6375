#pragma once

#include <vector>

#include "base/geometry.h"

namespace visage {

/// What a detector's network can be given, and what it finds.
struct ScanOptions {
  /// The input in which a whole picture is looked at first; lying, for a network of free size.
  Size input;
  /// Whether the network takes inputs of any size; else it takes `input` alone.
  bool free_size = false;
  /// Widths of faces, in pixels of the input, that are found reliably.
  float least_face = 0;
  float most_face = 0;
};

/// A part of the picture that the network looks at in one run.
struct Window {
  /// In pixels of the picture.
  Box source;
  /// What it is resized to, in the top left corner of the input.
  Size content;
  /// The input, at least as large.
  Size input;
  /// Width in pixels of the picture beyond which a face is left to a coarser level, as this window may cut
  /// it.
  float most_face;
};

/// The scale, at most 1, at which a face of `least_face` pixels of the picture is as wide as the least that
/// the network finds.
float ScaleFor(const ScanOptions& options, float least_face);

/// Windows in which every face of at least `least_face` pixels is shown whole and in a size that the network
/// finds, coarsest first.
///
/// The finest level shows the picture at `ScaleFor(least_face)`, but never smaller than what fits the input,
/// and never with more than eight million pixels, so that no picture keeps a thread for seconds. A network of
/// free size sees a level at once, or in a few large windows; one of fixed size in windows of its input,
/// which overlap by the largest face that only this level finds. Coarser levels are added until the largest
/// face that fits the picture is within what the network finds. So the number of pixels looked at is about
/// the picture's times the square of the scale, a third more for overlaps where the size is fixed.
std::vector<Window> PlanScan(const ScanOptions& options, Size picture, float least_face);

/// Width in pixels of the input in which a second look shows a face; larger ones it would tell no more of.
constexpr float kSecondFace = 40;

/// The window of a second look: a small face and what is around it, the face `kSecondFace` wide.
/// @param face in pixels of the picture.
Window SecondLook(const Box& face, const ScanOptions& options, Size picture);

}  // namespace visage

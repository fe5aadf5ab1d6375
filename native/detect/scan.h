#pragma once

#include <optional>
#include <vector>

#include "base/geometry.h"

namespace visage::detect {

struct ScanOptions {
  /// Must be landscape if the size is free.
  base::Size input;
  bool free_size = false;
  /// Reliable face widths, in pixels of the input.
  float least_face = 0;
  float most_face = 0;
};

struct Window {
  /// In pixels of the image.
  base::Box source;
  /// Clockwise quarter turns of the faces that the network sees upright, 0..3.
  int turn = 0;
  base::Size content;
  base::Size input;
  /// In pixels of the image; coarser levels find wider faces.
  float most_face;
};

/// At most 1; smaller images would hide faces of `least_face` pixels.
float ScaleFor(const ScanOptions& options, float least_face);

/// Plans windows, coarsest first, that show every face of at least `least_face` pixels whole and large
/// enough.
///
/// The finest level has at most eight million pixels, to bound the time. Windows overlap by the largest face
/// that only this level finds.
std::vector<Window> PlanScan(const ScanOptions& options, base::Size picture, float least_face);

/// A coarser window on the whole image, where `PlanScan` has one window of at least four times the work.
std::optional<Window> PlanGlance(const ScanOptions& options, base::Size picture, float least_face);

/// Windows that show faces of `turn` upright.
std::vector<Window> PlanTurnedScan(const ScanOptions& options, base::Size picture, float least_face,
                                   int turn);

struct CloseUp {
  /// Width of the face in the input, pixels.
  float face;
  int side;
};

/// For small, doubtful candidates.
constexpr CloseUp kSecondLook = {40, 128};
/// For the second opinion, which judges details.
constexpr CloseUp kDetail = {80, 192};

/// @param face in pixels of the image. @param turn of the Window.
Window PlanCloseUp(const base::Box& face, int turn, const CloseUp& shown, const ScanOptions& options,
                   base::Size picture);

}  // namespace visage::detect

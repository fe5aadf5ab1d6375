#pragma once

#include "base/framing.h"
#include "base/planes.h"

namespace visage::base {

VISAGE_DEVICE inline void WriteResized(const ImageView& image, const Resized& framing, const Size& size,
                                       const PlaneWriter& writer, int x, int y) {
  const int column = framing.mirrored ? size.width - 1 - x : x;
  if (x >= framing.content.width || y >= framing.content.height) {
    writer.Clear(column, y);
    return;
  }
  const Size upright = framing.content;
  const bool is_on_side = framing.turn % 2 == 1;
  const Size before = is_on_side ? Size{upright.height, upright.width} : upright;
  const int along = is_on_side ? y : x, other = is_on_side ? x : y;
  const int column_before = framing.turn == 1 || framing.turn == 2 ? before.width - 1 - along : along;
  const int row_before = framing.turn == 2 || framing.turn == 3 ? before.height - 1 - other : other;
  const Tap across(framing.source.x, framing.source.width, image.width, before.width, column_before);
  const Tap down(framing.source.y, framing.source.height, image.height, before.height, row_before);
  writer.Write(column, y, ResizedPixel(image, across, down));
}

VISAGE_DEVICE inline void WriteWarped(const ImageView& image, const Warped& framing, const Size& size,
                                      const PlaneWriter& writer, int x, int y) {
  const int column = framing.mirrored ? size.width - 1 - x : x;
  writer.Write(column, y, WarpedPixel(image, framing.back, WarpGrid(framing.step), x, y));
}

}  // namespace visage::base

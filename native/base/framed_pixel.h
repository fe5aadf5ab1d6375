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
  const Tap across(framing.source.x, framing.source.width, image.width, framing.content.width, x);
  const Tap down(framing.source.y, framing.source.height, image.height, framing.content.height, y);
  writer.Write(column, y, ResizedPixel(image, across, down));
}

VISAGE_DEVICE inline void WriteWarped(const ImageView& image, const Warped& framing, const Size& size,
                                      const PlaneWriter& writer, int x, int y) {
  const int column = framing.mirrored ? size.width - 1 - x : x;
  writer.Write(column, y, WarpedPixel(image, framing.back, WarpGrid(framing.step), x, y));
}

}  // namespace visage::base

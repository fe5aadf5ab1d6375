#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/yield.h"
#include "decode/codec.h"

namespace visage::decode {
namespace {

using Rgb = std::array<std::uint8_t, base::Image::kChannels>;
/// Undefined indices are black.
using Palette = std::array<Rgb, 256>;

constexpr Rgb kWhite = {255, 255, 255};

/// Of an interlaced frame (GIF89a, appendix E).
struct Pass {
  int first;
  int step;
};
constexpr std::array<Pass, 4> kInterlaced = {{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
constexpr std::array<Pass, 1> kProgressive = {{{0, 1}}};

struct CloseGif {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};
using Gif = std::unique_ptr<GifFileType, CloseGif>;

[[noreturn]] void Refuse(int gif_error) {
  const bool cut_short = gif_error == D_GIF_ERR_READ_FAILED || gif_error == D_GIF_ERR_EOF_TOO_SOON;
  throw base::Error(base::ErrorCode::kInvalidImage,
                    cut_short ? "The GIF file is cut short." : "The GIF file is broken.");
}

int Read(GifFileType* gif, GifByteType* to, int count) {
  auto& rest = *static_cast<std::span<const std::uint8_t>*>(gif->UserData);
  const std::size_t take = std::min(rest.size(), static_cast<std::size_t>(std::max(count, 0)));
  std::memcpy(to, rest.data(), take);
  rest = rest.subspan(take);
  return static_cast<int>(take);
}

/// @returns the transparent index, or NO_TRANSPARENT_COLOR.
int FindFirstFrame(GifFileType* gif) {
  GraphicsControlBlock control{};
  control.TransparentColor = NO_TRANSPARENT_COLOR;
  for (;;) {
    GifRecordType record;
    if (DGifGetRecordType(gif, &record) == GIF_ERROR) Refuse(gif->Error);
    if (record == IMAGE_DESC_RECORD_TYPE) {
      if (DGifGetImageDesc(gif) == GIF_ERROR) Refuse(gif->Error);
      return control.TransparentColor;
    }
    if (record != EXTENSION_RECORD_TYPE)
      throw base::Error(base::ErrorCode::kInvalidImage, "The GIF file contains no image.");
    int kind;
    GifByteType* block;
    if (DGifGetExtension(gif, &kind, &block) == GIF_ERROR) Refuse(gif->Error);
    while (block != nullptr) {
      if (kind == GRAPHICS_EXT_FUNC_CODE) DGifExtensionToGCB(block[0], block + 1, &control);
      if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) Refuse(gif->Error);
    }
  }
}

Palette MakePalette(const GifFileType* gif, int transparent) {
  const ColorMapObject* map = gif->Image.ColorMap != nullptr ? gif->Image.ColorMap : gif->SColorMap;
  if (map == nullptr) throw base::Error(base::ErrorCode::kInvalidImage, "The GIF file has no palette.");
  Palette palette{};
  const int count = std::min(map->ColorCount, static_cast<int>(palette.size()));
  for (int i = 0; i < count; ++i)
    palette[i] = {map->Colors[i].Red, map->Colors[i].Green, map->Colors[i].Blue};
  if (transparent != NO_TRANSPARENT_COLOR) palette[transparent] = kWhite;
  return palette;
}

void ReadFrame(GifFileType* gif, const Palette& palette, base::Image& canvas) {
  const GifImageDesc& frame = gif->Image;
  std::vector<GifPixelType> line(static_cast<std::size_t>(frame.Width));
  const std::span<const Pass> passes = frame.Interlace ? std::span<const Pass>(kInterlaced) : kProgressive;
  for (const Pass pass : passes) {
    for (int y = pass.first; y < frame.Height; y += pass.step) {
      base::YieldPoint();
      if (DGifGetLine(gif, line.data(), frame.Width) == GIF_ERROR) Refuse(gif->Error);
      std::uint8_t* to = canvas.Row(frame.Top + y) + frame.Left * base::Image::kChannels;
      for (const GifPixelType index : line)
        to = std::copy_n(palette[index].data(), base::Image::kChannels, to);
    }
  }
}

}  // namespace

StoredPicture DecodeGif(std::span<const std::uint8_t> bytes) {
  int error = 0;
  const Gif gif(DGifOpen(&bytes, Read, &error));
  if (!gif) Refuse(error);
  const int transparent = FindFirstFrame(gif.get());

  // A frame larger than the screen widens it, as in browsers.
  const GifImageDesc& frame = gif->Image;
  const int width = std::max(gif->SWidth, frame.Left + frame.Width);
  const int height = std::max(gif->SHeight, frame.Top + frame.Height);
  CheckSize(width, height);
  if (frame.Width <= 0 || frame.Height <= 0)
    throw base::Error(base::ErrorCode::kInvalidImage, "The GIF file contains no image.");

  const Palette palette = MakePalette(gif.get(), transparent);
  StoredPicture picture{.image = base::Image(width, height), .full_width = width, .full_height = height};
  if (frame.Width != width || frame.Height != height) {
    std::fill_n(picture.image.data(), picture.image.size_bytes(), std::uint8_t{255});
  }
  ReadFrame(gif.get(), palette, picture.image);
  return picture;
}

}  // namespace visage::decode

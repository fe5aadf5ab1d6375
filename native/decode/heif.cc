#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/yield.h"
#include "decode/codec.h"
#include "decode/heif_file.h"
#include "decode/orient.h"
#include "decode/video.h"

namespace visage::decode {
namespace {

/// An image and its opacity, with tiles that pass its edge.
constexpr std::int64_t kMaxCodedPixels = 4 * ImageLimits::kMaxPixels;
/// Derived images of derived images.
constexpr int kMaxDepth = 4;

constexpr std::uint32_t kHevc = FourCharacters("hvc1");
constexpr std::uint32_t kAv1 = FourCharacters("av01");
constexpr std::uint32_t kGrid = FourCharacters("grid");
constexpr std::uint32_t kIdentity = FourCharacters("iden");

[[noreturn]] void RefuseBroken() {
  throw base::Error(base::ErrorCode::kInvalidImage, "The HEIF file is cut short or broken.");
}
[[noreturn]] void RefuseCoding() {
  throw base::Error(base::ErrorCode::kUnsupportedImage, "The HEIF file uses a coding that is not supported.");
}

struct Size {
  int width;
  int height;
};

/// ISO/IEC 23008-12, 6.6.2.3.
struct Grid {
  int rows = 0;
  int columns = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
};

Grid ReadGrid(std::span<const std::uint8_t> data) {
  Cursor cursor(data, "HEIF");
  cursor.U8();
  const bool wide = (cursor.U8() & 1) != 0;
  Grid grid;
  grid.rows = cursor.U8() + 1;
  grid.columns = cursor.U8() + 1;
  grid.width = wide ? cursor.U32() : cursor.U16();
  grid.height = wide ? cursor.U32() : cursor.U16();
  return grid;
}

Size ReadSize(const HeifItem& item) {
  const Box* const extents = item.Find(FourCharacters("ispe"));
  if (extents == nullptr) RefuseBroken();
  Cursor cursor(extents->content, "HEIF");
  cursor.U32();
  const std::int64_t width = cursor.U32(), height = cursor.U32();
  CheckCodedSize(width, height);
  return {static_cast<int>(width), static_cast<int>(height)};
}

/// ISO/IEC 23008-12, 6.5.12: a rectangle of fractions around the centre. @param divisor of the image's sides.
base::Image Crop(base::Image image, std::span<const std::uint8_t> clap, int divisor) {
  Cursor cursor(clap, "HEIF");
  const auto fraction = [&] {
    const auto over = static_cast<std::int32_t>(cursor.U32());
    const auto under = static_cast<std::int32_t>(cursor.U32());
    if (under == 0) RefuseBroken();
    return static_cast<double>(over) / under / divisor;
  };
  const double width = fraction(), height = fraction(), right = fraction(), down = fraction();
  const auto from = [](int side, double part, double shift) {
    return std::clamp((side - part) / 2 + shift, 0.0, static_cast<double>(side));
  };
  const int left = static_cast<int>(std::lround(from(image.width(), width, right)));
  const int top = static_cast<int>(std::lround(from(image.height(), height, down)));
  const int columns = static_cast<int>(std::clamp(width + 0.5, 0.0, image.width() - 1.0 * left));
  const int rows = static_cast<int>(std::clamp(height + 0.5, 0.0, image.height() - 1.0 * top));
  if (columns < 1 || rows < 1) RefuseBroken();
  base::Image part(columns, rows);
  for (int y = 0; y < rows; ++y) {
    std::memcpy(part.Row(y), image.Row(top + y) + left * base::Image::kChannels, part.stride());
  }
  return part;
}

base::Image Transform(base::Image image, const Box& property, int divisor) {
  constexpr int kTurns[] = {1, 8, 3, 6};
  constexpr int kMirrors[] = {4, 2};
  switch (property.type) {
    case FourCharacters("irot"):
      return Orient(std::move(image), kTurns[Cursor(property.content, "HEIF").U8() & 3]);
    case FourCharacters("imir"):
      return Orient(std::move(image), kMirrors[Cursor(property.content, "HEIF").U8() & 1]);
    case FourCharacters("clap"):
      return Crop(std::move(image), property.content, divisor);
    default:
      return image;
  }
}

ColourSpace ReadColour(const HeifItem& item, const Cicp& found) {
  ColourSpace space{.icc = {}, .cicp = found};
  for (const Box& property : item.properties) {
    if (property.type != FourCharacters("colr")) continue;
    Cursor cursor(property.content, "HEIF");
    const std::uint32_t kind = cursor.U32();
    if (kind == FourCharacters("nclx")) {
      space.cicp.primaries = cursor.U16();
      space.cicp.transfer = cursor.U16();
      space.cicp.matrix = cursor.U16();
      space.cicp.full_range = (cursor.U8() & 0x80) != 0;
    } else if (kind == FourCharacters("prof") || kind == FourCharacters("rICC")) {
      space.icc.assign(cursor.rest().begin(), cursor.rest().end());
    }
  }
  return space;
}

void BlendWithWhite(base::Image& image, const base::Image& alpha, bool premultiplied) {
  for (int y = 0; y < image.height(); ++y) {
    base::YieldPoint();
    std::uint8_t* to = image.Row(y);
    const std::uint8_t* opacity = alpha.Row(y);
    for (int x = 0; x < image.width(); ++x, to += base::Image::kChannels, opacity += base::Image::kChannels) {
      const int share = opacity[0];
      for (int c = 0; c < base::Image::kChannels; ++c) {
        const int colour = premultiplied ? to[c] * 255 : to[c] * share;
        to[c] = static_cast<std::uint8_t>(std::min((colour + 255 * (255 - share) + 127) / 255, 255));
      }
    }
  }
}

/// Means of four pixels, clipped to `to`.
void CopyHalved(const base::Image& from, base::Image& to, int left, int top) {
  constexpr int kChannels = base::Image::kChannels;
  const int columns = std::min(from.width() / 2, to.width() - left);
  const int rows = std::min(from.height() / 2, to.height() - top);
  for (int y = 0; y < rows; ++y) {
    const std::uint8_t* upper = from.Row(2 * y);
    const std::uint8_t* lower = from.Row(2 * y + 1);
    std::uint8_t* out = to.Row(top + y) + static_cast<std::ptrdiff_t>(left) * kChannels;
    for (int x = 0; x < columns; ++x, upper += 2 * kChannels, lower += 2 * kChannels, out += kChannels) {
      for (int c = 0; c < kChannels; ++c) {
        const int sum = upper[c] + upper[c + kChannels] + lower[c] + lower[c + kChannels];
        out[c] = static_cast<std::uint8_t>((sum + 2) / 4);
      }
    }
  }
}

class HeifReader {
 public:
  explicit HeifReader(std::span<const std::uint8_t> bytes) : file_(bytes), budget_(kMaxCodedPixels) {}

  StoredPicture Decode() {
    StoredPicture picture;
    picture.image = DecodeItem(file_.primary(), false, 0);
    picture.full_width = picture.image.width() * divisor_;
    picture.full_height = picture.image.height() * divisor_;
    CheckSize(picture.image.width(), picture.image.height());
    picture.colour = std::move(colour_);
    return picture;
  }

  ImageFormat format() const { return format_; }

 private:
  base::Image DecodeItem(std::uint32_t id, bool luma_only, int depth) {
    if (depth > kMaxDepth) RefuseBroken();
    const HeifItem& item = file_.Item(id);
    base::Image image;
    switch (item.type) {
      case kHevc:
      case kAv1: {
        const Size size = ReadSize(item);
        image = base::Image(size.width, size.height);
        DecodeTile(id, luma_only, image, 0, 0);
        break;
      }
      case kGrid:
        image = DecodeGrid(id, item, luma_only);
        break;
      case kIdentity:
        if (item.inputs.size() != 1) RefuseBroken();
        image = DecodeItem(item.inputs.front(), luma_only, depth + 1);
        break;
      default:
        RefuseCoding();
    }
    if (luma_only) return image;
    if (const std::uint32_t alpha = file_.AlphaOf(id); alpha != 0) {
      const base::Image opacity = DecodeItem(alpha, true, kMaxDepth);
      if (opacity.width() != image.width() || opacity.height() != image.height()) {
        throw base::Error(base::ErrorCode::kUnsupportedImage,
                          "The opacity of the HEIF file has another size than its image.");
      }
      BlendWithWhite(image, opacity, file_.IsPremultiplied(id, alpha));
    }
    for (const Box& property : item.properties) image = Transform(std::move(image), property, divisor_);
    return image;
  }

  base::Image DecodeGrid(std::uint32_t id, const HeifItem& item, bool luma_only) {
    const Grid grid = ReadGrid(file_.Read(id));
    const int divisor = Divisor(grid);
    CheckCodedSize(grid.width / divisor, grid.height / divisor);
    const std::size_t count = static_cast<std::size_t>(grid.rows) * static_cast<std::size_t>(grid.columns);
    if (item.inputs.size() != count) RefuseBroken();
    const Size tile = ReadSize(file_.Item(item.inputs.front()));
    const auto fits = [](std::int64_t side, int tile_side, int tiles) {
      return std::int64_t{tile_side} * tiles >= side && std::int64_t{tile_side} * (tiles - 1) < side;
    };
    if (!fits(grid.width, tile.width, grid.columns) || !fits(grid.height, tile.height, grid.rows)) {
      RefuseBroken();
    }
    if (tile.width % divisor != 0 || tile.height % divisor != 0) CheckCodedSize(grid.width, grid.height);
    base::Image image(static_cast<int>(grid.width) / divisor, static_cast<int>(grid.height) / divisor);
    base::Image whole = divisor > 1 ? base::Image(tile.width, tile.height) : base::Image();
    for (std::size_t i = 0; i < count; ++i) {
      base::YieldPoint();
      const Size size = ReadSize(file_.Item(item.inputs[i]));
      if (size.width != tile.width || size.height != tile.height) RefuseBroken();
      const int column = static_cast<int>(i) % grid.columns, row = static_cast<int>(i) / grid.columns;
      if (divisor == 1) {
        DecodeTile(item.inputs[i], luma_only, image, column * tile.width, row * tile.height);
      } else {
        DecodeTile(item.inputs[i], luma_only, whole, 0, 0);
        CopyHalved(whole, image, column * tile.width / 2, row * tile.height / 2);
      }
    }
    if (!luma_only) {
      colour_ = ReadColour(item, colour_.cicp);
      divisor_ = divisor;
    }
    return image;
  }

  void DecodeTile(std::uint32_t id, bool luma_only, base::Image& canvas, int left, int top) {
    const HeifItem& item = file_.Item(id);
    if (item.type != kHevc && item.type != kAv1) RefuseCoding();
    const bool hevc = item.type == kHevc;
    const Box* const configuration = item.Find(FourCharacters(hevc ? "hvcC" : "av1C"));
    if (configuration == nullptr) RefuseBroken();
    const Size size = ReadSize(item);
    const std::vector<std::uint8_t> data = file_.Read(id);
    const CodedPicture coded = {
        .configuration = configuration->content, .data = data, .width = size.width, .height = size.height};
    const auto sink = [&](const YuvPicture& decoded) {
      if (decoded.width < std::min(size.width, canvas.width() - left) ||
          decoded.height < std::min(size.height, canvas.height() - top)) {
        RefuseBroken();
      }
      YuvPicture picture = decoded;
      ColourSpace space = ReadColour(item, decoded.cicp);
      picture.width = std::min(picture.width, size.width);
      picture.height = std::min(picture.height, size.height);
      picture.cicp = space.cicp;
      if (!luma_only) {
        colour_ = std::move(space);
        format_ = hevc ? ImageFormat::kHeic : ImageFormat::kAvif;
      }
      ToRgb(picture, luma_only, canvas, left, top);
    };
    if (hevc) {
#ifdef VISAGE_HEIC
      DecodeHevc(coded, budget_, sink);
#else
      RefuseMissing(ImageFormat::kHeic);
#endif
    } else {
#ifdef VISAGE_AVIF
      DecodeAv1(coded, budget_, sink);
#else
      RefuseMissing(ImageFormat::kAvif);
#endif
    }
  }

  static int Divisor(const Grid& grid) {
    const bool halves = std::max(grid.width, grid.height) <= ImageLimits::kMaxSide &&
                        grid.width * grid.height > ImageLimits::kMaxPixels && grid.width % 2 == 0 &&
                        grid.height % 2 == 0;
    return halves ? 2 : 1;
  }

  HeifFile file_;
  PixelBudget budget_;
  int divisor_ = 1;
  ColourSpace colour_;
  ImageFormat format_ = ImageFormat::kHeic;
};

}  // namespace

void PixelBudget::Take(std::int64_t pixels) {
  left_ -= pixels;
  if (left_ < 0) {
    throw base::Error(base::ErrorCode::kImageTooLarge,
                      "The HEIF file codes more than " + std::to_string(kMaxCodedPixels) + " pixels.");
  }
}

StoredPicture DecodeHeif(std::span<const std::uint8_t> bytes, ImageFormat& format) {
  HeifReader reader(bytes);
  StoredPicture picture = reader.Decode();
  format = reader.format();
  return picture;
}

}  // namespace visage::decode

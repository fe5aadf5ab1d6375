#include "decode/other_files.h"

#include <algorithm>
#include <array>

namespace visage::decode {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::size_t at;
  std::string_view bytes;
  std::string_view name;
};

constexpr std::string_view kRaw = "a camera's raw file";
constexpr std::string_view kBase64 = "base64 text, not the bytes of a file";

constexpr std::array kSignatures = {
    Signature{0, "\x00\x00\x00\x0CJXL \r\n\x87\n"sv, "a JPEG XL file"},
    Signature{0, "\xFF\x0A"sv, "a JPEG XL file"},
    Signature{0, "II\xBC"sv, "a JPEG XR file"},
    Signature{8, "CR\x02"sv, kRaw},
    Signature{0, "IIRO"sv, kRaw},
    Signature{0, "IIRS"sv, kRaw},
    Signature{0, "IIU\x00"sv, kRaw},
    Signature{0, "FUJIFILMCCD-RAW"sv, kRaw},
    Signature{4, "ftypcrx "sv, kRaw},
    Signature{4, "ftyp"sv, "an MP4 or QuickTime video"},
    Signature{0, "\x1A\x45\xDF\xA3"sv, "a Matroska or WebM video"},
    Signature{8, "AVI "sv, "an AVI video"},
    Signature{0, "\x00\x00\x00\x01"sv, "an H.264 or H.265 video"},
    Signature{0, "\x00\x00\x01\xBA"sv, "an MPEG video"},
    Signature{0, "DHAV"sv, "a Dahua video"},
    Signature{0, "\x00\x00\x01\x00"sv, "an icon file"},
    Signature{0, "8BPS"sv, "a Photoshop file"},
    Signature{0, "%PDF"sv, "a PDF document"},
    Signature{0, "PK\x03\x04"sv, "a ZIP archive"},
    Signature{0, "\x1F\x8B"sv, "a gzip archive"},
    Signature{0, "/9j/"sv, kBase64},
    Signature{0, "iVBORw0KGgo"sv, kBase64},
    Signature{0, "R0lGOD"sv, kBase64},
    Signature{0, "UklGR"sv, kBase64},
    Signature{0, "data:"sv, kBase64},
    Signature{0, "{"sv, "JSON"},
};

bool HasAt(std::span<const std::uint8_t> bytes, std::size_t at, std::string_view text) {
  return bytes.size() >= at + text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char c, std::uint8_t byte) { return static_cast<std::uint8_t>(c) == byte; });
}

/// Blanks and comments may precede the element, as in browsers.
std::string_view NameMarkup(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t\r\n")));
  if (!text.starts_with('<')) return {};
  if (text.find("<svg") != std::string_view::npos) return "an SVG drawing";
  for (const std::string_view html : {"<html", "<HTML", "<!DOCTYPE html", "<!doctype html"}) {
    if (text.find(html) != std::string_view::npos) return "an HTML page";
  }
  return "XML";
}

}  // namespace

std::string_view NameOtherFile(std::span<const std::uint8_t> bytes) {
  for (const Signature& signature : kSignatures) {
    if (HasAt(bytes, signature.at, signature.bytes)) return signature.name;
  }
  constexpr std::size_t kMarkupBytes = 1024;
  const std::span<const std::uint8_t> start = bytes.first(std::min(bytes.size(), kMarkupBytes));
  return NameMarkup({reinterpret_cast<const char*>(start.data()), start.size()});
}

}  // namespace visage::decode

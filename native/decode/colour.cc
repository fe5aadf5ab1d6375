#include "decode/colour.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "base/yield.h"
#include "decode/icc.h"

namespace visage::decode {
namespace {

/// Between two sRGB profiles of different programs.
constexpr int kMaxDifference = 2;

struct FreeCurve {
  void operator()(cmsToneCurve* curve) const { cmsFreeToneCurve(curve); }
};
using Curve = std::unique_ptr<cmsToneCurve, FreeCurve>;

/// Of ITU-T H.273, table 3. The others are close to sRGB's curve.
enum Transfer { kLinear = 8, kPerceptual = 16, kHybridLogGamma = 18 };

float LinearPq(float signal) {
  constexpr float m1 = 0.1593017578125f, m2 = 78.84375f, c1 = 0.8359375f, c2 = 18.8515625f, c3 = 18.6875f;
  constexpr float kPeak = 10'000, kWhite = 203;
  const float power = std::pow(signal, 1 / m2);
  return std::pow(std::max(power - c1, 0.0f) / (c2 - c3 * power), 1 / m1) * kPeak / kWhite;
}

float LinearHlg(float signal) {
  constexpr float a = 0.17883277f, b = 0.28466892f, c = 0.55991073f;
  constexpr float kWhite = 0.75f;
  const auto light = [](float s) { return s <= 0.5f ? s * s / 3 : (std::exp((s - c) / a) + b) / 12; };
  return light(signal) / light(kWhite);
}

Curve MakeCurve(int transfer) {
  if (transfer == kLinear) return Curve(cmsBuildGamma(nullptr, 1));
  if (transfer == kPerceptual || transfer == kHybridLogGamma) {
    std::array<float, 1024> table;
    for (std::size_t i = 0; i < table.size(); ++i) {
      const float signal = static_cast<float>(i) / (table.size() - 1);
      table[i] = std::min(transfer == kPerceptual ? LinearPq(signal) : LinearHlg(signal), 1.0f);
    }
    return Curve(cmsBuildTabulatedToneCurveFloat(nullptr, table.size(), table.data()));
  }
  const double srgb[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  return Curve(cmsBuildParametricToneCurve(nullptr, 4, srgb));
}

Profile MakeProfile(const Cicp& cicp) {
  constexpr cmsCIExyY kD65 = {0.3127, 0.3290, 1};
  cmsCIExyYTRIPLE primaries = {{0.640, 0.330, 1}, {0.300, 0.600, 1}, {0.150, 0.060, 1}};
  switch (cicp.primaries) {
    case 9:
      primaries = {{0.708, 0.292, 1}, {0.170, 0.797, 1}, {0.131, 0.046, 1}};
      break;
    case 11:
    case 12:
      primaries = {{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
      break;
    default:
      if (cicp.transfer != kLinear && cicp.transfer != kPerceptual && cicp.transfer != kHybridLogGamma) {
        return nullptr;
      }
  }
  const Curve curve = MakeCurve(cicp.transfer);
  cmsToneCurve* const curves[] = {curve.get(), curve.get(), curve.get()};
  return Profile(cmsCreateRGBProfile(&kD65, &primaries, curves));
}

Profile ReadProfile(const ColourSpace& space) {
  if (space.icc.empty()) return MakeProfile(space.cicp);
  return OpenProfile(space.icc);
}

/// @param convert takes (from, to, pixels).
template <typename Convert>
bool IsIdentity(const Convert& convert) {
  constexpr std::array<std::uint8_t, 5> kLevels = {0, 40, 100, 180, 255};
  std::vector<std::uint8_t> colours;
  for (const std::uint8_t red : kLevels) {
    for (const std::uint8_t green : kLevels) {
      for (const std::uint8_t blue : kLevels) colours.insert(colours.end(), {red, green, blue});
    }
  }
  std::vector<std::uint8_t> converted(colours.size());
  convert(colours.data(), converted.data(), static_cast<int>(colours.size() / base::Image::kChannels));
  return std::ranges::equal(colours, converted,
                            [](int a, int b) { return std::abs(a - b) <= kMaxDifference; });
}

template <typename Convert>
void ConvertRows(base::Image& image, const Convert& convert) {
  if (IsIdentity(convert)) return;
  for (int y = 0; y < image.height(); ++y) {
    base::YieldPoint();
    convert(image.Row(y), image.Row(y), image.width());
  }
}

/// A profile of three curves and a matrix, seven times as fast as lcms2.
class MatrixShaper {
 public:
  explicit MatrixShaper(void* profile) {
    constexpr std::array<cmsTagSignature, 3> kCurves = {cmsSigRedTRCTag, cmsSigGreenTRCTag, cmsSigBlueTRCTag};
    constexpr std::array<cmsTagSignature, 3> kColorants = {cmsSigRedColorantTag, cmsSigGreenColorantTag,
                                                           cmsSigBlueColorantTag};
    // From the profile connection space, D50, to linear sRGB (IEC 61966-2-1, adapted by Bradford's method).
    constexpr float kToSrgb[3][3] = {{3.1338561f, -1.6168667f, -0.4906146f},
                                     {-0.9787684f, 1.9161415f, 0.0334540f},
                                     {0.0719453f, -0.2289914f, 1.4052427f}};
    for (int c = 0; c < base::Image::kChannels; ++c) {
      const auto* const curve = static_cast<const cmsToneCurve*>(cmsReadTag(profile, kCurves[c]));
      const auto* const xyz = static_cast<const cmsCIEXYZ*>(cmsReadTag(profile, kColorants[c]));
      if (curve == nullptr || xyz == nullptr) {
        valid_ = false;
        return;
      }
      for (int i = 0; i < 256; ++i) {
        linear_[c][i] = cmsEvalToneCurveFloat(curve, static_cast<float>(i) / 255);
      }
      const std::array<float, 3> part = {static_cast<float>(xyz->X), static_cast<float>(xyz->Y),
                                         static_cast<float>(xyz->Z)};
      for (int to = 0; to < base::Image::kChannels; ++to) {
        matrix_[to][c] = kToSrgb[to][0] * part[0] + kToSrgb[to][1] * part[1] + kToSrgb[to][2] * part[2];
      }
    }
  }

  bool valid() const { return valid_; }

  void operator()(const std::uint8_t* from, std::uint8_t* to, int pixels) const {
    const Encoding& encoding = SrgbEncoding();
    for (int x = 0; x < pixels; ++x, from += base::Image::kChannels, to += base::Image::kChannels) {
      const float red = linear_[0][from[0]], green = linear_[1][from[1]], blue = linear_[2][from[2]];
      for (int c = 0; c < base::Image::kChannels; ++c) {
        const auto& m = matrix_[c];
        const float light = std::clamp(m[0] * red + m[1] * green + m[2] * blue, 0.0f, 1.0f);
        to[c] = encoding[static_cast<int>(light * kSteps)];
      }
    }
  }

 private:
  static constexpr int kSteps = 16383;
  /// The level in the middle of each step.
  using Encoding = std::array<std::uint8_t, kSteps + 1>;

  static const Encoding& SrgbEncoding() {
    static const Encoding encoding = [] {
      Encoding levels;
      for (int i = 0; i <= kSteps; ++i) {
        const float light = (static_cast<float>(i) + 0.5f) / kSteps;
        const float signal =
            light <= 0.0031308f ? 12.92f * light : 1.055f * std::pow(light, 1 / 2.4f) - 0.055f;
        levels[i] = static_cast<std::uint8_t>(std::lrint(255 * signal));
      }
      return levels;
    }();
    return encoding;
  }

  bool valid_ = true;
  std::array<std::array<float, 256>, 3> linear_;
  std::array<std::array<float, 3>, 3> matrix_;
};

void ConvertColours(base::Image& image, void* from) {
  if (cmsIsMatrixShaper(from) && !cmsIsTag(from, cmsSigAToB0Tag)) {
    const MatrixShaper shaper(from);
    if (shaper.valid()) ConvertRows(image, shaper);
    return;
  }
  const TransformPtr transform = MakeTransform(from, TYPE_RGB_8);
  if (!transform) return;
  ConvertRows(image, [&](const std::uint8_t* row, std::uint8_t* to, int pixels) {
    cmsDoTransform(transform.get(), row, to, static_cast<cmsUInt32Number>(pixels));
  });
}

void ConvertGreys(base::Image& image, void* from) {
  const TransformPtr transform = MakeTransform(from, TYPE_GRAY_8);
  if (!transform) return;
  std::array<std::uint8_t, 256> greys;
  for (std::size_t i = 0; i < greys.size(); ++i) greys[i] = static_cast<std::uint8_t>(i);
  std::array<std::uint8_t, 3 * greys.size()> colours;
  cmsDoTransform(transform.get(), greys.data(), colours.data(), greys.size());
  std::array<std::uint8_t, 256> levels;
  bool same = true;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    levels[i] = colours[3 * i + 1];
    same = same && std::abs(levels[i] - static_cast<int>(i)) <= kMaxDifference;
  }
  if (same) return;
  for (int y = 0; y < image.height(); ++y) {
    base::YieldPoint();
    std::uint8_t* const row = image.Row(y);
    for (std::ptrdiff_t i = 0; i < image.stride(); ++i) row[i] = levels[row[i]];
  }
}

}  // namespace

void ToSrgb(base::Image& image, const ColourSpace& space) {
  const Profile from = ReadProfile(space);
  if (!from) return;
  switch (cmsGetColorSpace(from.get())) {
    case cmsSigRgbData:
      return ConvertColours(image, from.get());
    case cmsSigGrayData:
      return ConvertGreys(image, from.get());
    default:
      return;
  }
}

}  // namespace visage::decode

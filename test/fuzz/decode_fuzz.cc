#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "decode/base64.h"
#include "decode/decode.h"

// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is the sanitizer's.
extern "C" void __sanitizer_set_death_callback(void (*)());

namespace {

using Bytes = std::vector<std::uint8_t>;
using Random = std::mt19937_64;

constexpr std::size_t kLargestInput = 1 << 20;
/// RGBA of the largest permitted image; Visage's code needs no larger array.
constexpr std::size_t kLargestArray = 4 * visage::decode::ImageLimits::kMaxPixels;
constexpr unsigned kSecondsOfOneInput = 60;

Bytes g_input;
std::uint8_t g_fill = 0;

void KeepInput() {
  std::ofstream("decode_fuzz.input", std::ios::binary)
      .write(reinterpret_cast<const char*>(g_input.data()), static_cast<std::streamsize>(g_input.size()));
  std::fprintf(stderr, "The input is kept in decode_fuzz.input.\n");
}

[[noreturn]] void Fail(const char* why) {
  std::fprintf(stderr, "FAILED: %s\n", why);
  KeepInput();
  std::_Exit(1);
}

std::size_t Below(Random& random, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

void Overwrite(Bytes& bytes, Random& random) {
  static constexpr std::uint32_t kEdges[] = {
      0, 1, 0x7F, 0x80, 0xFF, 64, 63, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 8192};
  const std::size_t width = std::size_t{1} << Below(random, 3);
  if (bytes.size() < width) return;
  const std::size_t range = bytes.size() - width + 1;
  const std::size_t at = Below(random, random() % 2 == 0 ? std::min<std::size_t>(range, 128) : range);
  const std::uint32_t value =
      random() % 2 == 0 ? static_cast<std::uint32_t>(random()) : kEdges[Below(random, std::size(kEdges))];
  const bool big_endian = random() % 2 == 0;
  for (std::size_t i = 0; i < width; ++i) {
    bytes[at + i] = static_cast<std::uint8_t>(value >> 8 * (big_endian ? width - 1 - i : i));
  }
}

void Mutate(Bytes& bytes, const Bytes& other, Random& random) {
  if (bytes.empty()) return;
  const std::size_t at = Below(random, bytes.size());
  const std::size_t count = 1 + Below(random, std::min<std::size_t>(bytes.size() - at, 64));
  const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  switch (Below(random, 9)) {
    case 0:
      bytes[at] ^= static_cast<std::uint8_t>(1U << Below(random, 8));
      break;
    case 1:
      bytes.resize(at);
      break;
    case 2:
      bytes.erase(here, here + static_cast<std::ptrdiff_t>(count));
      break;
    case 3: {
      const Bytes copy(here, here + static_cast<std::ptrdiff_t>(count));
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(Below(random, bytes.size())), copy.begin(),
                   copy.end());
      break;
    }
    case 4: {
      const std::size_t from = Below(random, other.size());
      const std::size_t take = std::min({other.size() - from, bytes.size() - at, std::size_t{256}});
      std::copy_n(other.begin() + static_cast<std::ptrdiff_t>(from), take, here);
      break;
    }
    default:
      Overwrite(bytes, random);
  }
}

void MendPng(Bytes& bytes) {
  if (bytes.size() < 8 || bytes[0] != 0x89) return;
  std::size_t at = 8;
  while (bytes.size() - at >= 12) {
    std::size_t length = 0;
    for (int i = 0; i < 4; ++i) length = length << 8 | bytes[at + i];
    if (length > bytes.size() - at - 12) break;
    const uLong sum = crc32(0, bytes.data() + at + 4, static_cast<uInt>(length + 4));
    for (int i = 0; i < 4; ++i) bytes[at + 8 + length + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
    at += 12 + length;
  }
}

bool Decodes(std::span<const std::uint8_t> input, int min_long_side, visage::decode::DecodedImage& decoded) {
  try {
    decoded = visage::decode::Decode(
        input, min_long_side > 0 ? visage::decode::Reduction{min_long_side, 0} : visage::decode::Reduction{});
    return true;
  } catch (const visage::base::Error& error) {
    switch (error.code()) {
      case visage::base::ErrorCode::kInvalidImage:
      case visage::base::ErrorCode::kImageTooLarge:
      case visage::base::ErrorCode::kUnsupportedImage:
        return false;
      default:
        Fail(error.what());
    }
  }
}

void CheckPicture(const visage::decode::DecodedImage& decoded, int min_long_side) {
  const int longer = std::max(decoded.full_width, decoded.full_height);
  if (std::min(decoded.full_width, decoded.full_height) < visage::decode::ImageLimits::kMinSide ||
      longer > visage::decode::ImageLimits::kMaxSide ||
      std::int64_t{decoded.image.width()} * decoded.image.height() >
          visage::decode::ImageLimits::kMaxPixels) {
    Fail("a limit is passed");
  }
  const int reduction =
      decoded.image.width() == 0 ? 0 : (longer + 3) / std::max(decoded.image.width(), decoded.image.height());
  const bool reduced = reduction > 1;
  const bool halved =
      decoded.format >= visage::decode::ImageFormat::kHeic && reduction == 2 &&
      std::int64_t{decoded.full_width} * decoded.full_height > visage::decode::ImageLimits::kMaxPixels;
  if (reduced && !halved &&
      ((decoded.format != visage::decode::ImageFormat::kJpeg &&
        decoded.format != visage::decode::ImageFormat::kJpeg2000) ||
       min_long_side == 0 || std::max(decoded.image.width(), decoded.image.height()) < min_long_side)) {
    Fail("the picture is smaller than was asked for");
  }
}

bool TryPicture(int min_long_side) {
  // A copy of exactly the file's size, so that reading past its end is seen.
  const auto exact = std::make_unique<std::uint8_t[]>(g_input.size());
  std::copy(g_input.begin(), g_input.end(), exact.get());
  const std::span<const std::uint8_t> input(exact.get(), g_input.size());

  visage::decode::DecodedImage first;
  g_fill = 0x00;
  if (!Decodes(input, min_long_side, first)) return false;
  CheckPicture(first, min_long_side);

  visage::decode::DecodedImage second;
  g_fill = 0xA5;
  if (!Decodes(input, min_long_side, second)) Fail("the same file decodes only once");
  if (first.image.size_bytes() != second.image.size_bytes()) Fail("the same file has two sizes");
  // In broken slices, libde265 reads tables that it did not fill.
  if (first.format == visage::decode::ImageFormat::kHeic) return true;
  if (std::memcmp(first.image.data(), second.image.data(), first.image.size_bytes()) != 0) {
    Fail("pixels were not written");
  }
  return true;
}

void TryBase64(Random& random) {
  static constexpr char kLikely[] = "ABCxyz0189+/-_\\/= \n,;data:base64";
  std::string text(Below(random, 64), '\0');
  for (char& c : text) {
    c = random() % 16 == 0 ? static_cast<char>(random()) : kLikely[Below(random, sizeof kLikely - 1)];
  }
  const std::size_t bound = visage::decode::Base64Bound(text.size());
  const auto out = std::make_unique<std::uint8_t[]>(bound);
  try {
    if (visage::decode::DecodeBase64(text, {out.get(), bound}) > bound) Fail("base64 passes its bound");
  } catch (const visage::base::Error& error) {
    if (error.code() != visage::base::ErrorCode::kInvalidImage) Fail(error.what());
  }
}

Bytes Load(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

void* operator new[](std::size_t size) {
  if (size > kLargestArray) Fail("too much memory is asked for");
  void* const memory = std::malloc(std::max<std::size_t>(size, 1));
  if (memory == nullptr) throw std::bad_alloc();
  return std::memset(memory, g_fill, size);
}
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "Usage: decode_fuzz <iterations> <seed> <file>...\n");
    return 2;
  }
  __sanitizer_set_death_callback(KeepInput);
  const auto iterations = std::strtoull(argv[1], nullptr, 10);
  const auto seed = std::strtoull(argv[2], nullptr, 10);
  std::vector<Bytes> corpus;
  for (int i = 3; i < argc; ++i) {
    corpus.push_back(Load(argv[i]));
    g_input = corpus.back();
    if (!TryPicture(0)) Fail(argv[i]);
  }

  unsigned long long pictures = 0;
  double slowest = 0;
  for (unsigned long long i = 0; i < iterations; ++i) {
    Random random(seed + i);
    g_input = corpus[Below(random, corpus.size())];
    const std::size_t mutations = 1 + Below(random, 6);
    for (std::size_t m = 0; m < mutations; ++m) Mutate(g_input, corpus[Below(random, corpus.size())], random);
    g_input.resize(std::min(g_input.size(), kLargestInput));
    if (random() % 4 != 0) MendPng(g_input);

    alarm(kSecondsOfOneInput);
    const auto start = std::chrono::steady_clock::now();
    pictures += TryPicture(random() % 2 == 0 ? 0 : static_cast<int>(Below(random, 400))) ? 1 : 0;
    TryBase64(random);
    slowest =
        std::max(slowest, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::printf("%llu inputs, %llu of them pictures, slowest %.1f s\n", iterations, pictures, slowest);
}

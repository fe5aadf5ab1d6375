#include "runtime/accelerator.h"

#include <dlfcn.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/resample.h"
#include "base/warp.h"
#include "runtime/device.h"

namespace visage::runtime {
namespace {

constexpr std::size_t kStockBytes = std::size_t{256} << 20;
constexpr std::size_t kPinnedKept = 4;
constexpr float kTolerance = 1e-3f;

/// Eighths of the next power of two, so similar sizes share buffers.
std::size_t Rounded(std::size_t size) {
  const std::size_t step = std::max<std::size_t>(std::bit_ceil(size) / 8, 256);
  return (size + step - 1) / step * step;
}

std::string LoaderError() {
  const char* error = dlerror();
  return error ? error : "the library does not load";
}

}  // namespace

Accelerator::Memory::Memory(Memory&& other) noexcept
    : owner_(other.owner_), data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}

Accelerator::Memory::~Memory() {
  if (data_) owner_->GiveBack(data_, size_);
}

Accelerator& Accelerator::Load(const std::string& library) {
  static std::mutex mutex;
  static std::map<std::string, Accelerator*> loaded;
  const std::lock_guard lock(mutex);
  if (const auto found = loaded.find(library); found != loaded.end()) return *found->second;
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) throw base::Error(base::ErrorCode::kInternal, LoaderError());
  const auto factory =
      reinterpret_cast<base::DeviceCalls::Factory>(dlsym(handle, base::DeviceCalls::kFactory));
  if (!factory) throw base::Error(base::ErrorCode::kInternal, LoaderError());
  base::DeviceCalls& calls = *factory();
  if (const int failed = calls.Open()) throw base::Error(base::ErrorCode::kInternal, calls.Describe(failed));
  std::unique_ptr<Accelerator> made(new Accelerator(calls));
  made->CompareWithCpu();
  // Never destroyed: threads may use it while the process ends.
  return *loaded.emplace(library, made.release()).first->second;
}

std::optional<DeviceImage> Accelerator::Upload(const base::ImageView& image) {
  const std::size_t row = static_cast<std::size_t>(image.width) * base::Image::kChannels;
  const std::size_t size = row * image.height;
  std::optional<Memory> memory = Take(size);
  if (!memory) return {};
  const std::optional<Pinned> pinned = TakePinned(size);
  if (!pinned) return {};
  std::uint8_t* bytes = static_cast<std::uint8_t*>(pinned->data);
  for (int y = 0; y < image.height; ++y) std::memcpy(bytes + y * row, image.Row(y), row);
  const bool is_queued =
      calls_.CopyIn(memory->bytes(), bytes, size) == 0 && calls_.RecordEvent(pinned->event) == 0;
  if (!is_queued) Settle();
  GiveBackPinned(*pinned);
  if (!is_queued) return {};
  const base::ImageView view{memory->bytes(), image.width, image.height, static_cast<std::ptrdiff_t>(row)};
  return DeviceImage{std::move(*memory), view};
}

Accelerator::Memory Accelerator::Floats(std::size_t count) {
  std::optional<Memory> memory = Take(count * sizeof(float));
  if (!memory)
    throw base::Error(base::ErrorCode::kInternal, "The GPU has no free memory for a network input");
  return std::move(*memory);
}

void Accelerator::Make(const DeviceImage& image, const base::Framing& framing,
                       const base::NetworkInput& input, float* out) {
  ThrowOnError(calls_.MakeInput(image.view, framing, input, out), "build a network input");
}

void Accelerator::CopyIn(std::span<const float> values, float* out) {
  ThrowOnError(calls_.CopyIn(out, values.data(), values.size_bytes()), "copy a network input");
}

void Accelerator::Ready() {
  if (!calls_.stream()) ThrowOnError(calls_.Wait(), "build a network input");
}

void Accelerator::Settle() noexcept { static_cast<void>(calls_.Wait()); }

std::vector<float> Accelerator::CopyOut(const float* from, std::size_t count) {
  std::vector<float> values(count);
  ThrowOnError(calls_.CopyOut(values.data(), from, count * sizeof(float)), "return a network input");
  return values;
}

void Accelerator::ThrowOnError(int code, const char* what) const {
  if (code == 0) return;
  throw base::Error(base::ErrorCode::kInternal,
                    std::string("The GPU failed to ") + what + ": " + calls_.Describe(code));
}

std::optional<Accelerator::Memory> Accelerator::Take(std::size_t size) {
  size = Rounded(size);
  {
    const std::lock_guard lock(mutex_);
    // Keeps small inputs out of large images' memory.
    const auto fit = stock_.lower_bound(size);
    if (fit != stock_.end() && fit->first <= 2 * size) {
      Memory found(*this, fit->second, fit->first);
      stock_bytes_ -= fit->first;
      stock_.erase(fit);
      return found;
    }
  }
  void* data = nullptr;
  if (calls_.Allocate(size, &data) == 0) return Memory(*this, data, size);
  std::multimap<std::size_t, void*> unused;
  {
    const std::lock_guard lock(mutex_);
    unused.swap(stock_);
    stock_bytes_ = 0;
  }
  for (const auto& [ignored, piece] : unused) calls_.Free(piece);
  if (unused.empty() || calls_.Allocate(size, &data) != 0) return {};
  return Memory(*this, data, size);
}

void Accelerator::GiveBack(void* data, std::size_t size) {
  {
    const std::lock_guard lock(mutex_);
    if (stock_bytes_ + size <= kStockBytes) {
      stock_.emplace(size, data);
      stock_bytes_ += size;
      return;
    }
  }
  calls_.Free(data);
}

std::optional<Accelerator::Pinned> Accelerator::TakePinned(std::size_t size) {
  Pinned pinned;
  {
    const std::lock_guard lock(mutex_);
    const auto fit = std::ranges::find_if(pinned_, [&](const Pinned& each) { return each.size >= size; });
    const auto taken = fit == pinned_.end() && pinned_.size() >= kPinnedKept ? pinned_.begin() : fit;
    if (taken != pinned_.end()) {
      pinned = *taken;
      pinned_.erase(taken);
    }
  }
  if (!pinned.event && calls_.CreateEvent(&pinned.event) != 0) return {};
  if (calls_.WaitForEvent(pinned.event) != 0) {
    GiveBackPinned(pinned);
    return {};
  }
  if (pinned.size >= size) return pinned;
  if (pinned.data) calls_.FreePinned(std::exchange(pinned.data, nullptr));
  pinned.size = 0;
  const bool has_room = calls_.AllocatePinned(Rounded(size), &pinned.data) == 0;
  if (has_room) {
    pinned.size = Rounded(size);
    return pinned;
  }
  GiveBackPinned(pinned);
  return {};
}

void Accelerator::GiveBackPinned(const Pinned& pinned) {
  const std::lock_guard lock(mutex_);
  pinned_.push_back(pinned);
}

void Accelerator::CompareWithCpu() {
  base::Image image(61, 47);
  for (std::size_t i = 0; i < image.size_bytes(); ++i)
    image.data()[i] = static_cast<std::uint8_t>(i * i % 251);
  const base::Resized resized{.source = {3.5f, 2, 50, 40}, .content = {30, 20}};
  const base::Warped warped{.back = {1.2f, -0.4f, 0.4f, 1.2f, 9, -3}, .step = 1.27f, .mirrored = true};
  const base::NetworkInput input{.width = 32, .height = 24, .channels = base::Channels::kBgr};
  const std::optional<DeviceImage> uploaded = Upload(image.view());
  if (!uploaded) throw base::Error(base::ErrorCode::kInternal, "it has no free memory for an image");
  const Memory out = Floats(input.size());
  std::vector<float> expected(input.size());
  for (const base::Framing& framing : {base::Framing(resized), base::Framing(warped)}) {
    if (const base::Warped* warp = std::get_if<base::Warped>(&framing)) {
      base::Warp(image.view(), *warp, input, expected.data());
    } else {
      base::Resampler().Run(image.view(), resized.source, input, resized.content.width,
                            resized.content.height, expected.data());
    }
    Make(*uploaded, framing, input, out.floats());
    const bool is_same = std::ranges::equal(CopyOut(out.floats(), input.size()), expected,
                                            [](float a, float b) { return std::abs(a - b) <= kTolerance; });
    if (!is_same)
      throw base::Error(base::ErrorCode::kInternal, "its network inputs differ from those of the CPU");
  }
}

Accelerator* AcceleratorOf(const Device& device) {
  return device.input_library.empty() ? nullptr : &Accelerator::Load(device.input_library);
}

SourceImage::SourceImage(const base::ImageView& image, Accelerator* accelerator) : base::ImageView(image) {
  if (!accelerator) return;
  if (std::optional<DeviceImage> uploaded = accelerator->Upload(image)) {
    on_device = std::make_shared<const DeviceImage>(std::move(*uploaded));
  }
}

}  // namespace visage::runtime

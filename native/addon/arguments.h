#pragma once

#include <napi.h>

#include <cstdint>
#include <span>
#include <string>

namespace visage::addon {

/// All throw Napi::TypeError with the argument's name and expected value. Spans borrow the argument's memory.

std::int64_t WholeNumber(const Napi::Value& value, const std::string& name, std::int64_t least,
                         std::int64_t most);
/// Finite.
float Number(const Napi::Value& value, const std::string& name);
bool Truth(const Napi::Value& value, const std::string& name);
std::string Text(const Napi::Value& value, const std::string& name);
Napi::Object Object(const Napi::Value& value, const std::string& name);
std::span<const std::uint8_t> Bytes(const Napi::Value& value, const std::string& name);
/// Of Uint8Array or Float32Array.
std::span<const std::byte> RowBytes(const Napi::Value& value, const std::string& name);
/// Finite.
std::span<const float> Floats(const Napi::Value& value, const std::string& name);
std::span<const std::int64_t> Labels(const Napi::Value& value, const std::string& name);

}  // namespace visage::addon

#pragma once

#include <napi.h>

#include <cstdint>
#include <span>
#include <string>

namespace visage {

/// Arguments that JavaScript gave. Every function throws a Napi::TypeError that names the argument and says
/// what it must be; the spans borrow memory of the argument's buffer.

/// A whole number, least..most.
std::int64_t WholeNumber(const Napi::Value& value, const std::string& name, std::int64_t least,
                         std::int64_t most);
/// A finite number.
float Number(const Napi::Value& value, const std::string& name);
bool Truth(const Napi::Value& value, const std::string& name);
std::string Text(const Napi::Value& value, const std::string& name);
Napi::Object Object(const Napi::Value& value, const std::string& name);
/// A Uint8Array; a Buffer is one.
std::span<const std::uint8_t> Bytes(const Napi::Value& value, const std::string& name);
/// A Float32Array whose values are all finite.
std::span<const float> Floats(const Napi::Value& value, const std::string& name);
/// An Int16Array.
std::span<const std::int16_t> ShortIntegers(const Napi::Value& value, const std::string& name);
/// An Int8Array.
std::span<const std::int8_t> SignedBytes(const Napi::Value& value, const std::string& name);
/// A BigInt64Array.
std::span<const std::int64_t> Labels(const Napi::Value& value, const std::string& name);

}  // namespace visage

#include "addon/arguments.h"

#include <algorithm>
#include <cmath>

namespace visage::addon {
namespace {

[[noreturn]] void Refuse(const Napi::Value& value, const std::string& name, const std::string& wanted) {
  throw Napi::TypeError::New(value.Env(), name + " must be " + wanted);
}

template <typename Element>
std::span<const Element> Elements(const Napi::Value& value, const std::string& name,
                                  napi_typedarray_type type, const char* wanted) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type)
    Refuse(value, name, wanted);
  const auto array = value.As<Napi::TypedArrayOf<Element>>();
  return {array.Data(), array.ElementLength()};
}

}  // namespace

std::int64_t WholeNumber(const Napi::Value& value, const std::string& name, std::int64_t least,
                         std::int64_t most) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most)) ||
      number != std::floor(number)) {
    Refuse(value, name, "a whole number, " + std::to_string(least) + ".." + std::to_string(most));
  }
  return static_cast<std::int64_t>(number);
}

float Number(const Napi::Value& value, const std::string& name) {
  const float number = value.IsNumber() ? value.As<Napi::Number>().FloatValue() : NAN;
  if (!std::isfinite(number)) Refuse(value, name, "a finite number");
  return number;
}

bool Truth(const Napi::Value& value, const std::string& name) {
  if (!value.IsBoolean()) Refuse(value, name, "true or false");
  return value.As<Napi::Boolean>().Value();
}

std::string Text(const Napi::Value& value, const std::string& name) {
  if (!value.IsString()) Refuse(value, name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

Napi::Object Object(const Napi::Value& value, const std::string& name) {
  if (!value.IsObject()) Refuse(value, name, "an object");
  return value.As<Napi::Object>();
}

std::span<const std::uint8_t> Bytes(const Napi::Value& value, const std::string& name) {
  return Elements<std::uint8_t>(value, name, napi_uint8_array, "a Uint8Array");
}

std::span<const std::byte> RowBytes(const Napi::Value& value, const std::string& name) {
  const bool is_array = value.IsTypedArray();
  const auto type = is_array ? value.As<Napi::TypedArray>().TypedArrayType() : napi_int8_array;
  if (type == napi_float32_array) {
    return std::as_bytes(Elements<float>(value, name, type, ""));
  }
  return std::as_bytes(
      Elements<std::uint8_t>(value, name, napi_uint8_array, "a Uint8Array or a Float32Array"));
}

std::span<const float> Floats(const Napi::Value& value, const std::string& name) {
  const auto floats = Elements<float>(value, name, napi_float32_array, "a Float32Array");
  // NaN would break the order of search results.
  if (!std::ranges::all_of(floats, [](float f) { return std::isfinite(f); })) {
    Refuse(value, name, "finite in every value");
  }
  return floats;
}

std::span<const std::int64_t> Labels(const Napi::Value& value, const std::string& name) {
  return Elements<std::int64_t>(value, name, napi_bigint64_array, "a BigInt64Array");
}

}  // namespace visage::addon

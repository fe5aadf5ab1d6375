#pragma once

#include <stdexcept>
#include <string>

namespace visage::base {

/// As in `src/errors.ts`.
enum class ErrorCode {
  kInvalidImage,
  kImageTooLarge,
  kUnsupportedImage,
  kOverloaded,
  kNotReady,
  kInternal,
};

constexpr const char* Name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidImage:
      return "INVALID_IMAGE";
    case ErrorCode::kImageTooLarge:
      return "IMAGE_TOO_LARGE";
    case ErrorCode::kUnsupportedImage:
      return "UNSUPPORTED_IMAGE";
    case ErrorCode::kOverloaded:
      return "OVERLOADED";
    case ErrorCode::kNotReady:
      return "NOT_READY";
    case ErrorCode::kInternal:
      break;
  }
  return "INTERNAL_ERROR";
}

/// API clients see the message: one sentence without paths, secrets or image content.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace visage::base

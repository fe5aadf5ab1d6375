#pragma once

#include <stdexcept>
#include <string>

namespace visage {

/// What went wrong, in the words of the wire contract (`src/errors.ts`).
enum class ErrorCode {
  kInvalidImage,
  kImageTooLarge,
  kUnsupportedImage,
  kOverloaded,
  kNotReady,
  kInternal,
};

/// The code as it crosses the border to JavaScript, such as `INVALID_IMAGE`.
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

/// A failure that a caller may see. The message is one sentence without paths, secrets or picture content.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace visage

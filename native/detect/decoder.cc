#include "detect/decoder.h"

#include "base/error.h"

namespace visage::detect {

ReadOutputs DecoderOf(const std::string& name) {
  if (name == "rfb") return ReadRfb;
  if (name == "yunet") return ReadYunet;
  if (name == "scrfd") return ReadScrfd;
  if (name == "retinaface") return ReadRetinaFace;
  throw base::Error(base::ErrorCode::kInternal,
                    "detector.decoder: expected rfb, yunet, scrfd or retinaface, got " + name);
}

std::span<const float> Table(const runtime::InferenceSession::Output& output, std::size_t rows,
                             std::size_t columns) {
  if (output.values.size() == rows * columns && !output.shape.empty() &&
      output.shape.back() == static_cast<std::int64_t>(columns)) {
    return output.values;
  }
  throw base::Error(base::ErrorCode::kInternal, "The output " + output.name + " is not a table of " +
                                                    std::to_string(rows) + " x " + std::to_string(columns) +
                                                    " values");
}

}  // namespace visage::detect

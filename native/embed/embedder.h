#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/network_input.h"
#include "runtime/session.h"

namespace visage {

/// The manifest's `embedder` section.
struct EmbedderOptions {
  std::string file;
  /// How a face is laid into the input; `arcface5` is known.
  std::string alignment;
  NetworkInput input;
  /// Floats of a template.
  int dimension = 0;
};

/// Makes a template of an aligned face. An object belongs to one thread at a time; copies share the network.
class Embedder {
 public:
  /// Loads the network. @throws Error kInternal if the file or the alignment's name is not right.
  explicit Embedder(const EmbedderOptions& options);

  const NetworkInput& input() const { return options_.input; }
  /// Where the aligned face is to be written: `input().size()` floats.
  std::span<float> buffer() { return buffer_; }

  /// The unit vector of the face in `buffer()`, of `dimension` floats.
  std::vector<float> Embed();

 private:
  EmbedderOptions options_;
  std::shared_ptr<const Session> session_;
  std::vector<float> buffer_;
};

}  // namespace visage

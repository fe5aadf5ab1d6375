#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/error.h"
#include "decode/decode.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
    try {
      const auto decoded = visage::decode::Decode(bytes);
      std::printf("%d x %d\n", decoded.image.width(), decoded.image.height());
    } catch (const visage::base::Error& error) {
      std::printf("%s: %s\n", visage::base::Name(error.code()), error.what());
    }
  }
}

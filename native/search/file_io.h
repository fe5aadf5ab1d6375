#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace visage::search {

/// The message names no path.
class SnapshotError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] void ThrowSystem(const char* what);
/// @throws SnapshotError, also for a file that ends earlier.
void ReadAt(int file, std::span<std::byte> bytes, std::uint64_t at);
/// @throws SnapshotError with the system's reason, such as a full disk.
void WriteAt(int file, std::span<const std::byte> bytes, std::uint64_t at);
/// Flushes the folder of `path`.
void SyncFolder(const std::string& path);

}  // namespace visage::search

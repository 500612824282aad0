#pragma once

#include <atomic>
#include <cstdint>

namespace peapod {

/// How much has come over this device's own line for its own use: everything
/// but what was fetched for peers. The host counts, on the io thread; anyone
/// may look.
class own_use {
public:
  void add(uint64_t bytes) {
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }

  /// Since the start of the process.
  uint64_t bytes() const {
    return bytes_.load(std::memory_order_relaxed);
  }

private:
  std::atomic<uint64_t> bytes_{0};
};

} // namespace peapod

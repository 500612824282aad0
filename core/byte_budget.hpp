#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

namespace peapod {

/// Bounds the payload bytes that the whole process holds at once. All members
/// may be called from any thread.
class byte_budget {
public:
  /// A budget of `limit` bytes.
  explicit byte_budget(uint64_t limit) : limit_(limit) {}

  byte_budget(const byte_budget&) = delete;
  byte_budget& operator=(const byte_budget&) = delete;

  /// Takes `count` bytes, all or none; whether they were there.
  [[nodiscard]] bool try_reserve(uint64_t count);

  /// Gives back bytes taken by `try_reserve`. Giving back more than was taken
  /// is a bug and aborts.
  void release(uint64_t count);

  /// Bytes that the budget may hand out in all.
  uint64_t limit() const {
    return limit_;
  }

  /// Bytes handed out now.
  uint64_t used() const {
    return used_.load(std::memory_order_relaxed);
  }

  /// Bytes that could be reserved now.
  uint64_t available() const {
    return limit_ - used();
  }

  /// The most bytes that were ever handed out at once.
  uint64_t high_water() const {
    return high_water_.load(std::memory_order_relaxed);
  }

private:
  const uint64_t limit_;
  std::atomic<uint64_t> used_{0};
  std::atomic<uint64_t> high_water_{0};
};

/// Bytes of a budget that go back when the reservation ends.
class byte_reservation {
public:
  /// A reservation of nothing.
  byte_reservation() = default;

  byte_reservation(byte_reservation&& other) noexcept;
  byte_reservation& operator=(byte_reservation&& other) noexcept;
  ~byte_reservation() {
    reset();
  }

  /// Takes `count` bytes of `budget`; nothing when they are not there.
  static std::optional<byte_reservation>
  make(std::shared_ptr<byte_budget> budget, uint64_t count);

  /// How many bytes are reserved.
  uint64_t size() const {
    return size_;
  }

  /// Gives back all but `count` bytes; without effect when fewer are left.
  void shrink(uint64_t count);

  /// Gives back everything.
  void reset();

private:
  std::shared_ptr<byte_budget> budget_;
  uint64_t size_ = 0;
};

} // namespace peapod

#include "core/byte_budget.hpp"

#include <cstdlib>
#include <utility>

namespace peapod {

bool byte_budget::try_reserve(uint64_t count) {
  auto used = used_.load(std::memory_order_relaxed);
  do {
    if (count > limit_ - used)
      return false;
  } while (!used_.compare_exchange_weak(used, used + count,
                                        std::memory_order_relaxed));
  auto now = used + count;
  auto high = high_water_.load(std::memory_order_relaxed);
  while (high < now
         && !high_water_.compare_exchange_weak(high, now,
                                               std::memory_order_relaxed)) {
    // `high` has been reloaded.
  }
  return true;
}

void byte_budget::release(uint64_t count) {
  auto before = used_.fetch_sub(count, std::memory_order_relaxed);
  if (before < count)
    std::abort();
}

byte_reservation::byte_reservation(byte_reservation&& other) noexcept
  : budget_(std::move(other.budget_)), size_(std::exchange(other.size_, 0)) {}

byte_reservation&
byte_reservation::operator=(byte_reservation&& other) noexcept {
  if (this != &other) {
    reset();
    budget_ = std::move(other.budget_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

std::optional<byte_reservation>
byte_reservation::make(std::shared_ptr<byte_budget> budget, uint64_t count) {
  if (!budget || !budget->try_reserve(count))
    return std::nullopt;
  byte_reservation out;
  out.budget_ = std::move(budget);
  out.size_ = count;
  return out;
}

void byte_reservation::shrink(uint64_t count) {
  if (count >= size_)
    return;
  budget_->release(size_ - count);
  size_ = count;
}

void byte_reservation::reset() {
  if (budget_)
    budget_->release(size_);
  budget_.reset();
  size_ = 0;
}

} // namespace peapod

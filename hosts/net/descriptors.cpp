#include "hosts/net/descriptors.hpp"

#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace peapod::net {

namespace {

/// More than this helps nobody, and what this process starts may look at each
/// possible number.
constexpr rlim_t most = 1u << 20;

/// Numbers that are looked at: who may have more has enough.
constexpr size_t most_counted = 1u << 16;

/// How long an answer of the system is good for: each client and each origin
/// would ask.
constexpr auto limit_lifetime = std::chrono::seconds(1);

std::atomic<size_t> known_limit{0};
std::atomic<int64_t> known_until{0}; // by the steady clock

size_t ask_for_limit() {
  rlimit x{};
  if (::getrlimit(RLIMIT_NOFILE, &x) != 0)
    return most;
  return std::min(x.rlim_cur, most);
}

} // namespace

size_t kept_free(descriptor_use use, size_t limit) {
  if (use == descriptor_use::client)
    return std::clamp<size_t>(limit * 3 / 8, 16, 256);
  return std::clamp<size_t>(limit / 8, 8, 64);
}

bool is_scarce(int handle, descriptor_use use, size_t limit) {
  return handle >= 0
         && static_cast<size_t>(handle) + kept_free(use, limit) >= limit;
}

bool is_scarce(int handle, descriptor_use use) {
  return is_scarce(handle, use, descriptor_limit());
}

bool is_scarce_by_count(descriptor_use use) {
  auto limit = descriptor_limit();
  std::vector<pollfd> all(std::min(limit, most_counted));
  for (size_t i = 0; i < all.size(); ++i)
    all[i] = {static_cast<int>(i), 0, 0};
  if (::poll(all.data(), all.size(), 0) < 0)
    return true;
  auto open = static_cast<size_t>(std::ranges::count_if(
      all, [](auto& x) { return (x.revents & POLLNVAL) == 0; }));
  return open + kept_free(use, limit) > limit;
}

size_t descriptor_limit() {
  auto now = std::chrono::steady_clock::now().time_since_epoch();
  if (now.count() >= known_until.load(std::memory_order_acquire)) {
    auto until = std::chrono::nanoseconds(now + limit_lifetime).count();
    known_limit.store(ask_for_limit(), std::memory_order_relaxed);
    known_until.store(until, std::memory_order_release);
  }
  return known_limit.load(std::memory_order_relaxed);
}

void descriptor_limit_changed() {
  known_until.store(0, std::memory_order_release);
}

raised_limit raise_descriptor_limit() {
  raised_limit out;
  out.before = descriptor_limit();
  rlimit x{};
  if (::getrlimit(RLIMIT_NOFILE, &x) == 0 && x.rlim_cur < x.rlim_max) {
    x.rlim_cur = std::max(x.rlim_cur, std::min(x.rlim_max, most));
    ::setrlimit(RLIMIT_NOFILE, &x);
    descriptor_limit_changed();
  }
  out.now = descriptor_limit();
  return out;
}

} // namespace peapod::net

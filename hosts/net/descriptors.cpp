#include "hosts/net/descriptors.hpp"

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace peapod::net {

namespace {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

/// More than this helps nobody, and what this process starts may look at each
/// possible number.
constexpr rlim_t most = 1u << 20;

/// Numbers that are looked at: who may have more has enough.
constexpr size_t most_counted = 1u << 16;

/// How long an answer of the system is good for.
constexpr auto limit_lifetime = std::chrono::seconds(1);

class limit_service final : public asio::execution_context::service {
public:
  using key_type = limit_service;
  static asio::execution_context::id id;

  explicit limit_service(asio::execution_context& context) : service(context) {}

  known_limit limit;

private:
  void shutdown() override {}
};

asio::execution_context::id limit_service::id;

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

bool is_scarce_by_count(descriptor_use use, size_t limit) {
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
  rlimit x{};
  if (::getrlimit(RLIMIT_NOFILE, &x) != 0)
    return most;
  return std::min(x.rlim_cur, most);
}

size_t known_limit::get() {
  auto now = clock::now();
  if (now >= good_until_) {
    limit_ = descriptor_limit();
    good_until_ = now + limit_lifetime;
  }
  return limit_;
}

known_limit& limit_known_to(const asio::any_io_executor& ex) {
  return asio::use_service<limit_service>(
             asio::query(ex, asio::execution::context))
      .limit;
}

raised_limit raise_descriptor_limit() {
  raised_limit out;
  out.before = descriptor_limit();
  rlimit x{};
  if (::getrlimit(RLIMIT_NOFILE, &x) == 0 && x.rlim_cur < x.rlim_max) {
    x.rlim_cur = std::max(x.rlim_cur, std::min(x.rlim_max, most));
    ::setrlimit(RLIMIT_NOFILE, &x);
  }
  out.now = descriptor_limit();
  return out;
}

} // namespace peapod::net

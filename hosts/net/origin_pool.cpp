#include "hosts/net/origin_pool.hpp"

#include "hosts/net/boot_clock.hpp"
#include "hosts/net/descriptors.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod::net {

namespace {

/// How long any origin waits for another request.
constexpr duration short_wait = std::chrono::milliseconds(1500);

/// Whoever says how long it waits begins to count before we do, and a request
/// takes its time to get there.
constexpr duration margin = std::chrono::seconds(1);

duration sure_time(const std::optional<duration>& promised) {
  return promised ? std::max(*promised - margin, duration::zero()) : short_wait;
}

} // namespace

origin_pool::origin_pool(asio::any_io_executor ex, limits bounds,
                         std::shared_ptr<const network_epoch> epoch)
  : descriptors_(limit_known_to(ex)),
    timer_(std::move(ex)),
    limits_(bounds),
    epoch_(std::move(epoch)) {}

std::shared_ptr<transport> origin_pool::take(const origin_key& key,
                                             certainty need) {
  auto i = idle_.find(key);
  if (i == idle_.end())
    return nullptr;
  std::shared_ptr<transport> out;
  auto& entries = i->second;
  while (!out && !entries.empty()) {
    if (need == certainty::high && entries.back().sure_until < boot_time())
      return nullptr; // good enough for others
    auto last = std::move(entries.back());
    entries.pop_back();
    --size_;
    if (is_good(last) && !last.connection->is_stale())
      out = std::move(last.connection);
    else
      last.connection->close();
  }
  if (entries.empty())
    idle_.erase(i);
  return out;
}

void origin_pool::put(const origin_key& key, std::shared_ptr<transport> idle,
                      std::optional<duration> promised) {
  auto& entries = idle_[key];
  auto handle = idle->socket().native_handle();
  if (closed_ || is_scarce(handle, descriptor_use::client, descriptors_.get())
      || size_ >= limits_.total || entries.size() >= limits_.per_origin) {
    idle->close();
    if (entries.empty())
      idle_.erase(key);
    return;
  }
  auto now = boot_time();
  auto lifetime =
      std::min(limits_.lifetime, promised.value_or(duration::max()));
  entries.push_back({std::move(idle), now + lifetime, now + sure_time(promised),
                     epoch_now()});
  ++size_;
  sweep_later();
}

void origin_pool::close() {
  closed_ = true;
  timer_.cancel();
  for (auto& [key, entries] : idle_)
    for (auto& x : entries)
      x.connection->close();
  idle_.clear();
  size_ = 0;
}

/// A connection of another network, or of before a sleep, may be dead without
/// saying so.
bool origin_pool::is_good(const entry& x) const {
  return x.good_until >= boot_time() && x.epoch == epoch_now();
}

uint64_t origin_pool::epoch_now() const {
  return epoch_ ? epoch_->number() : 0;
}

void origin_pool::sweep_later() {
  if (sweeping_)
    return;
  sweeping_ = true;
  timer_.expires_after(limits_.lifetime);
  timer_.async_wait([weak = weak_from_this()](auto) {
    if (auto self = weak.lock())
      self->sweep();
  });
}

void origin_pool::sweep() {
  sweeping_ = false;
  for (auto i = idle_.begin(); i != idle_.end();) {
    auto& entries = i->second;
    while (!entries.empty() && !is_good(entries.front())) {
      entries.front().connection->close();
      entries.pop_front();
      --size_;
    }
    i = entries.empty() ? idle_.erase(i) : std::next(i);
  }
  if (size_ > 0)
    sweep_later();
}

} // namespace peapod::net

#include "core/origin_limits.hpp"

#include <algorithm>
#include <chrono>

namespace peapod {

namespace {

using namespace std::chrono_literals;

/// How long a refusal is remembered, doubled with each one in a row.
constexpr duration refusal_time = 1min;
constexpr duration longest_refusal = 10min;

/// The rest when the origin does not say how long; doubled with each complaint
/// in a row.
constexpr duration first_rest = 1s;

/// An origin that wants more is asked again nevertheless: somebody waits.
constexpr duration longest_rest = 30s;

/// How long a cap holds before one more request is tried, doubled with each
/// complaint in a row.
constexpr duration cap_time = 20s;
constexpr duration longest_cap_time = 10min;

/// Requests that are turned away together are one complaint.
constexpr duration burst_time = 500ms;

/// Nobody has so many at a time: the origin has no limit any more.
constexpr size_t no_cap = 8;

/// Origins and sources that are remembered at a time.
constexpr size_t max_entries = 4096;

duration doubled(duration first, unsigned times, duration most) {
  return std::min(first * (1 << std::min(times, 10u)), most);
}

bool is_over(const origin_limits::entry& x, instant now) {
  return x.rest_until <= now && x.refused_until <= now
         && (!x.cap || x.raise_at <= now);
}

} // namespace

void origin_limits::turned_away(const key& at, size_t others,
                                std::optional<duration> retry_after,
                                instant now) {
  make_room(at, now);
  auto& x = entries_[at];
  if (x.complaints == 0 || now - x.complained > burst_time)
    ++x.complaints;
  x.complained = now;
  x.cap = std::min(x.cap.value_or(no_cap), std::max<size_t>(others, 1));
  x.raise_at = now + doubled(cap_time, x.complaints - 1, longest_cap_time);
  // Nobody is asked again at once, whatever he says, nor sooner than he has
  // said before.
  std::optional<duration> rest;
  if (retry_after)
    rest = std::clamp(*retry_after, first_rest, longest_rest);
  else if (others == 0)
    rest = doubled(first_rest, x.complaints - 1, longest_rest);
  if (rest)
    x.rest_until = std::max(x.rest_until, now + *rest);
}

void origin_limits::refused(const key& at, instant now) {
  make_room(at, now);
  auto& x = entries_[at];
  // What began before the last refusal says nothing new.
  if (x.refused_until > now)
    return;
  x.refused_at = now;
  x.refused_until = now + doubled(refusal_time, x.refusals++, longest_refusal);
}

void origin_limits::answered(const key& at, instant now) {
  auto i = entries_.find(at);
  if (i == entries_.end())
    return;
  auto& x = i->second;
  x.refusals = 0;
  if (!x.cap || now < x.raise_at)
    return;
  // It has gone well for long: perhaps it takes more now.
  x.cap = *x.cap + 1;
  x.raise_at = now + doubled(cap_time, x.complaints - 1, longest_cap_time);
  if (*x.cap >= no_cap)
    entries_.erase(i);
}

bool origin_limits::allows(const key& at, size_t active, instant now) const {
  auto i = entries_.find(at);
  if (i == entries_.end())
    return true;
  auto& x = i->second;
  if (!x.cap)
    return x.rest_until <= now;
  // What is under way may be what never tells how it went, so that after a
  // while one more is tried in any case.
  auto cap = *x.cap + (x.raise_at <= now ? 1 : 0);
  return x.rest_until <= now && active < cap;
}

bool origin_limits::leaves_out(const key& at, instant opened,
                               instant now) const {
  auto i = entries_.find(at);
  return i != entries_.end() && i->second.refused_until > now
         && opened >= i->second.refused_at;
}

std::optional<size_t> origin_limits::cap(const key& at) const {
  auto i = entries_.find(at);
  return i == entries_.end() ? std::nullopt : i->second.cap;
}

std::optional<instant> origin_limits::deadline() const {
  std::optional<instant> out;
  for (auto& [at, x] : entries_)
    if (x.rest_until != instant{})
      out = std::min(out.value_or(x.rest_until), x.rest_until);
  return out;
}

void origin_limits::expire(instant now) {
  for (auto& [at, x] : entries_) {
    if (x.rest_until <= now)
      x.rest_until = instant{};
    if (x.refused_until <= now)
      x.refused_until = instant{};
  }
}

/// Forgets what is over when there is too much, and the oldest if that is not
/// enough.
void origin_limits::make_room(const key& at, instant now) {
  if (entries_.size() < max_entries || entries_.contains(at))
    return;
  std::erase_if(entries_, [now](auto& kv) { return is_over(kv.second, now); });
  if (entries_.size() < max_entries)
    return;
  entries_.erase(std::ranges::min_element(entries_, {}, [](auto& kv) {
    return std::max(kv.second.complained, kv.second.refused_at);
  }));
}

} // namespace peapod

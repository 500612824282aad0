#include "actors/roster_network.hpp"

#include "actors/peer_session.hpp"
#include "core/secure_session.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace peapod {

namespace {

using self_pointer = roster_state::self_pointer;

void wait_for_change(self_pointer self) {
  if (auto& watch = self->state.watch)
    watch->wait(send_back(self, [](result<network_change> outcome) {
      return network_changed{std::move(outcome)};
    }));
}

/// Loopback addresses are there without being listed.
bool is_loopback(const ip_address& x) {
  static const auto v4 = *parse_network("127.0.0.0/8");
  static const auto v6 = *parse_network("::1/128");
  return v4.contains(x) || v6.contains(x);
}

/// A session that is younger may have been made since this device woke: that
/// is noticed within a second.
constexpr duration made_since_waking = std::chrono::seconds(2);

/// Why a session of this age cannot go on after a change; nothing if it can.
std::optional<std::string> obstacle(const roster_state::session_entry& x,
                                    duration age, const network_change& now) {
  // The others have given up on who was silent for so long.
  if (now.away >= secure_session_config{}.silence_timeout
      && age >= made_since_waking)
    return "this device was asleep";
  auto ip = parse_ip(x.local);
  if (!ip || is_loopback(*ip) || std::ranges::count(now.addresses, x.local) > 0)
    return std::nullopt;
  return "this device has lost its address " + x.local;
}

/// Addresses may change as often as routers like; everybody is looked for anew
/// less often. `roster_config::hurry` makes up for it meanwhile.
constexpr duration between_reconnects = std::chrono::seconds(10);

std::string seconds_text(duration x) {
  using std::chrono::seconds;
  return std::to_string(std::chrono::round<seconds>(x).count()) + " s";
}

} // namespace

void watch_network(self_pointer self) {
  auto& st = self->state;
  if (st.env->ports.watch_network)
    st.watch = st.env->ports.watch_network();
  wait_for_change(self);
}

void on_network_changed(self_pointer self, const network_changed& msg) {
  auto& st = self->state;
  if (!msg.outcome) {
    st.watch.reset(); // sessions also end by their silence
    return;
  }
  auto& change = *msg.outcome;
  auto slept = change.away > duration::zero();
  if (slept)
    st.env->log(log_level::info,
                "running again after " + seconds_text(change.away));
  for (auto& [connection, x] : st.sessions)
    if (auto why = obstacle(x, now_of(self) - x.since, change))
      tell(x.handle, drop_session{*why, wire2::goodbye_reason::unspecified});
  st.env->line_watcher.tell(look_at_lines{});
  if (slept)
    st.reconnected.reset();
  if (change.gained || slept) {
    st.must_reconnect = true;
    reconnect_late(self);
    st.env->discovery.tell(announce_anew{});
  }
  wait_for_change(self);
}

void reconnect_late(self_pointer self) {
  auto& st = self->state;
  auto now = now_of(self);
  auto is_soon = st.reconnected && now - *st.reconnected < between_reconnects;
  if (!st.must_reconnect || is_soon)
    return;
  st.must_reconnect = false;
  st.reconnected = now;
  st.core->reconnect(now);
}

} // namespace peapod

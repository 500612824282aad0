#include "actors/peer_session_tunnels.hpp"

#include "actors/exit_tunnel.hpp"
#include "actors/peer_session_serving.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

using self_pointer = peer_session_state::self_pointer;
using relay = peer_session_state::relay;

/// The number on the link of one of this process's tunnels.
std::optional<tunnel_number> number_of(const peer_session_state& st,
                                       uint64_t tunnel) {
  auto i = st.relay_numbers.find(tunnel);
  if (i == st.relay_numbers.end())
    return std::nullopt;
  return i->second;
}

void remember(peer_session_state& st, tunnel_number id, relay x) {
  st.relay_numbers[x.tunnel] = id;
  st.relays.insert_or_assign(id, std::move(x));
}

void forget(peer_session_state& st, tunnel_number id) {
  auto node = st.relays.extract(id);
  if (!node.empty())
    st.relay_numbers.erase(node.mapped().tunnel);
}

/// One direction has ended, or both.
void note_end(peer_session_state& st, tunnel_number id, bool by_peer,
              wire2::tunnel_end how) {
  auto i = st.relays.find(id);
  if (i == st.relays.end())
    return;
  (by_peer ? i->second.peer_ended : i->second.we_ended) = true;
  if (how != wire2::tunnel_end::finished
      || (i->second.peer_ended && i->second.we_ended))
    forget(st, id);
}

void refuse(self_pointer self, tunnel_number id, std::string why) {
  auto& st = self->state;
  st.env->log(log_level::debug, "no tunnel: " + why + label(st));
  st.link->end_tunnel(id, wire2::tunnel_end::policy_refused, std::move(why));
}

} // namespace

void tell_exits(self_pointer self) {
  auto& st = self->state;
  if (st.ready && st.tunnels)
    st.env->exits.tell(exit_stands{
        *st.peer, st.offers.on, caf::actor_cast<caf::strong_actor_ptr>(self)});
}

// -- what our ends say --------------------------------------------------------

void ask_for_tunnel(self_pointer self, open_relay& msg) {
  auto& st = self->state;
  auto asked = st.link && !st.ended
                   ? st.link->open_tunnel(msg.target)
                   : result<tunnel_number>{make_error(errc::connection_closed,
                                                      "the session has ended")};
  if (asked)
    remember(st, *asked, {msg.tunnel, msg.end, true});
  else
    tell(msg.end, relay_closed{msg.tunnel, wire2::tunnel_end::unreachable,
                               asked.error().detail});
}

void pass_on(self_pointer self, const relay_opened& msg) {
  auto& st = self->state;
  auto id = number_of(st, msg.tunnel);
  if (!id) {
    // The peer does not want it any more.
    tell(msg.end, relay_closed{msg.tunnel, wire2::tunnel_end::reset, {}});
    return;
  }
  st.relays.at(*id).end = msg.end;
  st.link->accept_tunnel(*id);
}

void pass_on(self_pointer self, const relay_bytes& msg) {
  auto& st = self->state;
  auto id = number_of(st, msg.tunnel);
  if (!id)
    return;
  st.bytes_to += msg.bytes.size();
  st.link->send_through_tunnel(*id, msg.bytes);
}

void pass_on(self_pointer self, const relay_credit& msg) {
  if (auto id = number_of(self->state, msg.tunnel))
    self->state.link->take_from_tunnel(*id, msg.bytes);
}

void pass_on(self_pointer self, const relay_closed& msg) {
  auto& st = self->state;
  auto id = number_of(st, msg.tunnel);
  if (!id)
    return;
  st.link->end_tunnel(*id, msg.how, msg.detail);
  note_end(st, *id, false, msg.how);
}

// -- what the peer says -------------------------------------------------------

void take_tunnel_request(self_pointer self, const tunnel_asked& x) {
  auto& st = self->state;
  auto& config = st.env->config;
  // As it would stand in a request of our own clients.
  auto target = parse_host_port(to_string(x.target));
  if (!target)
    return refuse(self, x.id, "no host that can be connected to");
  auto open = static_cast<size_t>(std::ranges::count_if(
      st.relays, [](auto& kv) { return !kv.second.ours; }));
  if (!config.share || config.share_tunnels == 0)
    return refuse(self, x.id, "this device opens no tunnels");
  if (open >= config.share_tunnels)
    return refuse(self, x.id, "as many tunnels as it opens for one peer");
  url place;
  place.scheme = "https";
  place.host = target->host;
  place.port = target->port;
  place.target = "/";
  // What comes of it is counted by its end.
  if (auto share = st.env->sharing->ask(*st.peer, place, 0); !share.pass)
    return refuse(self, x.id, share.text());
  auto tunnel = st.env->next_tunnel++;
  remember(st, x.id, {tunnel, nullptr, false});
  exit_tunnel_start start;
  start.tunnel = tunnel;
  start.peer = *st.peer;
  start.target = std::move(*target);
  start.session = caf::actor_cast<caf::strong_actor_ptr>(self);
  if (start_exit_tunnel(st.env, std::move(start)))
    return;
  forget(st, x.id);
  refuse(self, x.id, "this device opens no tunnels now");
}

namespace {

/// Tells the end of a tunnel, if there is one.
template <class T>
void tell_end(self_pointer self, tunnel_number id, T msg) {
  auto& relays = self->state.relays;
  auto i = relays.find(id);
  if (i == relays.end())
    return;
  msg.tunnel = i->second.tunnel;
  tell(i->second.end, std::move(msg));
}

} // namespace

void take(self_pointer self, const tunnel_stands& x) {
  tell_end(self, x.id, relay_opened{});
}

void take(self_pointer self, tunnel_brought& x) {
  self->state.bytes_from += x.bytes.size();
  tell_end(self, x.id, relay_bytes{0, std::move(x.bytes)});
}

void take(self_pointer self, const tunnel_credited& x) {
  tell_end(self, x.id, relay_credit{0, x.bytes});
}

void take(self_pointer self, tunnel_closed& x) {
  tell_end(self, x.id, relay_closed{0, x.how, std::move(x.detail)});
  note_end(self->state, x.id, true, x.how);
}

void end_tunnels(peer_session_state& st) {
  st.relay_numbers.clear();
  for (auto& [id, x] : std::exchange(st.relays, {}))
    tell(x.end, relay_closed{x.tunnel, wire2::tunnel_end::reset,
                             "the session has ended", true});
}

} // namespace peapod

#include "core/tunnel_table.hpp"

namespace peapod {

namespace {

/// More credit than anybody can mean.
constexpr uint64_t max_credit = uint64_t{1} << 32;

} // namespace

bool tunnel_table::add(tunnel_number id, bool ours) {
  tunnel x;
  x.ours = ours;
  return tunnels_.emplace(id, x).second;
}

bool tunnel_table::accept(tunnel_number id) {
  auto i = tunnels_.find(id);
  if (i == tunnels_.end() || i->second.ours || i->second.opened)
    return false;
  i->second.opened = true;
  return true;
}

auto tunnel_table::opened(tunnel_number id) -> verdict {
  auto i = tunnels_.find(id);
  if (i == tunnels_.end())
    return verdict::late;
  if (!i->second.ours || i->second.opened)
    return verdict::wrong;
  i->second.opened = true;
  return verdict::good;
}

auto tunnel_table::data(tunnel_number id, uint64_t bytes) -> verdict {
  auto i = tunnels_.find(id);
  if (i == tunnels_.end())
    return verdict::late;
  auto& x = i->second;
  if (!x.opened || x.peer_ended || bytes > x.may_come)
    return verdict::wrong;
  x.may_come -= bytes;
  return verdict::good;
}

auto tunnel_table::credit(tunnel_number id, uint64_t bytes) -> verdict {
  auto i = tunnels_.find(id);
  if (i == tunnels_.end())
    return verdict::late;
  auto& x = i->second;
  if (!x.opened || bytes > max_credit - x.may_send)
    return verdict::wrong;
  x.may_send += bytes;
  return verdict::good;
}

auto tunnel_table::closed(tunnel_number id, wire2::tunnel_end how) -> verdict {
  auto i = tunnels_.find(id);
  if (i == tunnels_.end())
    return verdict::late;
  if (how != wire2::tunnel_end::finished) {
    tunnels_.erase(i);
    return verdict::good;
  }
  auto& x = i->second;
  if (!x.opened || x.peer_ended)
    return verdict::wrong;
  x.peer_ended = true;
  forget_if_over(i);
  return verdict::good;
}

bool tunnel_table::send(tunnel_number id, uint64_t bytes) {
  auto i = tunnels_.find(id);
  if (i == tunnels_.end())
    return false;
  auto& x = i->second;
  if (!x.opened || x.we_ended || bytes > x.may_send)
    return false;
  x.may_send -= bytes;
  return true;
}

bool tunnel_table::grant(tunnel_number id, uint64_t bytes) {
  auto i = tunnels_.find(id);
  if (i == tunnels_.end() || bytes == 0 || i->second.peer_ended)
    return false;
  i->second.may_come += bytes;
  return true;
}

bool tunnel_table::close(tunnel_number id, wire2::tunnel_end how) {
  auto i = tunnels_.find(id);
  if (i == tunnels_.end())
    return false;
  if (how != wire2::tunnel_end::finished) {
    tunnels_.erase(i);
    return true;
  }
  auto& x = i->second;
  if (!x.opened || x.we_ended)
    return false;
  x.we_ended = true;
  forget_if_over(i);
  return true;
}

void tunnel_table::forget_if_over(iterator i) {
  if (i->second.we_ended && i->second.peer_ended)
    tunnels_.erase(i);
}

} // namespace peapod

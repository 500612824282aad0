#include "actors/roster_lines.hpp"

#include "actors/sharing.hpp"
#include "core/egress_tags.hpp"

#include <algorithm>

namespace peapod {

namespace {

using self_pointer = roster_state::self_pointer;

/// Who was found to share a bottleneck with `id`.
std::optional<device_id> partner_of(const roster_state& st,
                                    const device_id& id) {
  auto i = st.same_line.find(id);
  return i == st.same_line.end() ? std::nullopt : std::optional{i->second};
}

/// What the line is called beside others.
std::string name_of(const wan_line& x, bool several) {
  return several ? x.port.name : "this device";
}

std::vector<egress_line> own_lines_of(self_pointer self) {
  auto& st = self->state;
  auto& env = *st.env;
  auto several = env.lines.several();
  std::vector<egress_line> out;
  for (auto& x : env.lines.all()) {
    egress_line line;
    line.id = env.id_of(x);
    line.name = name_of(x, several);
    line.facts = x.facts.get();
    line.up = x.up;
    line.rests = x.rests_until.load() > now_of(self);
    // The system tells of the connection that it prefers, not of each.
    line.metered =
        !several && env.sharing->state().conditions.metered.value_or(false);
    line.slows = partner_of(st, line.id);
    out.push_back(std::move(line));
  }
  return out;
}

/// The sessions that ranges may come over, by device.
std::vector<egress_peer> peers_of(self_pointer self) {
  auto& st = self->state;
  auto facts = st.env->lines.facts();
  std::vector<egress_peer> out;
  for (auto& [connection, x] : st.sessions) {
    if (!x.current || !x.ready)
      continue;
    egress_peer peer;
    peer.id = x.id;
    peer.name = x.name;
    peer.pauses = !x.shares;
    peer.metered = x.metered;
    peer.theirs = x.lines;
    egress_hasher hasher{st.env->self->key(), x.key};
    for (auto& line : facts)
      peer.ours.push_back(hasher.tags_of(line));
    peer.slows = partner_of(st, x.id);
    out.push_back(std::move(peer));
  }
  return out;
}

} // namespace

void describe_lines(self_pointer self, peer_list& to) {
  auto& lines = self->state.env->lines.all();
  auto own = own_lines_of(self);
  auto peers = peers_of(self);
  auto labels = make_egress_map(own, peers);
  for (auto& peer : to.peers)
    if (std::ranges::find(peers, peer.id, &egress_peer::id) != peers.end())
      peer.line = labels.at(peer.id);
  for (size_t i = 0; i < lines.size(); ++i) {
    auto& x = own[i];
    line_status out;
    out.id = x.id;
    out.name = lines[i].port.name;
    out.up = x.up;
    out.facts = x.facts;
    out.line = labels.at(x.id);
    out.own_bytes = lines[i].own_bytes;
    out.peer_bytes = lines[i].peer_bytes;
    to.lines.push_back(std::move(out));
  }
}

} // namespace peapod

#include "hosts/common/status_json.hpp"

#include "hosts/common/json_text.hpp"

#include <cmath>
#include <utility>

namespace peapod {

namespace {

namespace json = boost::json;
using label_map = std::map<device_id, std::string>;

/// A device may call itself what it likes, also like another or its id.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "self" && !name.starts_with("self:")
         && from_hex(name).size() != device_id::size;
}

std::string label_of(const device_id& id, const label_map& labels) {
  auto found = labels.find(id);
  return found == labels.end() ? to_string(id) : found->second;
}

json::object quota_json(uint64_t used, uint64_t limit) {
  return {{"used", used},
          {"limit", limit > 0 ? json::value(limit) : json::value()}};
}

const char* state_of(const sharing_state& x) {
  return !x.paused                            ? "on"
         : *x.paused == sharing_obstacle::off ? "off"
                                              : "paused";
}

json::object share_json(const proxy_counters& counters,
                        const sharing_state& x) {
  json::value held_to;
  if (auto rate = counters.held_to.load(); rate > 0)
    held_to = rate;
  json::value why;
  if (x.paused)
    why = std::string{to_string(*x.paused)};
  return {
      {"served_bytes", counters.served_bytes.load()},
      {"held_to", std::move(held_to)},
      {"state", state_of(x)},
      {"why", std::move(why)},
      {"today", quota_json(x.used.day_bytes, x.limits.per_day)},
      {"month", quota_json(x.used.month_bytes, x.limits.per_month)},
      {"metered", or_null(x.conditions.metered)},
      {"on_battery", or_null(x.conditions.on_battery)},
      {"battery", or_null(x.conditions.battery)},
  };
}

json::array map_json(const std::vector<part_map::run>& runs,
                     const label_map& labels) {
  json::array out;
  for (auto& x : runs) {
    json::value source;
    if (x.source)
      source = label_of(*x.source, labels);
    out.push_back({{"source", std::move(source)}, {"cells", x.cells}});
  }
  return out;
}

json::object transfer_json(const transfer_status& x, const label_map& labels) {
  json::object bytes;
  for (auto& [source, count] : x.ledger.bytes_by_source)
    bytes[label_of(source, labels)] = count;
  return {
      {"id", to_string(x.id)},
      {"url", clean_utf8(x.url)},
      {"state", clean_utf8(x.state)},
      {"total", x.total},
      {"delivered", x.delivered},
      {"bytes", std::move(bytes)},
      {"wasted", x.ledger.wasted},
      {"hedged", x.ledger.hedged},
      {"rechecked", x.ledger.rechecked},
      {"map", map_json(x.map, labels)},
      {"verified_by", to_string(x.verified_by)},
      {"samples", x.ledger.samples},
      {"lies", x.ledger.lies},
      {"unchecked", x.ledger.unchecked},
  };
}

json::value clock_json(const std::optional<clock_check::judgement>& x) {
  if (!x)
    return nullptr;
  return json::object{{"behind", x->behind.count()}, {"hosts", x->hosts}};
}

/// Who is connected, this device included.
size_t pod_size(const pod_status& status) {
  size_t out = 1;
  for (auto& x : status.peers)
    out += x.state == "connected" || x.state == "set aside";
  return out;
}

} // namespace

label_map source_labels(const pod_status& status) {
  std::map<std::string, unsigned> uses;
  for (auto& peer : status.peers)
    ++uses[clean_utf8(peer.name)];
  label_map out;
  for (auto& peer : status.peers) {
    auto name = clean_utf8(peer.name);
    bool unique = is_plain_name(name) && uses[name] == 1;
    out[peer.id] = unique ? name : to_string(peer.id);
  }
  for (auto& line : status.lines)
    out[line.id] = "self:" + clean_utf8(line.name);
  out[status.id] = "self";
  return out;
}

json::object to_json(const daemon_info& x) {
  return {
      {"id", x.id},
      {"name", clean_utf8(x.name)},
      {"version", x.version},
      {"pid", x.pid},
      {"uptime", json_seconds(x.uptime)},
      {"fault_injection", x.fault_injection},
      {"confined", x.confined},
  };
}

json::object to_json(const peer_status& x) {
  json::object out{
      {"id", to_string(x.id)},
      {"name", clean_utf8(x.name)},
      {"address", clean_utf8(x.address)},
      {"state", x.state},
      {"protocol", x.protocol},
      {"pauses", x.pauses},
      {"rate_down", std::round(json_number(x.rate_down))},
      {"rate_up", std::round(json_number(x.rate_up))},
      {"bytes_from", x.bytes_from},
      {"bytes_to", x.bytes_to},
      {"trust", x.trust},
      {"secure", x.secure},
      {"tunnels", x.tunnels},
  };
  json::array code;
  for (auto& word : x.code)
    code.emplace_back(clean_utf8(word));
  out.emplace("code", std::move(code));
  out.emplace("why", clean_utf8(x.why));
  if (x.same_line)
    out.emplace("same_line", to_string(*x.same_line));
  if (x.line)
    out.emplace("line", to_json(*x.line));
  return out;
}

json::object to_json(const egress_label& x) {
  json::object out{{"label", std::string{to_string(x.kind)}},
                   {"evidence", clean_utf8(x.evidence)}};
  if (x.as) {
    out.emplace("as", to_string(*x.as));
    out.emplace("as_name", clean_utf8(x.as_name));
  }
  return out;
}

json::object to_json(const line_status& x) {
  json::array addresses;
  for (auto& address : {x.facts.public_v4, x.facts.public_v6})
    if (!address.empty())
      addresses.emplace_back(address);
  return {
      {"id", to_string(x.id)},
      {"name", clean_utf8(x.name)},
      {"up", x.up},
      {"interface", clean_utf8(x.facts.interface)},
      {"gateway", x.facts.gateway},
      {"public_addresses", std::move(addresses)},
      {"bytes_own", x.own_bytes},
      {"bytes_peers", x.peer_bytes},
      {"line", to_json(x.line)},
  };
}

json::array lines_json(const pod_status& status) {
  json::array out;
  for (auto& x : status.lines)
    out.push_back(to_json(x));
  return out;
}

json::array peers_json(const pod_status& status) {
  json::array out;
  for (auto& x : status.peers)
    out.push_back(to_json(x));
  return out;
}

json::array transfers_json(const pod_status& status) {
  auto labels = source_labels(status);
  json::array out;
  for (auto& x : status.transfers)
    out.push_back(transfer_json(x, labels));
  return out;
}

json::object status_json(const daemon_info& daemon, const pod_status& status,
                         const proxy_counters& counters,
                         const sharing_state& sharing) {
  return {
      {"daemon", to_json(daemon)},
      {"device",
       {{"id", to_string(status.id)}, {"name", clean_utf8(status.name)}}},
      {"pod_size", pod_size(status)},
      {"peers", peers_json(status)},
      {"crowded", status.crowded},
      {"lines", lines_json(status)},
      {"transfers", transfers_json(status)},
      {"proxy",
       {
           {"requests", counters.requests.load()},
           {"tunnels", counters.tunnels.load()},
           {"pooled", counters.pooled.load()},
           {"passed_through", counters.passed_through.load()},
           {"active", counters.active.load()},
           {"open_tunnels", counters.open_tunnels.load()},
           {"relayed_tunnels", counters.relayed.load()},
           {"relayed_bytes", counters.relayed_bytes.load()},
           {"bounced_tunnels", counters.bounced.load()},
           {"exit_tunnels", counters.exit_tunnels.load()},
           {"turned_away", counters.turned_away.load()},
           {"listen", daemon.proxy},
       }},
      {"share", share_json(counters, sharing)},
      {"clock", clock_json(daemon.clock)},
  };
}

json::object error_json(std::string_view text) {
  return {{"error", clean_utf8(text)}};
}

} // namespace peapod

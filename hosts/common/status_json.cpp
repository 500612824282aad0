#include "hosts/common/status_json.hpp"

#include <boost/json.hpp>

#include <cmath>
#include <map>

namespace peapod {

namespace {

namespace json = boost::json;

/// How each source is called: `self`, its name where only one device has it,
/// else its id.
std::map<device_id, std::string> labels(const pod_status& status) {
  std::map<std::string, unsigned> uses;
  for (auto& peer : status.peers)
    ++uses[peer.name];
  std::map<device_id, std::string> out;
  for (auto& peer : status.peers) {
    bool unique =
        !peer.name.empty() && peer.name != "self" && uses[peer.name] == 1;
    out[peer.id] = unique ? peer.name : to_string(peer.id);
  }
  out[status.id] = "self";
  return out;
}

json::object peer_json(const peer_status& x) {
  return {
      {"id", to_string(x.id)},
      {"name", x.name},
      {"address", x.address},
      {"state", x.state},
      {"protocol", x.protocol},
      {"rate_down", std::round(x.rate_down)},
      {"rate_up", std::round(x.rate_up)},
      {"bytes_from", x.bytes_from},
      {"bytes_to", x.bytes_to},
  };
}

json::object transfer_json(const transfer_status& x,
                           const std::map<device_id, std::string>& names) {
  json::object bytes;
  for (auto& [source, count] : x.ledger.bytes_by_source) {
    auto name = names.find(source);
    bytes[name == names.end() ? to_string(source) : name->second] = count;
  }
  return {
      {"id", to_string(x.id)},
      {"url", x.url},
      {"state", x.state},
      {"total", x.total},
      {"delivered", x.delivered},
      {"bytes", std::move(bytes)},
      {"wasted", x.ledger.wasted},
      {"hedged", x.ledger.hedged},
      {"rechecked", x.ledger.rechecked},
  };
}

} // namespace

std::string to_json(const pod_status& status, const proxy_counters& counters) {
  auto names = labels(status);
  json::array peers;
  size_t pod_size = 1;
  for (auto& x : status.peers) {
    peers.push_back(peer_json(x));
    pod_size += x.state == "connected" || x.state == "set aside";
  }
  json::array transfers;
  for (auto& x : status.transfers)
    transfers.push_back(transfer_json(x, names));
  json::object out{
      {"device", {{"id", to_string(status.id)}, {"name", status.name}}},
      {"pod_size", pod_size},
      {"peers", std::move(peers)},
      {"transfers", std::move(transfers)},
      {"proxy",
       {
           {"requests", counters.requests.load()},
           {"tunnels", counters.tunnels.load()},
           {"pooled", counters.pooled.load()},
           {"passed_through", counters.passed_through.load()},
           {"active", counters.active.load()},
       }},
      {"share", {{"served_bytes", counters.served_bytes.load()}}},
  };
  return json::serialize(out) + "\n";
}

std::string error_json(const std::string& text) {
  return json::serialize(json::object{{"error", text}}) + "\n";
}

} // namespace peapod

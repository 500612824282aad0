#include "hosts/get/daemon_lines.hpp"

#include "core/http_message.hpp"
#include "hosts/common/json_members.hpp"

#include <optional>

namespace peapod {

namespace {

using namespace control;

/// The label of a line that is no other's, not metered, and not paused.
constexpr auto adding_line = "adds capacity";

std::optional<device_id> id_in(const boost::json::object& in) {
  auto bytes = from_hex(text_of(in, "id"));
  if (bytes.size() != device_id::size)
    return std::nullopt;
  return device_id::from(bytes);
}

/// A peer that nothing is said about does.
bool adds_capacity(const boost::json::object& peer) {
  auto label = text_of(object_of(peer, "line"), "label");
  return !flag_of(peer, "pauses") && (label.empty() || label == adding_line);
}

/// An address that stands for all of them is reached over this machine's own.
std::string reachable(std::string host) {
  if (host == "0.0.0.0")
    return "127.0.0.1";
  return host == "::" ? "::1" : host;
}

} // namespace

result<daemon_lines> parse_daemon_lines(std::string_view status) {
  auto parsed = parse_object(status);
  if (!parsed)
    return make_error(errc::bad_http, "the daemon's answer is not JSON");
  auto& device = object_of(*parsed, "device");
  auto id = id_in(device);
  auto proxy = parse_host_port(text_of(object_of(*parsed, "proxy"), "listen"));
  if (!id || !proxy)
    return make_error(errc::bad_http, "the daemon does not say what it is");
  daemon_lines out;
  out.proxy = {reachable(proxy->host), proxy->port};
  out.own = {*id, text_of(device, "name")};
  for (auto& x : array_of(*parsed, "peers")) {
    if (!x.is_object())
      continue;
    auto& peer = x.get_object();
    auto peer_id = id_in(peer);
    if (peer_id && *peer_id != *id && flag_of(peer, "tunnels")
        && text_of(peer, "state") == "connected")
      out.peers.push_back(
          {*peer_id, text_of(peer, "name"), adds_capacity(peer)});
  }
  return out;
}

} // namespace peapod

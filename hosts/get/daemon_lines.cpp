#include "hosts/get/daemon_lines.hpp"

#include "core/http_message.hpp"
#include "hosts/common/json_members.hpp"

#include <optional>

namespace peapod {

namespace {

using namespace control;

/// The label of a line that is no other's, not metered, and not paused.
constexpr auto adding_line = "adds capacity";

constexpr auto paused_line = "paused";

const std::string own_exit = "own";

std::optional<device_id> id_in(const boost::json::object& in) {
  auto bytes = from_hex(text_of(in, "id"));
  if (bytes.size() != device_id::size)
    return std::nullopt;
  return device_id::from(bytes);
}

std::string label_of(const boost::json::object& line_or_peer) {
  return text_of(object_of(line_or_peer, "line"), "label");
}

/// One that nothing is said about does.
bool adds_capacity(const boost::json::object& line_or_peer) {
  auto label = label_of(line_or_peer);
  return label.empty() || label == adding_line;
}

/// Whether a peer says that it brings nothing now, or is known to fail.
bool is_paused(const boost::json::object& line_or_peer) {
  return flag_of(line_or_peer, "pauses")
         || label_of(line_or_peer) == paused_line;
}

/// The lines of this device. One of several is asked for by its name: what
/// asks for any of them keeps one for each site.
void read_own_lines(const boost::json::object& status, daemon_lines& out) {
  auto& all = array_of(status, "lines");
  if (all.size() < 2)
    return;
  for (auto& x : all) {
    auto* line = x.if_object();
    auto id = line ? id_in(*line) : std::nullopt;
    if (!id || !flag_of(*line, "up") || is_paused(*line))
      continue;
    auto name = text_of(*line, "name");
    tunnel_exit found{*id, out.own.name, adds_capacity(*line),
                      own_exit + "/" + name, name};
    if (out.own.line.empty())
      out.own = {out.own.id, out.own.name, true, found.field, found.line};
    else if (found.adds)
      out.more_own.push_back(std::move(found));
  }
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
  out.own = {*id, text_of(device, "name"), true, own_exit, {}};
  read_own_lines(*parsed, out);
  for (auto& x : array_of(*parsed, "peers")) {
    if (!x.is_object())
      continue;
    auto& peer = x.get_object();
    auto peer_id = id_in(peer);
    if (peer_id && *peer_id != *id && flag_of(peer, "tunnels")
        && text_of(peer, "state") == "connected" && !is_paused(peer))
      out.peers.push_back({*peer_id,
                           text_of(peer, "name"),
                           adds_capacity(peer),
                           to_string(*peer_id),
                           {}});
  }
  return out;
}

} // namespace peapod

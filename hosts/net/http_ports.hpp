#pragma once

#include "actors/own_use.hpp"
#include "actors/ports.hpp"
#include "core/error.hpp"
#include "core/line_order.hpp"
#include "core/types.hpp"
#include "core/upstream.hpp"
#include "hosts/net/dns.hpp"
#include "hosts/net/network_epoch.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The HTTP ports of `actors/ports.hpp` over sockets. Everything that is made
/// here runs on the given executor, which must run on one thread.
namespace peapod::net {

class origin_dates;

/// Where outgoing connections leave this device from. With both members empty
/// the system decides.
struct source_bind {
  std::string address;   ///< a local IP address, or empty
  std::string interface; ///< an interface's name (Linux), or empty
};

/// What the user calls the line that leaves there.
inline const std::string& name_of(const source_bind& x) {
  return x.address.empty() ? x.interface : x.address;
}

/// Says whether a peer may use this device to reach an address. It is asked
/// with every address that a name resolves to; only allowed ones are dialled.
/// Errors: `policy_refused` with the reason.
using exit_policy =
    std::function<result<void>(const std::string& ip, uint16_t port)>;

/// How this device reaches the internet.
struct wan_config {
  /// The own lines. New connections take them in turn, or as `order` says where
  /// somebody keeps one for each site; and the others when one fails.
  std::vector<source_bind> binds;
  /// Shared by all who leave through them; null: each has its own.
  std::shared_ptr<line_order> order;
  /// What logins belong to: the registrable domain of a host; null: the host.
  std::function<std::string(const std::string& host)> site_of;
  /// Whether a line is there, by its name; null: all are.
  std::function<bool(const std::string& line)> is_up;
  /// The proxy that stands in between, if one does.
  upstream_route upstream;
  dns_limits dns;
  name_resolver resolver = resolve_by_system;
  /// Where our own proxy listens, to recognise ourselves.
  std::optional<endpoint> self;
  /// Counts what comes over it and is not for a peer; null: nobody looks.
  std::shared_ptr<own_use> own;
  /// Ends when this device's networks change: kept connections and answers of
  /// name servers go with it. Null: nobody watches.
  std::shared_ptr<network_epoch> epoch;
};

/// How a client reaches origins.
struct client_config {
  wan_config wan;
  /// Asked for exchanges with `for_peer`; without it all of them are refused.
  exit_policy allow_for_peer;
  /// Kept-alive connections to one origin: no more than its clients had in use
  /// at a time.
  size_t max_idle_per_origin = 64;
  /// Kept-alive connections in all.
  size_t max_idle = 256;
  /// How long a connection may wait for its next request.
  duration idle_lifetime = std::chrono::seconds(30);
  /// PEM file of further trusted certificate authorities, or empty.
  std::string ca_file;
  /// Takes what answers to own requests say that the time is; null: nobody.
  std::shared_ptr<origin_dates> dates;
};

/// A client over TCP and TLS 1.2 or newer. Certificates are checked against
/// the system's authorities (or `SSL_CERT_FILE`) and the host's name.
std::unique_ptr<http_client> make_http_client(boost::asio::any_io_executor ex,
                                              client_config config = {});

/// Connects to origins for peers' tunnels: under `allow_for_peer`, and as `wan`
/// says.
std::unique_ptr<tunnel_dialer>
make_tunnel_dialer(boost::asio::any_io_executor ex, wan_config wan,
                   exit_policy allow_for_peer);

/// How long tunnels and upgraded connections may last.
struct tunnel_limits {
  /// Without a byte in either direction.
  duration idle = std::chrono::minutes(10);
  /// From beginning to end.
  duration total = std::chrono::hours(24);
};

/// Listens for the proxy's clients; tunnels leave as `wan` says, whose `self`
/// is set here. Heads of more than `max_header` bytes (at most 64 KiB) are
/// answered with a 431. Errors: `address_in_use`, `permission_denied`,
/// `bad_config` (not an IP address), `io_failed`, each with a sentence that
/// names the address.
result<std::unique_ptr<http_acceptor>>
listen_http(boost::asio::any_io_executor ex, const endpoint& local,
            wan_config wan = {}, tunnel_limits limits = {},
            size_t max_header = 64_KiB);

} // namespace peapod::net

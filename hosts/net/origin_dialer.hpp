#pragma once

#include "actors/ports.hpp"
#include "core/http_message.hpp"
#include "hosts/net/dns.hpp"
#include "hosts/net/http_ports.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>
#include <vector>

namespace peapod::net {

/// A connected socket, or null.
using socket_ptr = std::shared_ptr<boost::asio::ip::tcp::socket>;

/// An attempt to connect.
class dial_job {
public:
  virtual ~dial_job() = default;

  /// Ends the attempt; its handler gets `cancelled`.
  virtual void cancel() = 0;

  /// What a deadline that passes now means: `dns_unanswered` or
  /// `connect_timed_out`, with a sentence.
  virtual error overdue() const = 0;

  /// Where the connection that was made leads.
  virtual boost::asio::ip::tcp::endpoint reached() const = 0;
};

/// What a connection is for.
enum class dial_purpose {
  own_request, ///< a request of ours: an upstream proxy is told in its head
  own_tunnel,  ///< bytes to the target itself
  peer,        ///< for a peer: under the exit policy, to the target itself
};

/// Whether a connection may lead to what listens at the loopback addresses of
/// this machine, which often trusts whoever reaches it.
enum class own_services { reached, refused };

/// What a client reaches that may be another machine.
inline own_services reach_of(bool from_elsewhere) {
  return from_elsewhere ? own_services::refused : own_services::reached;
}

/// Connects to hosts by name: asks for the addresses, drops those that the
/// exit policy forbids, and lets the others race (`happy_eyeballs`). Behind an
/// upstream proxy it connects to that instead, and opens a tunnel through it
/// where one is needed. For a peer the tunnel leads to an address that was
/// looked up and checked here, so that the proxy has nothing to look up.
class origin_dialer {
public:
  origin_dialer(boost::asio::any_io_executor ex, wan_config wan,
                exit_policy allow_for_peer = nullptr);
  origin_dialer(origin_dialer&&) noexcept = default;
  origin_dialer& operator=(origin_dialer&&) = delete;
  ~origin_dialer();

  /// Errors: `dns_failed`, `dns_unanswered`, `connection_refused`,
  /// `unreachable`, `policy_refused`, `loop_detected`, `upstream_refused`,
  /// `io_failed`, ... each naming the address. Has no deadline of its own.
  /// Where a line is kept for each site, the others are tried when it fails,
  /// or is silent for a while. Of a name that an upstream proxy looks up, `own`
  /// can only judge what it says itself.
  std::shared_ptr<dial_job> dial(const host_port& to, dial_purpose purpose,
                                 const line_wish& over,
                                 handler<socket_ptr> done,
                                 own_services own = own_services::reached);

  /// The line that such a connection is made over if nothing fails; empty when
  /// there is but one, or they are taken in turn.
  std::string line_for(const host_port& to, const line_wish& over) const;

  /// The proxy that requests to `to` are passed to as `own_request`; null:
  /// none, or one that takes only tunnels.
  const upstream_proxy* upstream_for(const host_port& to) const;

  /// What both need: how we reach the internet, and the names.
  struct shared;

private:
  std::shared_ptr<shared> shared_;
};

/// Makes a socket leave through one interface. Errors: `io_failed` or
/// `permission_denied` with the interface's name.
result<void> bind_to_interface(int descriptor, const std::string& name);

} // namespace peapod::net

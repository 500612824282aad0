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
};

/// Connects to hosts by name: asks for the addresses, drops those that the
/// exit policy forbids, and tries the others 250 ms apart until one answers
/// (RFC 8305).
class origin_dialer {
public:
  origin_dialer(boost::asio::any_io_executor ex, std::vector<source_bind> binds,
                exit_policy allow_for_peer = nullptr);
  ~origin_dialer();

  /// Errors: `dns_failed`, `connection_refused`, `policy_refused`,
  /// `io_failed`, ... each naming the address. Has no deadline of its own.
  std::shared_ptr<dial_job> dial(const host_port& to, bool for_peer,
                                 handler<socket_ptr> done);

private:
  boost::asio::any_io_executor ex_;
  std::vector<source_bind> binds_;
  exit_policy allow_for_peer_;
  dns_cache names_;
  dns_cache peer_names_; ///< apart, so that peers cannot delay our lookups
  size_t next_bind_ = 0;
};

/// Makes a socket leave through one interface. Errors: `io_failed` or
/// `permission_denied` with the interface's name.
result<void> bind_to_interface(int descriptor, const std::string& name);

} // namespace peapod::net

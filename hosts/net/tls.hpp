#pragma once

#include "hosts/net/http_transport.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>

namespace boost::asio::ssl {
class context;
}

namespace peapod::net {

/// Shared by the connections of one client.
using tls_context = std::shared_ptr<boost::asio::ssl::context>;

/// TLS 1.2 or newer that trusts the system's authorities (or those of
/// `SSL_CERT_FILE`) and those in `ca_file`, if it is not empty. Errors:
/// `bad_config` when `ca_file` cannot be read.
result<tls_context> make_tls_context(const std::string& ca_file);

/// A transport with TLS around `socket`, before its handshake.
class tls_transport : public transport {
public:
  /// Shakes hands and checks that the certificate is valid for `host`.
  /// Errors: `certificate_refused`, `tls_failed`, `connection_closed`,
  /// `cancelled`.
  virtual task<void> handshake() = 0;
};

/// `host`: a name or an IP address; the name is announced by SNI.
std::shared_ptr<tls_transport> make_tls_transport(asio::ip::tcp::socket socket,
                                                  tls_context context,
                                                  std::string host);

} // namespace peapod::net

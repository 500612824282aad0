#pragma once

#include "actors/ports.hpp"
#include "core/http_message.hpp"
#include "core/stun.hpp"
#include "core/types.hpp"
#include "hosts/net/dns.hpp"
#include "hosts/net/http_ports.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace peapod::net {

/// Asks a STUN server (RFC 8489) by which address it sees us.
class stun_client {
public:
  /// `server` is asked from `from`; `random` makes the questions' ids.
  stun_client(boost::asio::any_io_executor ex, host_port server,
              source_bind from, random_source random,
              name_resolver resolver = resolve_by_system);
  stun_client(stun_client&&) = delete;
  ~stun_client();

  /// Asks over one family. Errors: `dns_failed` when the server has no address
  /// of it, those of `stun_query` and of the operating system; `cancelled` when
  /// the client goes.
  void ask(address_family family, handler<stun_answer> done);

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace peapod::net

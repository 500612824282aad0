#pragma once

#include "core/http_message.hpp"
#include "core/upstream.hpp"
#include "hosts/net/http_await.hpp"

#include <boost/asio/ip/tcp.hpp>

namespace peapod::net {

/// Asks the upstream proxy at the other end of `socket` to open a tunnel
/// (`CONNECT`, RFC 9110, 9.3.6). Afterwards the socket is at the first byte of
/// the tunnel. Errors: `upstream_refused` with the proxy's status, `bad_http`,
/// `connection_closed`, `cancelled`; of another PeaPod, what it says that kept
/// it from connecting. Has no deadline of its own.
task<void> open_through(asio::ip::tcp::socket& socket, host_port target,
                        const upstream_proxy& upstream);

/// What it means that the upstream proxy answered with `status` to a request
/// that it should have passed on.
error upstream_refusal(const upstream_proxy& upstream, unsigned status);

/// `upstream proxy HOST:PORT`, for people.
std::string upstream_name(const upstream_proxy& upstream);

} // namespace peapod::net

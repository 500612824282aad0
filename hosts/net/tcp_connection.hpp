#pragma once

#include "actors/ports.hpp"
#include "hosts/net/http_transport.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <memory>

namespace peapod::net {

/// The byte stream of a connected socket; sets TCP_NODELAY and SO_KEEPALIVE.
std::shared_ptr<byte_stream> make_stream(boost::asio::ip::tcp::socket socket);

/// One end of a tunnel over `link`, which has to be plain; `early` was read
/// from it already. Closes `link` when it is let go of, unless others hold
/// that, too.
std::shared_ptr<tunnel_stream>
make_tunnel_stream(std::shared_ptr<transport> link, slice early = {});

} // namespace peapod::net

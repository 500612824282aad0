#pragma once

#include "actors/ports.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <memory>

namespace peapod::net {

/// The byte stream of a connected socket; sets TCP_NODELAY and SO_KEEPALIVE.
std::shared_ptr<byte_stream> make_stream(boost::asio::ip::tcp::socket socket);

} // namespace peapod::net

#pragma once

#include "actors/environment.hpp"
#include "hosts/net/http_ports.hpp"

#include <functional>
#include <memory>

namespace peapod {

/// Makes HTTP clients whose requests leave through one peer: each of their
/// connections is a tunnel that the proxy at `proxy`, our own, opens through
/// that peer, like those of other programs. `like`: how they are otherwise.
std::function<std::shared_ptr<http_client>(const device_id&)>
make_exit_clients(boost::asio::any_io_executor ex, const endpoint& proxy,
                  net::client_config like);

} // namespace peapod

#include "hosts/common/peer_listener.hpp"

#include "hosts/net/discovery_choice.hpp"
#include "hosts/net/interfaces.hpp"
#include "hosts/net/tcp_stream.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

namespace peapod {

namespace {

/// Whose connections are taken. Whoever lets everybody in means the devices
/// near by, and those that are named; else the handshake decides.
std::function<bool(const std::string&)> filter_of(const settings& x) {
  if (x.trust.mode != trust_mode::open)
    return nullptr;
  return [named = x.discovery.static_peers](const std::string& address) {
    auto all = net::list_interfaces();
    return (all && net::may_be_near(address, *all))
           || std::ranges::find(named, address, [](auto& y) {
                return y.at.address;
              }) != named.end();
  };
}

} // namespace

result<std::unique_ptr<stream_acceptor>>
listen_for_peers(boost::asio::any_io_executor executor, const settings& x,
                 const log_sink& log) {
  auto& wanted = x.transport.listen;
  auto port = net::listen_stream(executor, wanted, filter_of(x));
  if (port || port.error().code != errc::address_in_use || !x.discovery.enabled
      || net::is_listened_at(wanted))
    return port;
  auto other = net::listen_stream(executor, {wanted.address, 0}, filter_of(x));
  if (other && log)
    log(log_level::warn,
        "a connection of another program has port "
            + std::to_string(wanted.port)
            + ": until the next start, other devices connect to port "
            + std::to_string((**other).local().port)
            + ", which a firewall may keep closed and static-peers of theirs "
              "do "
              "not know");
  return other;
}

result<std::unique_ptr<stream_acceptor>>
listen_again(boost::asio::any_io_executor executor, const settings& x,
             const endpoint& at) {
  return net::listen_stream(executor, at, filter_of(x));
}

} // namespace peapod

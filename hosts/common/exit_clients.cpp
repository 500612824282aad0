#include "hosts/common/exit_clients.hpp"

#include <map>
#include <string>
#include <utility>

namespace peapod {

namespace {

/// Peers of which clients are kept; when there are more, all begin anew.
constexpr size_t max_clients = 64;

/// Connections that wait for a next request, to each peer.
constexpr size_t max_idle = 16;

/// Where a socket that listens at `address` can be reached from this machine.
std::string reachable(const std::string& address) {
  if (address == "0.0.0.0")
    return "127.0.0.1";
  return address == "::" ? "::1" : address;
}

net::client_config through(net::client_config x, const endpoint& proxy,
                           const device_id& peer) {
  upstream_proxy via;
  via.host = reachable(proxy.address);
  via.port = proxy.port;
  via.connect_fields.add("PeaPod-Exit", to_string(peer));
  via.tunnels_only = true;
  x.wan.upstream = {std::move(via), {}, true};
  // It is not the own line that carries them, and it is ourselves who are
  // asked.
  x.wan.binds.clear();
  x.wan.own = nullptr;
  x.wan.self.reset();
  x.dates = nullptr; // the peer could tell any time
  x.allow_for_peer = nullptr;
  x.max_idle = max_idle;
  return x;
}

} // namespace

std::function<std::shared_ptr<http_client>(const device_id&)>
make_exit_clients(boost::asio::any_io_executor ex, const endpoint& proxy,
                  net::client_config like) {
  using clients = std::map<device_id, std::shared_ptr<http_client>>;
  auto made = std::make_shared<clients>();
  return [=](const device_id& peer) {
    if (made->size() >= max_clients && !made->contains(peer))
      made->clear(); // exchanges that run go on
    auto& out = (*made)[peer];
    if (!out)
      out = net::make_http_client(ex, through(like, proxy, peer));
    return out;
  };
}

} // namespace peapod

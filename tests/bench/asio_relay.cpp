/// A TCP relay with nothing but Asio: what the daemon's tunnels are compared
/// with (relay.py). One thread and 64 KiB for each direction, as the daemon
/// has.
///
///     asio_relay PORT
///
/// relays from a port of its own, which it prints, to PORT on loopback.

#include <boost/asio.hpp>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr size_t buffer_size = 64 * 1024;

/// One connection on each side; lives as long as a direction runs.
struct connection {
  tcp::socket client;
  tcp::socket origin;
};

/// One direction; `keep` owns both sockets.
asio::awaitable<void> pump(std::shared_ptr<connection> keep, tcp::socket& from,
                           tcp::socket& to) {
  static_cast<void>(keep);
  std::vector<uint8_t> buffer(buffer_size);
  boost::system::error_code failed;
  auto as_code = asio::redirect_error(asio::use_awaitable, failed);
  while (true) {
    auto n = co_await from.async_read_some(asio::buffer(buffer), as_code);
    if (failed)
      break;
    co_await asio::async_write(to, asio::buffer(buffer, n), as_code);
    if (failed)
      break;
  }
  // The other side may have gone already; then there is no one to tell.
  to.shutdown(tcp::socket::shutdown_send, failed);
}

asio::awaitable<void> relay(tcp::socket client, tcp::endpoint target) {
  auto ex = client.get_executor();
  auto both = std::make_shared<connection>(
      connection{std::move(client), tcp::socket{ex}});
  co_await both->origin.async_connect(target, asio::use_awaitable);
  both->client.set_option(tcp::no_delay{true});
  both->origin.set_option(tcp::no_delay{true});
  asio::co_spawn(ex, pump(both, both->origin, both->client), asio::detached);
  asio::co_spawn(ex, pump(both, both->client, both->origin), asio::detached);
}

asio::awaitable<void> accept_all(tcp::acceptor& acceptor,
                                 tcp::endpoint target) {
  while (true) {
    auto client = co_await acceptor.async_accept(asio::use_awaitable);
    asio::co_spawn(acceptor.get_executor(), relay(std::move(client), target),
                   asio::detached);
  }
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: asio_relay PORT\n";
    return 2;
  }
  auto loopback = asio::ip::address_v4::loopback();
  tcp::endpoint target{loopback, static_cast<uint16_t>(std::atoi(argv[1]))};
  asio::io_context io{1};
  tcp::acceptor acceptor{io, {loopback, 0}};
  std::cout << acceptor.local_endpoint().port() << std::endl;
  asio::co_spawn(io, accept_all(acceptor, target), asio::detached);
  io.run();
}

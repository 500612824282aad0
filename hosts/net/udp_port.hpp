#pragma once

#include "actors/ports.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/udp.hpp>

#include <array>
#include <functional>
#include <memory>

namespace peapod::net {

/// A bound UDP socket that passes on what it receives until it is closed.
class udp_port : public std::enable_shared_from_this<udp_port> {
public:
  using receiver = std::function<void(datagram)>;

  /// A socket at `at` that shares the port with other daemons of this machine,
  /// and takes the address family of `at` alone. Errors: `address_in_use`,
  /// `io_failed` and others of the operating system.
  static result<std::shared_ptr<udp_port>>
  open(const boost::asio::any_io_executor& executor,
       const boost::asio::ip::udp::endpoint& at, receiver deliver);

  udp_port(boost::asio::ip::udp::socket socket, receiver deliver);

  /// Begins to receive.
  void read();

  void close();

  boost::asio::ip::udp::socket& socket() {
    return socket_;
  }

private:
  void received(boost::system::error_code ec, size_t count);

  /// Beacons have 75 bytes and a trailer; anything beyond this is not ours.
  static constexpr size_t max_datagram = 2048;

  boost::asio::ip::udp::socket socket_;
  receiver deliver_;
  std::array<uint8_t, max_datagram> buffer_;
  boost::asio::ip::udp::endpoint from_;
};

/// What to bind to in order to receive what is sent to `group`. Bound to the
/// group, a socket does not get what is sent to an address of this machine;
/// Windows cannot bind to a group.
boost::asio::ip::udp::endpoint
group_bind_address(const boost::asio::ip::udp::endpoint& group);

/// A member of the discovery group on one interface. Of what is sent to a
/// group, `heard` receives only what came in on its interface; `own` sends to
/// the group and receives what is sent to its address.
struct group_sockets {
  std::shared_ptr<udp_port> own;
  std::shared_ptr<udp_port> heard;

  /// `source` is what to send from on the interface `index`, `join_address` an
  /// address that the interface has; for IPv6 all are link-local.
  static result<group_sockets>
  open(const boost::asio::any_io_executor& executor,
       const boost::asio::ip::udp::endpoint& source,
       const boost::asio::ip::udp::endpoint& group, unsigned index,
       boost::asio::ip::address join_address, udp_port::receiver deliver);

  void close();
};

} // namespace peapod::net

#include "hosts/net/udp_port.hpp"

#include "hosts/net/socket_address.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/multicast.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include <utility>

namespace peapod::net {

namespace {

namespace asio = boost::asio;
namespace multicast = asio::ip::multicast;
using asio::ip::udp;
using boost::system::error_code;

error open_error(const error_code& ec, const udp::endpoint& at) {
  auto where = address_text(from_asio(at));
  if (ec == asio::error::address_in_use)
    return make_error(errc::address_in_use,
                      "UDP " + where
                          + " is taken by a program that does not share it: "
                            "stop it, or set [discovery] port");
  return error_of(ec, "cannot use UDP " + where);
}

/// Linux would pass on the group's datagrams from every interface that any
/// program has joined it on.
void listen_only_to_joined(udp::socket& socket, bool v6) {
  int off = 0;
#ifdef IP_MULTICAST_ALL
  if (!v6)
    ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_MULTICAST_ALL, &off,
                 sizeof(off));
#endif
#ifdef IPV6_MULTICAST_ALL
  if (v6)
    ::setsockopt(socket.native_handle(), IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off,
                 sizeof(off));
#endif
  static_cast<void>(socket);
  static_cast<void>(v6);
  static_cast<void>(off);
}

} // namespace

// -- one socket ---------------------------------------------------------------

result<std::shared_ptr<udp_port>>
udp_port::open(const asio::any_io_executor& executor, const udp::endpoint& at,
               receiver deliver) {
  udp::socket socket{executor};
  error_code ec;
  socket.open(at.protocol(), ec);
  if (!ec && at.protocol() == udp::v6())
    socket.set_option(asio::ip::v6_only(true), ec);
  if (!ec)
    socket.set_option(udp::socket::reuse_address(true), ec);
  if (!ec)
    socket.bind(at, ec);
  if (!ec)
    socket.non_blocking(true, ec);
  if (ec)
    return open_error(ec, at);
  return std::make_shared<udp_port>(std::move(socket), std::move(deliver));
}

udp_port::udp_port(udp::socket socket, receiver deliver)
  : socket_(std::move(socket)), deliver_(std::move(deliver)) {}

void udp_port::read() {
  socket_.async_receive_from(
      asio::buffer(buffer_), from_,
      [self = shared_from_this()](error_code ec, size_t count) {
        self->received(ec, count);
      });
}

void udp_port::close() {
  error_code ignored;
  socket_.close(ignored);
  deliver_ = nullptr;
}

void udp_port::received(error_code ec, size_t count) {
  if (!socket_.is_open())
    return;
  // An error is the echo of a datagram sent before (ICMP unreachable).
  if (!ec) {
    auto first = buffer_.begin();
    auto last = first + static_cast<std::ptrdiff_t>(count);
    auto deliver = deliver_;
    deliver({from_asio(from_), slice{byte_buffer(first, last)}});
  }
  if (socket_.is_open())
    read();
}

// -- a member of the group ----------------------------------------------------

udp::endpoint group_bind_address(const udp::endpoint& group) {
#ifdef _WIN32
  return {group.protocol(), group.port()};
#else
  return group;
#endif
}

result<group_sockets> group_sockets::open(const asio::any_io_executor& executor,
                                          const udp::endpoint& source,
                                          const udp::endpoint& group,
                                          unsigned index,
                                          asio::ip::address join_address,
                                          udp_port::receiver deliver) {
  auto own = udp_port::open(executor, source, deliver);
  if (!own)
    return own.error();
  auto heard = udp_port::open(executor, group_bind_address(group), deliver);
  if (!heard)
    return heard.error();
  auto& out = (**own).socket();
  auto& in = (**heard).socket();
  auto v6 = group.protocol() == udp::v6();
  listen_only_to_joined(in, v6);
  error_code ec;
  if (v6) {
    in.set_option(multicast::join_group(group.address().to_v6(), index), ec);
    if (!ec)
      out.set_option(multicast::outbound_interface(index), ec);
  } else {
    auto through = join_address.to_v4();
    in.set_option(multicast::join_group(group.address().to_v4(), through), ec);
    if (!ec)
      out.set_option(multicast::outbound_interface(through), ec);
  }
  if (!ec)
    out.set_option(multicast::hops(1), ec);
  if (!ec)
    out.set_option(multicast::enable_loopback(true), ec);
  if (ec)
    return error_of(ec, "cannot join the discovery group");
  (**own).read();
  (**heard).read();
  return group_sockets{std::move(*own), std::move(*heard)};
}

void group_sockets::close() {
  own->close();
  heard->close();
}

} // namespace peapod::net

#pragma once

#include "actors/ports.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>

#include <array>
#include <charconv>
#include <string>

namespace peapod::net {

/// `x` as text. Each client and each origin has one: the system's own way of
/// writing IPv4 addresses is remarkably slow.
inline std::string text_of(const boost::asio::ip::address& x) {
  if (!x.is_v4())
    return x.to_string();
  std::array<char, 16> text;
  auto* end = text.data();
  for (unsigned byte : x.to_v4().to_bytes()) {
    if (end != text.data())
      *end++ = '.';
    end = std::to_chars(end, text.data() + text.size(), byte).ptr;
  }
  return {text.data(), end};
}

/// The IPv4 address inside one of IPv6 by which a socket speaks it (RFC 4291,
/// 2.5.5.2), else the address itself.
inline boost::asio::ip::address unmapped(const boost::asio::ip::address& x) {
  namespace ip = boost::asio::ip;
  return x.is_v6() && x.to_v6().is_v4_mapped()
             ? ip::make_address_v4(ip::v4_mapped, x.to_v6())
             : x;
}

/// The `endpoint` of an Asio TCP or UDP endpoint. An IPv4 address by which a
/// socket of IPv6 speaks is an IPv4 address.
template <class AsioEndpoint>
endpoint from_asio(const AsioEndpoint& x) {
  return {text_of(unmapped(x.address())), x.port()};
}

/// `x` as an Asio endpoint. Errors: `bad_config` when its address is not an IP
/// address.
template <class AsioEndpoint>
result<AsioEndpoint> to_asio(const endpoint& x) {
  boost::system::error_code ec;
  auto address = boost::asio::ip::make_address(x.address, ec);
  if (ec)
    return make_error(errc::bad_config,
                      "\"" + x.address + "\" is not an IP address");
  return AsioEndpoint{address, x.port};
}

/// `address:port`, an IPv6 address in brackets.
inline std::string address_text(const endpoint& x) {
  auto v6 = x.address.find(':') != std::string::npos;
  auto host = v6 ? "[" + x.address + "]" : x.address;
  return host + ":" + std::to_string(x.port);
}

/// What an operating system's error means to us.
inline errc code_of(const boost::system::error_code& ec) {
  namespace err = boost::asio::error;
  if (ec == err::operation_aborted)
    return errc::cancelled;
  if (ec == err::eof || ec == err::connection_reset
      || ec == err::connection_aborted || ec == err::broken_pipe
      || ec == err::not_connected)
    return errc::connection_closed;
  if (ec == err::connection_refused)
    return errc::connection_refused;
  if (ec == err::host_unreachable || ec == err::network_unreachable
      || ec == err::network_down)
    return errc::unreachable;
  if (ec == err::timed_out)
    return errc::timed_out;
  if (ec == err::address_in_use)
    return errc::address_in_use;
  if (ec == err::access_denied
      || ec == boost::system::errc::operation_not_permitted)
    return errc::permission_denied;
  if (ec == err::no_descriptors || ec == err::no_buffer_space
      || ec == err::no_memory)
    return errc::limit_reached;
  return errc::io_failed;
}

/// `"what: words of the operating system"`, with the matching code.
inline error error_of(const boost::system::error_code& ec, std::string what) {
  return make_error(code_of(ec), what + ": " + ec.message());
}

} // namespace peapod::net

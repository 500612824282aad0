#pragma once

#include "actors/ports.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <string>

/// TCP connections between peers. Everything runs on the one execution context
/// behind the executor that is handed in.
namespace peapod::net {

/// Dials peers. A dial ends with `connection_refused`, `timed_out`,
/// `io_failed`, or `bad_config` when the address is not an IP address;
/// destroying the dialer cancels every dial under way.
std::unique_ptr<stream_dialer>
make_dialer(boost::asio::any_io_executor executor);

/// Listens for peers at `at`; port 0 takes any free port, which `local()`
/// tells. At `::` it takes connections of IPv6 and IPv4, or of IPv4 alone, at
/// 0.0.0.0, where there is no IPv6. Connections from addresses that `takes`
/// says no to are closed; null takes all. Errors: `address_in_use`,
/// `permission_denied`, `io_failed`, or `bad_config` when the address is not an
/// IP address.
result<std::unique_ptr<stream_acceptor>>
listen_stream(boost::asio::any_io_executor executor, const endpoint& at,
              std::function<bool(const std::string& address)> takes = nullptr);

/// Whether a program of this machine listens at `at`, which is one of its
/// addresses, or at any of them for `::` and `0.0.0.0`. If not, a port that is
/// taken is the own end of somebody's connection: what a system chooses such
/// ports from may contain any port above 1023. Tries to connect, and takes who
/// has not refused within a second for a listener.
bool is_listened_at(const endpoint& at);

} // namespace peapod::net

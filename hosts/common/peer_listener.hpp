#pragma once

#include "actors/environment.hpp"
#include "actors/ports.hpp"
#include "hosts/common/config.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace peapod {

/// Listens for other devices where `[transport] listen` says. If a connection
/// of this machine has that port for its own end, as can happen beside a busy
/// browser, another free port is taken, and `log` says so: beacons name the
/// port, so other devices find it all the same, but not without discovery.
/// Errors: those of `net::listen_stream`.
result<std::unique_ptr<stream_acceptor>>
listen_for_peers(boost::asio::any_io_executor executor, const settings& x,
                 const log_sink& log);

/// The same after a failure, `at` the port that beacons name.
result<std::unique_ptr<stream_acceptor>>
listen_again(boost::asio::any_io_executor executor, const settings& x,
             const endpoint& at);

} // namespace peapod

#pragma once

#include "core/error.hpp"
#include "core/types.hpp"
#include "hosts/net/control_server.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <functional>

namespace peapod {

/// Asks the daemon behind the control socket `path` and waits for its answer,
/// `timeout` at most. Errors: `connection_refused` when no daemon runs there,
/// `permission_denied`, `timed_out`, `bad_http`, `io_failed`. A status other
/// than 200 is not an error.
result<net::control_response>
ask_daemon(const std::filesystem::path& path, net::control_request request,
           duration timeout = std::chrono::seconds(5));

/// What became of a request.
using control_outcome = std::function<void(result<net::control_response>)>;

/// The same without waiting: `done` is called once, on `executor`, and never
/// from in here.
void async_ask_daemon(boost::asio::any_io_executor executor,
                      std::filesystem::path path, net::control_request request,
                      duration timeout, control_outcome done);

} // namespace peapod

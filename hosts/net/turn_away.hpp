#pragma once

#include "hosts/net/http_await.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace peapod::net {

class server_connection;

/// Waits some seconds for the client's request, answers it with a 503 that
/// says `why` (RFC 9110, 15.6.4), to programs by `Proxy-Status` (RFC 9209), and
/// closes. `why` is ASCII without quotes and backslashes.
task<void> turn_away(std::shared_ptr<server_connection> client,
                     std::string why);

/// The same at once, without holding the descriptor: what the client has sent
/// is read, so that its system does not take the answer back (RFC 9112, 9.6).
/// `date` is the time, for the answer.
void turn_away_now(asio::ip::tcp::socket& client, const std::string& why,
                   std::string_view date);

} // namespace peapod::net

#include "hosts/common/control_errors.hpp"

#include "hosts/net/socket_address.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>

namespace peapod {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

const boost::system::error_category& http_category() {
  return make_error_code(http::error::bad_method).category();
}

/// A socket whose queue is full belongs to a daemon that accepts nothing.
bool is_silence(const boost::system::error_code& ec) {
  return ec == beast::error::timeout || ec == asio::error::would_block
         || ec == asio::error::try_again;
}

} // namespace

error control_error(const std::filesystem::path& path,
                    const boost::system::error_code& ec) {
  auto name = path.string();
  auto where = "the daemon at " + name;
  if (ec == asio::error::connection_refused
      || ec == boost::system::errc::no_such_file_or_directory)
    return {errc::connection_refused,
            "no daemon at " + name
                + ": start it with peapod --actor-config pod.ini"};
  if (net::code_of(ec) == errc::permission_denied)
    return {errc::permission_denied,
            name
                + " belongs to another user: use sudo, join the group of its "
                  "[console] group if it has one, or give the socket of your "
                  "own daemon with --socket"};
  if (is_silence(ec))
    return {errc::timed_out, where + " does not answer in time"};
  if (ec == http::error::end_of_stream)
    return {errc::connection_closed,
            where + " closed the connection without an answer"};
  if (ec.category() == http_category())
    return {errc::bad_http,
            name + " is not a control socket of peapod: " + ec.message()};
  return net::error_of(ec, where);
}

result<void> check_socket_path(const std::filesystem::path& path) {
  if (path.string().size() >= sizeof(sockaddr_un::sun_path))
    return make_error(errc::bad_config,
                      path.string() + " is too long for a socket's path");
  return {};
}

} // namespace peapod

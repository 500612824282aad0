#include "hosts/common/control_client.hpp"

#include "hosts/net/socket_address.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <optional>

namespace peapod {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using protocol = asio::local::stream_protocol;

/// An answer larger than this is not one of ours.
constexpr uint64_t max_answer = 64_MiB;

/// One request and its answer on an io_context of its own.
class exchange {
public:
  exchange(std::filesystem::path path, net::control_request request)
    : path_(std::move(path)) {
    request_.version(11);
    request_.method_string(request.method);
    request_.target(request.target);
    request_.set(http::field::host, "peapod");
    request_.set(http::field::connection, "close");
    request_.body() = std::move(request.body);
    request_.prepare_payload();
    parser_.body_limit(max_answer);
  }

  result<net::control_response> run(duration timeout) {
    stream_.expires_after(timeout);
    error_code ec;
    stream_.socket().open(protocol{}, ec);
    // A Unix socket connects at once or not at all; a blocking one would wait
    // without end for a daemon that is stopped.
    stream_.socket().non_blocking(true, ec);
    stream_.socket().connect(protocol::endpoint{path_.string()}, ec);
    if (ec)
      return connect_error(ec);
    http::async_write(stream_, request_, [this](error_code ec, size_t) {
      if (ec)
        outcome_ = ec;
      else
        read();
    });
    context_.run();
    return finish();
  }

private:
  void read() {
    http::async_read(stream_, buffer_, parser_,
                     [this](error_code ec, size_t) { outcome_ = ec; });
  }

  result<net::control_response> finish() {
    auto where = "the daemon at " + path_.string();
    if (outcome_ == beast::error::timeout)
      return make_error(errc::timed_out, where + " does not answer in time");
    if (outcome_ == http::error::end_of_stream)
      return make_error(errc::connection_closed,
                        where + " closed the connection without an answer");
    if (outcome_ && outcome_.category() == http_category())
      return make_error(errc::bad_http, path_.string()
                                            + " is not a control socket of "
                                              "peapod: "
                                            + outcome_.message());
    if (outcome_)
      return net::error_of(outcome_, where);
    auto message = parser_.release();
    return net::control_response{
        message.result_int(), std::string{message[http::field::content_type]},
        std::move(message.body())};
  }

  error connect_error(const error_code& ec) const {
    auto path = path_.string();
    if (ec == asio::error::connection_refused
        || ec == boost::system::errc::no_such_file_or_directory)
      return make_error(errc::connection_refused,
                        "no daemon at " + path
                            + ": start it with peapod --actor-config pod.ini");
    if (net::code_of(ec) == errc::permission_denied)
      return make_error(errc::permission_denied,
                        path
                            + " belongs to another user: use sudo, or give the "
                              "socket of your own daemon with --socket");
    return net::error_of(ec, path);
  }

  static const boost::system::error_category& http_category() {
    return make_error_code(http::error::bad_method).category();
  }

  std::filesystem::path path_;
  asio::io_context context_;
  beast::basic_stream<protocol> stream_{context_};
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer buffer_;
  error_code outcome_;
};

} // namespace

result<net::control_response> ask_daemon(const std::filesystem::path& path,
                                         net::control_request request,
                                         duration timeout) {
  if (path.string().size() >= sizeof(sockaddr_un::sun_path))
    return make_error(errc::bad_config,
                      path.string() + " is too long for a socket's path");
  return exchange{path, std::move(request)}.run(timeout);
}

} // namespace peapod

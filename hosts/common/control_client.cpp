#include "hosts/common/control_client.hpp"

#include "hosts/common/control_errors.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <memory>
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

/// One request and its answer.
class exchange : public std::enable_shared_from_this<exchange> {
public:
  exchange(asio::any_io_executor executor, std::filesystem::path path,
           net::control_request request, control_outcome done)
    : path_(std::move(path)), done_(std::move(done)), stream_(executor) {
    request_.version(11);
    request_.method_string(request.method);
    request_.target(request.target);
    request_.set(http::field::host, "peapod");
    request_.set(http::field::connection, "close");
    // Without it, the daemon takes the sender for a web page.
    if (request.method == "POST")
      request_.set(http::field::content_type, "application/json");
    request_.body() = std::move(request.body);
    request_.prepare_payload();
    parser_.body_limit(max_answer);
  }

  void run(duration timeout) {
    stream_.expires_after(timeout);
    error_code ec;
    stream_.socket().open(protocol{}, ec);
    // A Unix socket connects at once or not at all; a blocking one would wait
    // without end for a daemon that is stopped.
    stream_.socket().non_blocking(true, ec);
    stream_.socket().connect(protocol::endpoint{path_.string()}, ec);
    if (ec)
      return asio::post(stream_.get_executor(),
                        [self = shared_from_this(), ec] { self->finish(ec); });
    http::async_write(stream_, request_,
                      [self = shared_from_this()](error_code ec, size_t) {
                        // The answer to a request that is refused may come
                        // before all of it is written.
                        if (ec && ec != asio::error::broken_pipe)
                          self->finish(ec);
                        else
                          self->read();
                      });
  }

private:
  void read() {
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](error_code ec, size_t) {
                       self->finish(ec);
                     });
  }

  void finish(error_code ec) {
    if (ec)
      return done_(control_error(path_, ec));
    auto message = parser_.release();
    done_(net::control_response{message.result_int(),
                                std::string{message[http::field::content_type]},
                                std::move(message.body())});
  }

  std::filesystem::path path_;
  control_outcome done_;
  beast::basic_stream<protocol> stream_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer buffer_;
};

} // namespace

result<net::control_response> ask_daemon(const std::filesystem::path& path,
                                         net::control_request request,
                                         duration timeout) {
  asio::io_context context;
  std::optional<result<net::control_response>> out;
  async_ask_daemon(context.get_executor(), path, std::move(request), timeout,
                   [&](auto got) { out = std::move(got); });
  context.run();
  return std::move(*out);
}

void async_ask_daemon(asio::any_io_executor executor,
                      std::filesystem::path path, net::control_request request,
                      duration timeout, control_outcome done) {
  if (auto fits = check_socket_path(path); !fits)
    return asio::post(executor, [done, fits] { done(fits.error()); });
  std::make_shared<exchange>(executor, std::move(path), std::move(request),
                             std::move(done))
      ->run(timeout);
}

} // namespace peapod

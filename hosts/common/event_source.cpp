#include "hosts/common/event_source.hpp"

#include "hosts/common/control_data.hpp"
#include "hosts/common/control_errors.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <array>

namespace peapod {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using protocol = asio::local::stream_protocol;

/// A failure's sentence is shorter.
constexpr size_t max_failure = 64_KiB;

/// The stream's operations; they keep it alive until the last has ended.
class reader : public std::enable_shared_from_this<reader> {
public:
  reader(asio::any_io_executor executor, std::filesystem::path path,
         std::string target, event_source::handlers what)
    : path_(std::move(path)), what_(std::move(what)), stream_(executor) {
    request_.method(http::verb::get);
    request_.version(11);
    request_.target(target);
    request_.set(http::field::host, "peapod");
    request_.set(http::field::accept, "text/event-stream");
    parser_.body_limit(boost::none);
  }

  void run(duration timeout) {
    stream_.expires_after(timeout);
    error_code ec;
    if (check_socket_path(path_)) {
      stream_.socket().open(protocol{}, ec);
      stream_.socket().non_blocking(true, ec);
      stream_.socket().connect(protocol::endpoint{path_.string()}, ec);
    } else {
      ec = asio::error::name_too_long;
    }
    if (ec)
      return asio::post(stream_.get_executor(),
                        [self = shared_from_this(), ec] { self->fail(ec); });
    http::async_write(stream_, request_,
                      [self = shared_from_this()](error_code ec, size_t) {
                        ec ? self->fail(ec) : self->read_head();
                      });
  }

  void close() {
    closed_ = true;
    stream_.close();
  }

private:
  void read_head() {
    http::async_read_header(stream_, buffer_, parser_,
                            [self = shared_from_this()](error_code ec, size_t) {
                              ec ? self->fail(ec) : self->take_head();
                            });
  }

  void take_head() {
    if (closed_)
      return;
    refused_ = parser_.get().result() != http::status::ok;
    // Nothing may happen for hours.
    if (!refused_)
      stream_.expires_never();
    if (!refused_ && what_.opened)
      what_.opened();
    read_some();
  }

  void read_some() {
    if (closed_)
      return;
    auto& body = parser_.get().body();
    body.data = piece_.data();
    body.size = piece_.size();
    http::async_read_some(stream_, buffer_, parser_,
                          [self = shared_from_this()](error_code ec, size_t) {
                            self->take_piece(ec);
                          });
  }

  void take_piece(error_code ec) {
    if (closed_)
      return;
    if (ec == http::error::need_buffer)
      ec = {};
    auto size = piece_.size() - parser_.get().body().size;
    std::string_view bytes{piece_.data(), ec ? 0 : size};
    if (refused_)
      said_ += bytes.substr(0, max_failure - said_.size());
    else
      events_.feed(bytes);
    if (ec || parser_.is_done())
      return fail(ec);
    read_some();
  }

  void fail(error_code ec) {
    if (std::exchange(closed_, true))
      return;
    if (refused_)
      return what_.ended(
          {errc::not_allowed,
           control::failure_text(parser_.get().result_int(), said_)});
    if (!ec || ec == http::error::partial_message
        || ec == http::error::end_of_stream || ec == asio::error::eof
        || ec == asio::error::connection_reset)
      return what_.ended(
          {errc::connection_closed,
           "the daemon at " + path_.string() + " has ended the stream"});
    what_.ended(control_error(path_, ec));
  }

  std::filesystem::path path_;
  event_source::handlers what_;
  beast::basic_stream<protocol> stream_;
  http::request<http::empty_body> request_;
  http::response_parser<http::buffer_body> parser_;
  beast::flat_buffer buffer_;
  std::array<char, 8192> piece_{};
  event_parser events_{[this](server_event x) {
    if (!closed_)
      what_.event(std::move(x));
  }};
  bool refused_ = false;
  bool closed_ = false;
  std::string said_;
};

class open_source : public event_source {
public:
  explicit open_source(std::shared_ptr<reader> x) : reader_(std::move(x)) {}

  ~open_source() override {
    reader_->close();
  }

private:
  std::shared_ptr<reader> reader_;
};

} // namespace

std::unique_ptr<event_source>
event_source::open(asio::any_io_executor executor, std::filesystem::path path,
                   std::string target, handlers what, duration timeout) {
  auto out = std::make_shared<reader>(executor, std::move(path),
                                      std::move(target), std::move(what));
  out->run(timeout);
  return std::make_unique<open_source>(std::move(out));
}

} // namespace peapod

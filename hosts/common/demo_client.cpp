#include "hosts/common/demo_client.hpp"

#include "core/http_message.hpp"
#include "core/integrity.hpp"
#include "hosts/net/http_await.hpp"
#include "hosts/net/socket_address.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <array>
#include <chrono>
#include <limits>
#include <optional>

namespace peapod {

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using net::as_value;
using clock = std::chrono::steady_clock;

/// How long nothing may come.
constexpr auto idle_timeout = 30s;

error failed(const error_code& ec, const char* what) {
  if (ec == boost::beast::error::timeout)
    return make_error(errc::timed_out, std::string{what} + ": nothing came");
  return net::error_of(ec, what);
}

/// One request and its response.
class exchange {
public:
  exchange(asio::io_context& io, const demo_progress& progress)
    : stream_(io), progress_(progress) {
    parser_.body_limit(boost::none);
  }

  net::task<demo_download> run(tcp::endpoint proxy, std::string target) {
    auto start = clock::now();
    if (auto sent = co_await ask(proxy, target); !sent)
      co_return sent.error();
    if (auto head = co_await read_head(); !head)
      co_return head.error();
    if (auto body = co_await read_body(); !body)
      co_return body.error();
    out_.time = clock::now() - start;
    out_.sha256 = hasher_.finish();
    co_return out_;
  }

  void close() {
    stream_.close();
  }

private:
  net::task<> ask(tcp::endpoint proxy, const std::string& target) {
    stream_.expires_after(idle_timeout);
    auto [refused] = co_await stream_.async_connect(proxy, as_value);
    if (refused)
      co_return failed(refused, "cannot connect to the proxy");
    http::request<http::empty_body> request{http::verb::get, target, 11};
    request.set(http::field::host, parse_url(target)->authority());
    request.set(http::field::user_agent, "peapod-demo");
    request.keep_alive(false);
    auto [ec, size] = co_await http::async_write(stream_, request, as_value);
    if (ec)
      co_return failed(ec, "cannot ask the proxy");
    co_return result<void>{};
  }

  net::task<> read_head() {
    auto [ec, size] =
        co_await http::async_read_header(stream_, buffer_, parser_, as_value);
    if (ec)
      co_return failed(ec, "the proxy does not answer");
    auto& head = parser_.get();
    if (head.result() != http::status::ok)
      co_return make_error(errc::origin_refused,
                           "the proxy answered "
                               + std::to_string(head.result_int()) + " "
                               + std::string{head.reason()});
    co_return result<void>{};
  }

  net::task<> read_body() {
    while (!parser_.is_done()) {
      parser_.get().body().data = piece_.data();
      parser_.get().body().size = piece_.size();
      stream_.expires_after(idle_timeout);
      auto [ec, size] =
          co_await http::async_read(stream_, buffer_, parser_, as_value);
      if (ec && ec != http::error::need_buffer)
        co_return failed(ec, "the download broke off");
      take(piece_.size() - parser_.get().body().size);
    }
    co_return result<void>{};
  }

  void take(size_t count) {
    hasher_.update({piece_.data(), count});
    out_.size += count;
    progress_(out_.size);
  }

  boost::beast::tcp_stream stream_;
  const demo_progress& progress_;
  boost::beast::flat_buffer buffer_;
  http::response_parser<http::buffer_body> parser_;
  std::array<uint8_t, 64 * 1024> piece_;
  sha256_hasher hasher_;
  demo_download out_;
};

} // namespace

result<demo_download> download_through(const endpoint& proxy,
                                       const std::string& url,
                                       const demo_progress& progress,
                                       std::stop_token stop) {
  auto to = net::to_asio<tcp::endpoint>(proxy);
  if (!to)
    return to.error();
  if (auto target = parse_url(url); !target)
    return target.error();
  asio::io_context io{1};
  exchange work{io, progress};
  auto interrupted = make_error(errc::cancelled, "interrupted");
  result<demo_download> out = interrupted;
  asio::co_spawn(io, work.run(*to, url),
                 [&out](std::exception_ptr bug, result<demo_download> x) {
                   if (bug)
                     std::rethrow_exception(bug);
                   out = std::move(x);
                 });
  std::stop_callback interrupt{
      stop, [&] { asio::post(io, [&work] { work.close(); }); }};
  io.run();
  return !out && stop.stop_requested() ? interrupted : out;
}

} // namespace peapod

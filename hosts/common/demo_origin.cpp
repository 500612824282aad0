#include "hosts/common/demo_origin.hpp"

#include "core/http_semantics.hpp"
#include "core/integrity.hpp"
#include "hosts/net/http_await.hpp"
#include "hosts/net/socket_address.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <thread>
#include <vector>

namespace peapod {

// -- what it serves -----------------------------------------------------------

namespace {

/// Word `index` of the content: SplitMix64, which needs no earlier words.
uint64_t content_word(uint64_t index) {
  auto z = (index + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

} // namespace

void fill_demo_content(uint64_t offset, std::span<uint8_t> out) {
  size_t done = 0;
  while (done < out.size()) {
    auto at = offset + done;
    auto word = content_word(at / 8) >> (8 * (at % 8));
    auto count = std::min<size_t>(8 - at % 8, out.size() - done);
    for (size_t i = 0; i < count; ++i, word >>= 8)
      out[done + i] = static_cast<uint8_t>(word);
    done += count;
  }
}

demo_file demo_file::of_size(uint64_t size) {
  sha256_hasher hasher;
  byte_buffer piece(256_KiB);
  for (uint64_t at = 0; at < size; at += piece.size()) {
    std::span out{piece.data(), std::min<uint64_t>(piece.size(), size - at)};
    fill_demo_content(at, out);
    hasher.update(out);
  }
  demo_file out{size, hasher.finish(), {}};
  out.etag = '"' + to_string(out.sha256).substr(0, 16) + '"';
  return out;
}

namespace {

demo_answer whole(const demo_file& file) {
  return {200, {0, file.size}, {}, file.size};
}

demo_answer part(byte_range range, const demo_file& file) {
  auto text = "bytes " + std::to_string(range.begin) + '-'
              + std::to_string(range.end - 1) + '/' + std::to_string(file.size);
  return {206, range, text, range.size()};
}

demo_answer failed(unsigned status) {
  return {status, {}, {}, 0};
}

demo_answer answer_get(const demo_request& request, const demo_file& file) {
  if (!request.range || (request.if_range && request.if_range != file.etag))
    return whole(file);
  auto range = parse_range(*request.range);
  if (!range || range->kind == range_request::form::multiple
      || range->kind == range_request::form::other_unit)
    return whole(file);
  if (auto bytes = resolve(*range, file.size))
    return part(*bytes, file);
  auto out = failed(416);
  out.content_range = "bytes */" + std::to_string(file.size);
  return out;
}

} // namespace

demo_answer answer_demo(const demo_request& request, const demo_file& file) {
  if (request.method != "GET" && request.method != "HEAD")
    return failed(405);
  if (!request.path.ends_with(".bin"))
    return failed(404);
  // Ranges are defined for GET alone (RFC 9110, 14.2).
  if (request.method == "GET")
    return answer_get(request, file);
  auto out = whole(file);
  out.body = {};
  return out;
}

// -- how fast -----------------------------------------------------------------

duration demo_lines::send(const std::string& address, uint64_t bytes,
                          instant now) {
  auto& line = lines_[address];
  auto seconds = static_cast<double>(bytes) / static_cast<double>(rate_);
  line.sent += bytes;
  line.free_at = std::max(line.free_at, now - max_lateness)
                 + duration{static_cast<int64_t>(1e9 * seconds)};
  return std::max(line.free_at - now, duration::zero());
}

uint64_t demo_lines::sent(const std::string& address) const {
  auto i = lines_.find(address);
  return i == lines_.end() ? 0 : i->second.sent;
}

// -- the server ---------------------------------------------------------------

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using net::as_value;
using request_type = http::request<http::empty_body>;
using response_type = http::response<http::empty_body>;

/// Bytes that are handed to a line at once.
constexpr size_t piece_size = 16_KiB;

/// What the kernel may hold of a connection: little, or it would not be the
/// line that decides how fast bytes come.
constexpr int send_buffer = 64 * 1024;

/// Shorter waits than timers can keep are left to add up.
constexpr duration shortest_wait = std::chrono::milliseconds(1);

instant now() {
  auto since = std::chrono::steady_clock::now().time_since_epoch();
  return instant{std::chrono::duration_cast<duration>(since)};
}

demo_request read(const request_type& x) {
  demo_request out;
  out.method = std::string{x.method_string()};
  auto target = std::string{x.target()};
  out.path = target.substr(0, target.find('?'));
  if (auto i = x.find(http::field::range); i != x.end())
    out.range = std::string{i->value()};
  if (auto i = x.find(http::field::if_range); i != x.end())
    out.if_range = std::string{i->value()};
  return out;
}

response_type head_of(const demo_answer& x, const demo_file& file,
                      const request_type& request) {
  response_type out{http::int_to_status(x.status), request.version()};
  out.set(http::field::server, "peapod-demo");
  if (x.status < 300) {
    out.set(http::field::accept_ranges, "bytes");
    out.set(http::field::etag, file.etag);
    out.set(http::field::content_type, "application/octet-stream");
  }
  if (!x.content_range.empty())
    out.set(http::field::content_range, x.content_range);
  if (x.status == 405)
    out.set(http::field::allow, "GET, HEAD");
  out.content_length(x.length);
  out.keep_alive(request.keep_alive());
  return out;
}

} // namespace

class demo_origin::impl {
public:
  impl(uint64_t size, uint64_t line_rate)
    : file_(demo_file::of_size(size)), lines_(line_rate) {}

  ~impl() {
    io_.stop();
    if (thread_.joinable())
      thread_.join();
  }

  result<void> open(const endpoint& at) {
    auto where = net::to_asio<tcp::endpoint>(at);
    if (!where)
      return where.error();
    error_code ec;
    acceptor_.open(where->protocol(), ec);
    if (!ec)
      acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
    // Accepted connections inherit it.
    if (!ec)
      acceptor_.set_option(asio::socket_base::send_buffer_size(send_buffer),
                           ec);
    if (!ec)
      acceptor_.bind(*where, ec);
    if (!ec)
      acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (ec)
      return net::error_of(ec, "cannot listen on " + net::address_text(at));
    local_ = net::from_asio(acceptor_.local_endpoint());
    asio::co_spawn(io_, accept(), asio::detached);
    thread_ = std::thread{[this] { io_.run(); }};
    return {};
  }

  const endpoint& local() const {
    return local_;
  }

  const demo_file& file() const {
    return file_;
  }

private:
  asio::awaitable<void> accept() {
    for (;;) {
      auto [ec, socket] = co_await acceptor_.async_accept(as_value);
      if (!ec)
        asio::co_spawn(io_, serve(std::move(socket)), asio::detached);
    }
  }

  /// Answers the requests of one connection until it ends.
  asio::awaitable<void> serve(tcp::socket socket) {
    error_code ec;
    auto remote = socket.remote_endpoint(ec);
    auto address = remote.address().to_string();
    if (!ec)
      socket.set_option(tcp::no_delay(true), ec);
    boost::beast::flat_buffer buffer;
    bool open = !ec;
    while (open) {
      request_type request;
      auto [failed, size] =
          co_await http::async_read(socket, buffer, request, as_value);
      if (failed)
        co_return;
      open = co_await respond(socket, address, request);
    }
    socket.shutdown(tcp::socket::shutdown_send, ec);
  }

  /// Whether the connection can take a further request.
  asio::awaitable<bool> respond(tcp::socket& socket, const std::string& address,
                                const request_type& request) {
    auto answer = answer_demo(read(request), file_);
    auto head = head_of(answer, file_, request);
    http::response_serializer<http::empty_body> serializer{head};
    auto [ec, size] =
        co_await http::async_write_header(socket, serializer, as_value);
    if (ec)
      co_return false;
    bool complete = co_await send_body(socket, address, answer.body);
    co_return complete&& head.keep_alive();
  }

  /// Sends a part of the file, no faster than the line of `address` goes.
  asio::awaitable<bool> send_body(tcp::socket& socket,
                                  const std::string& address, byte_range body) {
    asio::steady_timer timer{io_};
    byte_buffer piece(piece_size);
    while (!body.empty()) {
      std::span out{piece.data(), std::min<uint64_t>(piece_size, body.size())};
      auto wait = lines_.send(address, out.size(), now());
      if (wait >= shortest_wait) {
        timer.expires_after(wait);
        co_await timer.async_wait(as_value);
      }
      fill_demo_content(body.begin, out);
      auto [ec, size] = co_await asio::async_write(
          socket, asio::buffer(out.data(), out.size()), as_value);
      if (ec)
        co_return false;
      body.begin += size;
    }
    co_return true;
  }

  demo_file file_;
  demo_lines lines_;
  endpoint local_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  std::thread thread_;
};

result<std::unique_ptr<demo_origin>>
demo_origin::open(const endpoint& at, uint64_t size, uint64_t line_rate) {
  auto state = std::make_unique<impl>(size, line_rate);
  if (auto opened = state->open(at); !opened)
    return opened.error();
  return std::unique_ptr<demo_origin>{new demo_origin{std::move(state)}};
}

demo_origin::demo_origin(std::unique_ptr<impl> x) : impl_(std::move(x)) {}

demo_origin::~demo_origin() = default;

const endpoint& demo_origin::local() const {
  return impl_->local();
}

const demo_file& demo_origin::file() const {
  return impl_->file();
}

std::string demo_origin::url(const std::string& name) const {
  return "http://" + net::address_text(local()) + '/' + name + ".bin";
}

} // namespace peapod

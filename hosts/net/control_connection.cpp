#include "hosts/net/control_connection.hpp"

#include "core/types.hpp"

#include <boost/asio/post.hpp>

#include <atomic>
#include <sstream>
#include <utility>

namespace peapod::net {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr uint32_t max_header = 16_KiB;
constexpr uint64_t max_body = 64_KiB;

/// Whether an error is about the request; others are about the connection.
bool is_malformed(const boost::system::error_code& ec) {
  return ec.category() == make_error_code(http::error::bad_method).category();
}

/// The values of all fields of a name, as one (RFC 9110, 5.3).
template <class Fields>
std::optional<std::string> joined(const Fields& fields, const char* name) {
  std::optional<std::string> out;
  auto [begin, end] = fields.equal_range(name);
  for (auto i = begin; i != end; ++i)
    out = (out ? *out + ", " : "") + std::string{i->value()};
  return out;
}

template <class Fields>
control_source source_of(const Fields& fields) {
  control_source out;
  auto [begin, end] = fields.equal_range(http::field::host);
  for (auto i = begin; i != end; ++i)
    out.hosts.emplace_back(i->value());
  out.origin = joined(fields, "Origin");
  out.fetch_site = joined(fields, "Sec-Fetch-Site");
  out.content_type = fields[http::field::content_type];
  return out;
}

control_response too_many_streams() {
  return {503, "application/json",
          "{\"error\":\"too many streams are open: close one\"}\n"};
}

} // namespace

control_connection::control_connection(control_socket::socket socket,
                                       control_handler handler,
                                       control_limits limits,
                                       std::shared_ptr<size_t> streams)
  : stream_(std::move(socket)),
    handler_(std::move(handler)),
    limits_(limits),
    streams_(std::move(streams)),
    buffer_(max_header + max_body) {}

control_connection::~control_connection() {
  close();
}

void control_connection::read() {
  parser_.emplace();
  parser_->header_limit(max_header);
  parser_->body_limit(max_body);
  stream_.expires_after(limits_.silence);
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](error_code ec, size_t) {
                     self->received(ec);
                   });
}

void control_connection::close() {
  error_code ignored;
  stream_.socket().close(ignored);
  handler_ = nullptr;
  if (auto writer = std::exchange(writer_, nullptr))
    writer->stop();
  if (std::exchange(has_slot_, false))
    --*streams_;
}

// -- reading ------------------------------------------------------------------

void control_connection::received(error_code ec) {
  if (handler_ == nullptr || ec == http::error::end_of_stream)
    return close();
  if (ec == http::error::header_limit || ec == http::error::body_limit)
    return refuse(ec == http::error::body_limit ? 413 : 431);
  if (ec && is_malformed(ec))
    return refuse(400);
  if (ec)
    return close();
  stream_.expires_never();
  keep_alive_ = parser_->get().keep_alive();
  version_ = parser_->get().version();
  auto message = parser_->release();
  head_only_ = message.method() == http::verb::head;
  auto from = source_of(message.base());
  control_request request{
      std::string{message.method_string()}, std::string{message.target()},
      std::move(message.body()), std::string{message["Last-Event-ID"]},
      std::move(from)};
  // A copy: the connection may be closed from within.
  auto handle = handler_;
  handle(std::move(request), make_reply());
}

control_reply control_connection::make_reply() {
  auto answered = std::make_shared<std::atomic<bool>>(false);
  return [self = shared_from_this(), answered](control_response response) {
    if (answered->exchange(true))
      return;
    asio::post(self->stream_.get_executor(),
               [self, response = std::move(response)]() mutable {
                 self->write(std::move(response));
               });
  };
}

void control_connection::refuse(unsigned status) {
  keep_alive_ = false;
  write({status, "text/plain", "bad request\n"});
}

// -- writing ------------------------------------------------------------------

void control_connection::write(control_response x) {
  if (handler_ == nullptr)
    return;
  if (x.stream && !head_only_ && !take_slot())
    x = too_many_streams();
  response_.emplace(static_cast<http::status>(x.status), 11);
  response_->set(http::field::content_type, x.content_type);
  response_->set(http::field::cache_control, "no-store");
  // No page of another origin gets to see it, as a script or an image either.
  response_->set("Cross-Origin-Resource-Policy", "same-origin");
  response_->set("X-Content-Type-Options", "nosniff");
  for (auto& [name, value] : x.fields)
    response_->set(name, value);
  if (x.stream)
    return write_stream(std::move(x.stream));
  response_->keep_alive(keep_alive_);
  response_->body() = std::move(x.body);
  response_->prepare_payload();
  write_plain();
}

void control_connection::write_plain() {
  serializer_.emplace(*response_);
  stream_.expires_after(limits_.silence);
  auto written = [self = shared_from_this()](error_code ec, size_t) {
    if (ec || !self->keep_alive_)
      self->close();
    else
      self->read();
  };
  if (head_only_)
    http::async_write_header(stream_, *serializer_, std::move(written));
  else
    http::async_write(stream_, *serializer_, std::move(written));
}

void control_connection::write_stream(std::unique_ptr<control_stream> source) {
  constexpr unsigned http_1_1 = 11;
  keep_alive_ = false;
  response_->keep_alive(false);
  response_->chunked(version_ >= http_1_1);
  if (head_only_)
    return write_plain();
  std::ostringstream head;
  head << response_->base();
  writer_ = std::make_shared<control_writer>(stream_, std::move(source),
                                             limits_, version_ >= http_1_1);
  writer_->start(head.str(), [self = shared_from_this()] { self->close(); });
}

bool control_connection::take_slot() {
  if (*streams_ >= limits_.streams)
    return false;
  ++*streams_;
  has_slot_ = true;
  return true;
}

} // namespace peapod::net

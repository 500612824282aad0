#include "hosts/net/http_server_stream.hpp"

#include "hosts/net/connection_login.hpp"
#include "hosts/net/http_lines.hpp"
#include "hosts/net/socket_address.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <utility>
#include <vector>

namespace peapod::net {

namespace {

using namespace std::chrono_literals;

/// How long a client may wait before its next request, take for its head, and
/// pause within its body.
constexpr auto next_request_wait = 120s;
constexpr auto head_wait = 30s;
constexpr auto body_wait = 10min;

/// How long what a client still sends is read after the last response, so that
/// a reset does not overtake it (RFC 9112, 9.6).
constexpr auto linger_wait = 2s;

constexpr size_t request_room = 4 * 1024;
constexpr size_t request_block = 8 * 1024;
constexpr size_t upload_room = 16 * 1024;
constexpr size_t max_upload_block = 128 * 1024;

/// Blocks that wait for the next requests.
constexpr size_t max_spare_request_blocks = 16;

constexpr std::string_view continue_head = "HTTP/1.1 100 Continue\r\n\r\n";

/// Writes what can go at once without a turn of the event loop.
task<void> write_all(transport& to, std::span<asio::const_buffer> bytes) {
  auto sent = to.write_now(bytes);
  for (auto& x : bytes) {
    auto n = std::min(sent, x.size());
    x += n;
    sent -= n;
  }
  while (!bytes.empty() && bytes.front().size() == 0)
    bytes = bytes.subspan(1);
  if (bytes.empty())
    co_return result<void>{};
  co_return co_await to.write(bytes);
}

bool is_bodiless(unsigned status, bool to_head) {
  return to_head || status < 200 || status == 204 || status == 304;
}

void add_buffers(std::vector<asio::const_buffer>& to, const slices& bytes) {
  for (auto& piece : bytes)
    to.push_back(asio::buffer(piece.data(), piece.size()));
}

/// Whether a client is another machine. A program of this one that connects to
/// one of its outer addresses comes from there, too.
bool is_from_elsewhere(const asio::ip::tcp::socket& socket,
                       const asio::ip::tcp::endpoint& remote) {
  auto from = unmapped(remote.address());
  if (from.is_loopback())
    return false;
  boost::system::error_code ec;
  auto to = socket.local_endpoint(ec);
  return ec || unmapped(to.address()) != from;
}

} // namespace

std::string_view server_context::date_now() {
  return date.at(
      std::chrono::sys_seconds{std::chrono::seconds{std::time(nullptr)}});
}

server_connection::server_connection(asio::ip::tcp::socket socket,
                                     asio::ip::tcp::endpoint remote,
                                     std::shared_ptr<server_context> shared)
  : ex_(socket.get_executor()),
    from_elsewhere_(is_from_elsewhere(socket, remote)),
    link_(make_plain_transport(std::move(socket), std::move(remote),
                               shared->has_options)),
    shared_(std::move(shared)),
    watch_(ex_, [this] { on_overdue(); }) {}

server_connection::~server_connection() {
  end_watch();
  give_block_back();
}

// -- requests -----------------------------------------------------------------

/// No coroutine: this happens for each request.
void server_connection::read_request(handler<request_head> done) {
  if (closed_)
    return answer_later<request_head>(
        ex_, std::move(done), make_error(errc::cancelled, "called off"));
  if (head_written_ && !keep_alive())
    return answer_later<request_head>(
        ex_, std::move(done),
        make_error(errc::connection_closed, "no further request"));
  begin_request();
  watch_.arm(next_request_wait);
  bool begun = false;
  if (auto head = take_head(begun)) {
    watch_.disarm();
    return answer_later(ex_, std::move(done), std::move(*head));
  }
  receive_head(begun, std::move(done));
}

void server_connection::begin_request() {
  end_watch();
  body_.reset();
  version_ = 11;
  to_head_ = client_persists_ = expects_continue_ = false;
  head_written_ = response_done_ = client_failed_ = request_cut_off_ = false;
  sent_to_origin_ = 0;
  in_.recycle(request_block);
}

void server_connection::receive_head(bool begun, handler<request_head> done) {
  auto ready = [self = shared_from_this(), begun,
                done = std::move(done)](result<size_t> n) mutable {
    self->on_head_bytes(std::move(n), begun, std::move(done));
  };
  take_block();
  link_->receive(in_.prepare(request_room, request_block), std::move(ready));
}

/// Most connections are short, or soon tunnels: they share a few blocks.
void server_connection::take_block() {
  auto& spare = shared_->spare_blocks;
  if (in_.has_block() || !in_.unread().empty() || spare.empty())
    return;
  in_ = std::move(spare.back());
  spare.pop_back();
}

void server_connection::give_block_back() {
  auto& spare = shared_->spare_blocks;
  in_.recycle(request_block);
  if (in_.has_block() && spare.size() < max_spare_request_blocks)
    spare.push_back(std::exchange(in_, {}));
  in_.shrink();
}

void server_connection::on_head_bytes(result<size_t> n, bool begun,
                                      handler<request_head> done) {
  std::optional<result<request_head>> head;
  if (!n) {
    head = explain_head(n.error());
  } else if (closed_) {
    head = make_error(errc::cancelled, "called off");
  } else if (*n == 0) {
    head = begun ? make_error(errc::bad_http, "400 the request has no end")
                 : make_error(errc::connection_closed, "the client has ended");
  } else {
    in_.commit(*n);
    head = guarded([&] { return take_head(begun); });
  }
  if (!head)
    return receive_head(begun, std::move(done));
  watch_.disarm();
  done(std::move(*head));
}

/// A head that has come, or why it can be none; nothing while it is not whole.
/// Empty lines before it are skipped (RFC 9112, 2.2).
std::optional<result<request_head>> server_connection::take_head(bool& begun) {
  while (!begun && in_.unread().starts_with("\r\n"))
    in_.consume(2);
  auto text = in_.unread();
  if (!begun && (text.empty() || text == "\r"))
    return std::nullopt;
  if (auto ok = check_request_begin(text); !ok)
    return ok.error();
  auto size = find_head_end(text);
  if (!size)
    return size.error();
  if (!*size) {
    if (!std::exchange(begun, true))
      watch_.arm(head_wait);
    return std::nullopt;
  }
  auto head = accept_request(text.substr(0, **size));
  in_.consume(**size);
  return head;
}

error server_connection::explain_head(error why) const {
  if (!closed_ && watch_.expired() && !in_.unread().empty())
    return make_error(errc::bad_http, "408 the request took too long");
  return explain(std::move(why));
}

result<request_head> server_connection::accept_request(std::string_view text) {
  auto head = parse_request_head(text);
  if (!head)
    return head;
  version_ = head->version;
  to_head_ = head->method == "HEAD";
  client_persists_ = persists(version_, head->fields);
  if (login_ == 0 && logs_in_connection(head->fields))
    login_ = draw_login();
  head->login = login_;
  head->from_elsewhere = from_elsewhere_;
  expects_continue_ = version_ == 11 && head->framing != body_framing::none
                      && head->fields.has_token("Expect", "100-continue");
  body_.emplace(head->framing, head->content_length);
  if (head->method != "CONNECT")
    begin_watch();
  return head;
}

/// Sends the 100 that the client waits for, before its body is read.
task<void> server_connection::invite_body() {
  if (!std::exchange(expects_continue_, false) || !body_unread()
      || head_written_ || !in_.unread().empty())
    co_return result<void>{};
  co_return co_await link_->write_text(std::string{continue_head});
}

task<body_part> server_connection::read_body(size_t limit) {
  if (closed_ || !body_)
    co_return explain(make_error(errc::connection_closed, "no request"));
  if (auto invited = co_await invite_body(); !invited)
    co_return explain(invited.error());
  if (answer_ && answer_->watch)
    answer_->watch->read_on();
  watch_.arm(body_wait);
  while (true) {
    auto part = body_->next(in_, limit);
    if (!part)
      co_return make_error(errc::bad_http, "400 " + part.error().detail);
    if (*part) {
      watch_.disarm();
      co_return std::move(**part);
    }
    auto most = std::clamp(limit, upload_room, max_upload_block);
    auto block = std::min<uint64_t>(most, body_->rest());
    auto n = co_await receive(std::min<size_t>(block, upload_room), block);
    if (!n)
      co_return explain(n.error());
    if (*n == 0)
      co_return body_->finish();
    watch_.arm(body_wait);
  }
}

task<size_t> server_connection::receive(size_t min, size_t block) {
  if (closed_)
    co_return make_error(errc::cancelled, "called off");
  auto room = in_.prepare(min, block);
  reading_client_ = true;
  auto n = co_await link_->read_some(room);
  reading_client_ = false;
  if (!n)
    co_return n.error();
  in_.commit(*n);
  co_return *n;
}

// -- responses ----------------------------------------------------------------

/// A response of unknown length is chunked, which keeps the connection; a
/// client that has no chunks is told to read to the end instead. One that comes
/// before all of the request has been passed on is the last, because nobody
/// knows whether the rest will be taken (RFC 9112, 9.6).
response_layout server_connection::layout_for(const response_head& head) const {
  response_layout out;
  out.framing = head.framing;
  auto open_ended = head.framing == body_framing::chunked
                    || head.framing == body_framing::until_close;
  if (is_bodiless(head.status, to_head_))
    out.framing = body_framing::none;
  else if (open_ended)
    out.framing =
        version_ >= 11 ? body_framing::chunked : body_framing::until_close;
  else
    out.framing = body_framing::length;
  out.close = !client_persists_ || broken_
              || out.framing == body_framing::until_close || !body_passed()
              || head.fields.has_token("Connection", "close");
  return out;
}

/// The bytes of a head; from a final one on the response has begun.
result<std::string>
server_connection::begin_response(const response_head& head) {
  auto layout = layout_for(head);
  auto text = format_response(head, layout, version_, shared_->date_now());
  if (text && (head.status >= 200 || head.status == 101)) {
    head_written_ = true;
    upgraded_ = head.status == 101;
    layout_ = layout;
    unwritten_ = head.content_length.value_or(0);
    response_done_ = layout.framing == body_framing::none && !upgraded_;
  }
  return text;
}

task<void> server_connection::write_head(response_head head) {
  if (closed_)
    co_return make_error(errc::cancelled, "called off");
  auto text = begin_response(head);
  if (!text)
    co_return text.error();
  count_write(true);
  auto written = co_await link_->write_text(std::move(*text));
  count_write(false);
  broken_ = broken_ || !written;
  if (!written)
    co_return explain(written.error());
  co_return result<void>{};
}

task<void> server_connection::write_body(body_parts parts) {
  if (closed_)
    co_return make_error(errc::cancelled, "called off");
  if (!head_written_)
    co_return make_error(errc::bad_http, "a body before its head");
  if (response_done_ && layout_.framing == body_framing::none)
    co_return result<void>{};
  count_write(true);
  result<void> written = make_error(errc::io_failed, "");
  if (layout_.framing == body_framing::chunked)
    written = co_await write_framed(parts);
  else
    written = co_await write_raw(parts);
  count_write(false);
  if (!written) {
    broken_ = true;
    co_return explain(written.error());
  }
  response_done_ = parts.last && !upgraded_;
  co_return result<void>{};
}

task<void> server_connection::write_raw(const body_parts& parts) {
  auto size = parts.bytes.size();
  if (layout_.framing == body_framing::length) {
    if (size > unwritten_)
      co_return make_error(errc::bad_http, "the body is longer than announced");
    unwritten_ -= size;
    if (parts.last && unwritten_ > 0)
      co_return make_error(errc::bad_http,
                           "the body is shorter than announced");
  }
  if (size == 0)
    co_return result<void>{};
  std::vector<asio::const_buffer> bytes{asio::buffer(held_head_)};
  add_buffers(bytes, parts.bytes);
  auto written = co_await write_all(*link_, bytes);
  held_head_.clear();
  co_return written;
}

task<void> server_connection::write_framed(const body_parts& parts) {
  std::vector<asio::const_buffer> bytes{asio::buffer(held_head_)};
  auto size = parts.bytes.size();
  auto prefix = chunk_prefix(size);
  if (size > 0) {
    bytes.push_back(asio::buffer(prefix));
    add_buffers(bytes, parts.bytes);
    bytes.push_back(asio::buffer("\r\n", 2));
  }
  if (parts.last)
    bytes.push_back(asio::buffer("0\r\n\r\n", 5));
  auto written = co_await write_all(*link_, bytes);
  held_head_.clear();
  co_return written;
}

// -- clients that go away -----------------------------------------------------

void server_connection::watch_client(client_patience how,
                                     std::function<void()> gone) {
  answer_ = std::make_unique<answer>();
  answer_->patience = how;
  answer_->gone = std::move(gone);
}

void server_connection::begin_watch() {
  if (!answer_)
    return;
  auto& watch = answer_->watch;
  if (!watch)
    watch = std::make_shared<client_watch>(*this, link_, answer_->patience);
  watch->begin();
}

void server_connection::count_write(bool begins) {
  if (!answer_)
    return;
  answer_->writes += begins;
  answer_->writing = begins;
}

void server_connection::end_watch() {
  if (answer_ && answer_->watch)
    answer_->watch->end();
}

std::optional<uint64_t> server_connection::progress() const {
  auto& x = *answer_;
  if (x.writing || (x.relayed && !x.relayed->awaits_origin()))
    return std::nullopt;
  return x.writes + (x.relayed ? x.relayed->received() : 0);
}

void server_connection::on_gone() {
  if (!closed_ && answer_)
    answer_->gone();
}

// -- ends ---------------------------------------------------------------------

bool server_connection::keep_alive() const {
  return client_persists_ && !broken_ && !closed_ && !upgraded_
         && !body_unread() && !(head_written_ && layout_.close)
         && (!head_written_ || response_done_);
}

void server_connection::close(bool abort) {
  if (std::exchange(closed_, true))
    return;
  end_watch();
  watch_.disarm();
  if (dial_)
    dial_->cancel();
  if (abort)
    return link_->reset();
  if (both_ended_)
    return link_->close();
  link_->cancel();
  start<server_connection, void>(ex_, shared_from_this(), linger(), nullptr);
}

/// Frees the descriptor at once: nothing is unread or unsent between requests.
void server_connection::close_idle() {
  if (std::exchange(closed_, true))
    return;
  end_watch();
  watch_.disarm();
  link_->close();
}

task<void> server_connection::linger() {
  std::vector<uint8_t> rest(request_block);
  auto link = link_;
  watchdog deadline{ex_, [link] { link->close(); }};
  deadline.arm(linger_wait);
  auto open = co_await link->finish_writing();
  while (open) {
    auto n = co_await link->read_some(rest);
    if (!n || *n == 0)
      break;
  }
  link->close();
  co_return result<void>{};
}

/// A deadline has passed.
void server_connection::on_overdue() {
  if (!dial_)
    return link_->cancel();
  overdue_ = std::make_unique<error>(dial_->overdue());
  dial_->cancel();
}

error server_connection::explain(error why) const {
  if (closed_)
    return make_error(errc::cancelled, "called off");
  if (watch_.expired())
    return make_error(errc::timed_out, "the client was quiet too long");
  return why;
}

} // namespace peapod::net

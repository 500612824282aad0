#include "hosts/net/http_exchange.hpp"

#include "hosts/net/connection_login.hpp"
#include "hosts/net/connection_reuse.hpp"
#include "hosts/net/http_format.hpp"
#include "hosts/net/http_lines.hpp"
#include "hosts/net/origin_dates.hpp"
#include "hosts/net/upstream_tunnel.hpp"

#include <algorithm>
#include <utility>

namespace peapod::net {

namespace {

constexpr size_t head_room = 4 * 1024;
constexpr size_t head_block = 16 * 1024;
constexpr size_t body_room = 16 * 1024;
constexpr size_t max_body_block = 256 * 1024;

/// Blocks that wait for the next exchanges.
constexpr size_t max_spare_blocks = 16;

/// More of them than any real server sends.
constexpr int max_interim_heads = 64;

/// How long an upgraded connection may be quiet.
constexpr auto upgraded_idle = std::chrono::minutes(10);

/// Sets a flag while an operation runs.
class scope_flag {
public:
  explicit scope_flag(bool& flag) : flag_(flag) {
    flag_ = true;
  }
  ~scope_flag() {
    flag_ = false;
  }
  scope_flag(const scope_flag&) = delete;

private:
  bool& flag_;
};

/// Why what an origin sent cannot be the head of a response.
std::string fault_of(const result<std::optional<size_t>>& size) {
  if (size)
    return "what it sent is not HTTP/1";
  return "malformed response: " + size.error().detail.substr(4);
}

} // namespace

exchange_state::exchange_state(std::shared_ptr<client_core> core,
                               request_head head, exchange_options options,
                               interim_handler on_interim)
  : core_(std::move(core)),
    head_(std::move(head)),
    options_(options),
    on_interim_(std::move(on_interim)),
    key_{head_.target.scheme,
         head_.target.host,
         head_.target.port,
         options.for_peer,
         core_->dialer.line_for({head_.target.host, head_.target.port},
                                options_.over),
         0,
         head_.from_elsewhere},
    via_(options.for_peer || key_.scheme != "http"
             ? nullptr
             : core_->dialer.upstream_for({key_.host, key_.port})),
    watch_(core_->ex, [this] { on_overdue(); }),
    established_(core_->ex),
    unsent_(head_.content_length),
    logged_in_(logs_in_connection(head_.fields)) {
  core_->exchanges.push_back(*this);
  established_.expires_at(asio::steady_timer::time_point::max());
  auto has_body = head_.framing == body_framing::chunked
                  || (head_.framing == body_framing::length && unsent_ > 0);
  sent_ = !has_body;
  if (core_->spare_blocks.empty())
    return;
  in_ = std::move(core_->spare_blocks.back());
  core_->spare_blocks.pop_back();
}

exchange_state::~exchange_state() {
  in_.recycle(head_block);
  if (in_.has_block() && core_->spare_blocks.size() < max_spare_blocks)
    core_->spare_blocks.push_back(std::move(in_));
}

void exchange_state::begin() {
  if (begin_at_once())
    return;
  auto done = [this](result<void> outcome) {
    connected_ = std::move(outcome);
    established_.cancel();
  };
  start<exchange_state, void>(core_->ex, shared_from_this(),
                              establish(options_.fresh_connection),
                              std::move(done));
}

uint64_t exchange_state::received() const {
  if (!link_ || !body_ || !link_->socket().is_open())
    return received_;
  boost::system::error_code ec;
  uint64_t held = link_->socket().available(ec);
  return ec ? received_ : received_ + std::min(held, body_->rest());
}

// -- connecting ---------------------------------------------------------------

task<void> exchange_state::establish(bool fresh) {
  auto text = format_request(head_, via_);
  if (!text)
    co_return text.error();
  lost_.reset();
  reused_ = !fresh && take_idle();
  if (!reused_) {
    auto connected = co_await connect();
    if (!connected) {
      if (may_repeat(connected.error()))
        co_return co_await establish(true);
      watch_.disarm();
      co_return explain(connected.error());
    }
  }
  auto link = link_;
  if (!link)
    co_return make_error(errc::cancelled, "called off");
  auto written = co_await link->write_text(*text);
  if (written)
    co_return result<void>{};
  if (may_repeat(written.error()))
    co_return co_await establish(true);
  co_return explain(written.error());
}

bool exchange_state::take_idle() {
  if (cancelled_)
    return false;
  if (head_.login != 0) {
    auto own = key_;
    own.login = head_.login;
    link_ = core_->pool->take(own);
    if (link_)
      return logged_in_ = true;
  }
  link_ =
      core_->pool->take(key_, can_repeat() ? certainty::any : certainty::high);
  return link_ != nullptr;
}

bool exchange_state::can_repeat() const {
  return head_.framing == body_framing::none && is_idempotent(head_.method);
}

/// A kept-alive connection that ended before it answered says nothing about
/// the request (RFC 9112, 9.3.1).
bool exchange_state::may_repeat(const error& why) const {
  return (lost_ || (why.code == errc::connection_closed && reused_))
         && !answered_ && !cancelled_ && !watch_.expired() && can_repeat();
}

task<void> exchange_state::connect() {
  if (cancelled_)
    co_return make_error(errc::cancelled, "called off");
  scope_flag connecting{connecting_};
  watch_.arm(options_.connect_timeout);
  auto socket = co_await dial();
  auto job = std::exchange(dial_, nullptr);
  if (!socket)
    co_return socket.error();
  if (cancelled_ || watch_.expired())
    co_return make_error(errc::cancelled, "called off");
  if (key_.scheme == "https") {
    const auto& context = core_->tls();
    if (!context)
      co_return context.error();
    auto tls = make_tls_transport(std::move(**socket), *context, key_.host);
    link_ = tls;
    if (auto secured = co_await tls->handshake(); !secured)
      co_return secured.error();
  } else {
    link_ = make_plain_transport(std::move(**socket), job->reached());
  }
  connecting_ = false;
  update_watch();
  co_return result<void>{};
}

task<socket_ptr> exchange_state::dial() {
  auto begin = [this](handler<socket_ptr> done) {
    host_port to{key_.host, key_.port};
    auto purpose = via_ ? dial_purpose::own_request : dial_purpose::own_tunnel;
    if (options_.for_peer)
      purpose = dial_purpose::peer;
    dial_ = core_->dialer.dial(to, purpose, options_.over, std::move(done),
                               reach_of(head_.from_elsewhere));
  };
  co_return co_await await_handler<socket_ptr>(begin);
}

/// Waits until the request's head has been sent.
task<void> exchange_state::ready() {
  if (!connected_)
    co_await established_.async_wait(as_value);
  if (!connected_)
    co_return make_error(errc::cancelled, "called off");
  if (*connected_ && cancelled_)
    co_return make_error(errc::cancelled, "called off");
  co_return *connected_;
}

// -- sending ------------------------------------------------------------------

task<void> exchange_state::write_body(body_part part) {
  if (auto connected = co_await ready(); !connected)
    co_return connected.error();
  if (!link_)
    co_return make_error(errc::connection_closed, "the exchange has ended");
  if (auto fits = count_sent(part); !fits)
    co_return fits.error();
  scope_flag writing{writing_};
  update_watch();
  result<void> written = make_error(errc::io_failed, "");
  if (upgraded_)
    written = co_await send_raw(part);
  else
    written = co_await send(part);
  writing_ = false;
  sent_ = sent_ || (written && part.last);
  update_watch();
  if (!written)
    co_return explain(written.error());
  finish_if_done();
  co_return result<void>{};
}

result<void> exchange_state::count_sent(const body_part& part) {
  if (upgraded_)
    return {};
  if (sent_ && !part.bytes.empty())
    return make_error(errc::bad_http, "the request has no more body");
  if (head_.framing != body_framing::length)
    return {};
  if (part.bytes.size() > unsent_)
    return make_error(errc::bad_http, "the body is longer than announced");
  unsent_ -= part.bytes.size();
  if (part.last && unsent_ > 0)
    return make_error(errc::bad_http, "the body is shorter than announced");
  return {};
}

task<void> exchange_state::send(const body_part& part) {
  if (sent_)
    co_return result<void>{};
  auto link = link_;
  std::vector<asio::const_buffer> bytes;
  auto chunked = head_.framing == body_framing::chunked;
  auto prefix = chunk_prefix(part.bytes.size());
  if (!part.bytes.empty()) {
    if (chunked)
      bytes.push_back(asio::buffer(prefix));
    bytes.push_back(asio::buffer(part.bytes.data(), part.bytes.size()));
    if (chunked)
      bytes.push_back(asio::buffer("\r\n", 2));
  }
  if (chunked && part.last)
    bytes.push_back(asio::buffer("0\r\n\r\n", 5));
  if (bytes.empty())
    co_return result<void>{};
  auto all = std::span<const asio::const_buffer>{bytes};
  co_return co_await link->write(all);
}

task<void> exchange_state::send_raw(const body_part& part) {
  auto link = link_;
  asio::const_buffer bytes{part.bytes.data(), part.bytes.size()};
  auto all = std::span<const asio::const_buffer>{&bytes, 1};
  if (!part.bytes.empty())
    if (auto written = co_await link->write(all); !written)
      co_return written.error();
  if (part.last)
    co_return co_await link->finish_writing();
  co_return result<void>{};
}

// -- receiving ----------------------------------------------------------------

/// A head that comes in one piece on a connection that stands, as most do,
/// takes no coroutine.
void exchange_state::read_head(handler<response_head> done) {
  if (!link_ || !connected_ || !*connected_ || cancelled_)
    return start<exchange_state, response_head>(core_->ex, shared_from_this(),
                                                await_head(std::nullopt),
                                                std::move(done));
  reading_ = true;
  update_watch();
  auto ready = [self = shared_from_this(), link = link_,
                done = std::move(done)](result<size_t> n) mutable {
    self->on_head_bytes(std::move(n), std::move(done));
  };
  link_->receive(in_.prepare(head_room, head_block), std::move(ready));
}

void exchange_state::on_head_bytes(result<size_t> n,
                                   handler<response_head> done) {
  std::optional<error> failure;
  if (!n) {
    failure = n.error();
  } else if (*n == 0) {
    failure = no_response();
  } else {
    in_.commit(*n);
    count_own(*n);
    answered_ = true;
    auto head = guarded([this] { return take_head(); });
    if (head && *head)
      return done(conclude_head(std::move(**head)));
    if (!head)
      failure = head.error();
  }
  start<exchange_state, response_head>(core_->ex, shared_from_this(),
                                       await_head(std::move(failure)),
                                       std::move(done));
}

/// Waits for the head; `failure` says why the first look was the last.
task<response_head> exchange_state::await_head(std::optional<error> failure) {
  if (auto connected = co_await ready(); !connected)
    co_return connected.error();
  scope_flag reading{reading_};
  update_watch();
  result<response_head> head = make_error(errc::internal, "");
  if (failure)
    head = *failure;
  else
    head = co_await receive_head();
  if (!head && may_repeat(head.error())) {
    if (auto again = co_await establish(true); !again)
      co_return again.error();
    update_watch();
    head = co_await receive_head();
  }
  co_return conclude_head(std::move(head));
}

result<response_head>
exchange_state::conclude_head(result<response_head> head) {
  reading_ = false;
  update_watch();
  if (!head)
    return explain(head.error());
  if (via_ && head->status == 407)
    return upstream_refusal(*via_, head->status);
  accept_head(*head);
  return head;
}

/// The final head; interim ones are passed on.
task<response_head> exchange_state::receive_head() {
  while (true) {
    auto head = take_head();
    if (!head)
      co_return head.error();
    if (*head)
      co_return std::move(**head);
    auto n = co_await receive(head_block);
    if (!n)
      co_return n.error();
    if (*n == 0)
      co_return no_response();
    answered_ = true;
  }
}

/// The final head out of what has come; nothing while it is not whole.
result<std::optional<response_head>> exchange_state::take_head() {
  while (true) {
    auto text = in_.unread();
    auto size = find_head_end(text);
    if (!size || !(may_begin_response(text) || may_begin_stream(text)))
      return make_error(errc::bad_http, key_.host + ": " + fault_of(size));
    if (!*size)
      return std::optional<response_head>{};
    auto head =
        parse_response_head(text.substr(0, **size), head_.method == "HEAD");
    in_.consume(**size);
    if (!head)
      return make_error(errc::bad_http, key_.host + ": " + head.error().detail);
    if (head->status == 101 && !head_.fields.find("Upgrade"))
      return make_error(errc::bad_http,
                        key_.host + ": switched protocols unasked");
    if (head->status >= 200 || head->status == 101)
      return std::optional<response_head>{std::move(*head)};
    if (on_interim_)
      on_interim_(std::move(*head));
    if (++interim_heads_ == max_interim_heads)
      return make_error(errc::bad_http, key_.host + ": no end of 1xx heads");
  }
}

error exchange_state::no_response() const {
  return make_error(errc::connection_closed,
                    key_.host + ": closed without a response");
}

/// Reads what is there into `in_`; 0 is the end of the stream.
task<size_t> exchange_state::receive(size_t block) {
  auto link = link_;
  if (!link)
    co_return make_error(errc::connection_closed, "the exchange has ended");
  auto room =
      in_.prepare(std::min(block, body_ ? body_room : head_room), block);
  auto n = co_await link->read_some(room);
  if (!n)
    co_return n.error();
  in_.commit(*n);
  count_own(*n);
  update_watch();
  co_return *n;
}

void exchange_state::count_own(uint64_t bytes) {
  if (core_->own && !options_.for_peer)
    core_->own->add(bytes);
}

void exchange_state::accept_head(const response_head& head) {
  // A peer could choose hosts that tell a wrong time.
  if (core_->dates && !options_.for_peer)
    core_->dates->saw(key_.host, head.fields);
  promised_ = keep_alive_time(head.fields);
  upgraded_ = head.status == 101;
  persists_ = persists(head.version, head.fields)
              && head.framing != body_framing::until_close;
  body_.emplace(head.framing, head.content_length.value_or(0),
                padding::removed);
  received_ = std::min<uint64_t>(in_.unread().size(), body_->rest());
  finish_if_done();
}

task<body_part> exchange_state::read_body(size_t limit) {
  if (!body_)
    co_return make_error(cancelled_ ? errc::cancelled : errc::connection_closed,
                         "there is no response");
  scope_flag reading{reading_};
  update_watch();
  while (true) {
    auto part = body_->next(in_, limit);
    if (!part) {
      give_up();
      co_return part.error();
    }
    if (*part) {
      reading_ = false;
      update_watch();
      finish_if_done();
      co_return std::move(**part);
    }
    auto n = co_await receive(block_size(limit));
    if (!n)
      co_return explain(n.error());
    received_ += *n;
    if (*n > 0)
      continue;
    auto last = body_->finish();
    finish_if_done();
    co_return last;
  }
}

/// Blocks are no larger than what is left, but serve several reads.
size_t exchange_state::block_size(size_t limit) const {
  auto most = std::clamp(limit, body_room, max_body_block);
  auto rest = std::max<uint64_t>(body_->rest(), 1);
  return static_cast<size_t>(std::min<uint64_t>(most, rest));
}

// -- ending -------------------------------------------------------------------

/// Lets the connection go when nothing more is to be read or written.
void exchange_state::finish_if_done() {
  if (!link_ || !body_ || upgraded_)
    return;
  if (!body_->done() && body_->rest() > 0)
    return;
  if (writing_)
    return;
  watch_.disarm();
  auto link = std::exchange(link_, nullptr);
  if (sent_ && persists_ && in_.unread().empty() && !cancelled_)
    keep(std::move(link));
  else
    link->close();
}

/// What is logged in for somebody serves nobody else.
void exchange_state::keep(std::shared_ptr<transport> link) {
  auto key = key_;
  if (logged_in_)
    key.login = head_.login;
  if (logged_in_ && key.login == 0)
    link->close();
  else
    core_->pool->put(key, std::move(link), promised_);
}

/// A deadline runs while something is awaited from the origin: the connection,
/// room to write, or, once it has the whole request, its answer.
void exchange_state::update_watch() {
  if (connecting_ || watch_.expired())
    return;
  if (writing_ || (reading_ && (sent_ || body_)))
    watch_.arm(upgraded_ ? duration{upgraded_idle} : options_.idle_timeout);
  else
    watch_.disarm();
}

void exchange_state::give_up() {
  if (dial_)
    dial_->cancel();
  if (link_)
    link_->reset();
}

void exchange_state::lose_unless_from(
    const std::vector<std::string>& addresses) {
  if (!link_ || upgraded_)
    return;
  auto gone = lost_source(link_->socket(), addresses);
  if (!gone)
    return;
  lost_ = make_error(errc::connection_closed,
                     key_.host + ": this device has lost its address " + *gone);
  give_up();
}

void exchange_state::cancel() {
  if (cancelled_)
    return;
  cancelled_ = true;
  watch_.disarm();
  established_.cancel();
  give_up();
}

/// A deadline has passed: says what was waited for.
void exchange_state::on_overdue() {
  if (dial_)
    overdue_ = dial_->overdue();
  else if (connecting_)
    overdue_ = make_error(errc::connect_timed_out,
                          key_.host + ": no TLS handshake in time");
  else
    overdue_ = make_error(errc::timed_out, key_.host + ": no answer in time");
  give_up();
}

error exchange_state::explain(error why) const {
  if (cancelled_)
    return make_error(errc::cancelled, "called off");
  if (lost_)
    return *lost_;
  if (watch_.expired() && overdue_)
    return *overdue_;
  return why;
}

} // namespace peapod::net

#include "hosts/net/http_server_stream.hpp"
#include "hosts/net/tunnel.hpp"

#include <chrono>
#include <optional>
#include <utility>

/// The parts of `server_connection` that move bytes between two connections.
namespace peapod::net {

namespace {

constexpr size_t piece_size = 256 * 1024;
constexpr auto dial_wait = std::chrono::seconds(15);

constexpr std::string_view opened_head =
    "HTTP/1.1 200 Connection established\r\n\r\n";

task<body_part> read_piece(http_exchange& from) {
  auto begin = [&from](handler<body_part> done) {
    from.read_body(piece_size, std::move(done));
  };
  co_return co_await await_handler<body_part>(begin);
}

task<void> write_piece(http_exchange& to, body_part part) {
  auto begin = [&to, &part](handler<void> done) {
    to.write_body(std::move(part), std::move(done));
  };
  co_return co_await await_handler<void>(begin);
}

} // namespace

// -- requests -----------------------------------------------------------------

task<relay_totals>
server_connection::relay_request(std::shared_ptr<http_exchange> origin) {
  relaying_request_ = true;
  auto last = !body_unread();
  while (!last) {
    auto part = co_await read_body(piece_size);
    if (!part) {
      relaying_request_ = false;
      client_failed_ = true;
      co_return part.error();
    }
    last = part->last;
    auto size = part->bytes.size();
    auto sent = co_await write_piece(*origin, std::move(*part));
    if (!sent) {
      relaying_request_ = false;
      co_return sent.error();
    }
    sent_to_origin_ += size;
  }
  relaying_request_ = false;
  co_return relay_totals{sent_to_origin_, 0};
}

/// Sends what is left of the request while its response is on its way. A
/// client that fails to send it will not get the response either; an origin
/// that stops taking it may still have one (RFC 9112, 9.5).
void server_connection::pump_request(
    const std::shared_ptr<http_exchange>& origin) {
  auto done = [this, origin](const result<relay_totals>& outcome) {
    if (!outcome && client_failed_ && !response_done_)
      origin->cancel();
  };
  start<server_connection, relay_totals>(
      ex_, shared_from_this(), relay_request(origin), std::move(done));
}

// -- responses ----------------------------------------------------------------

task<relay_totals>
server_connection::relay_response(std::shared_ptr<http_exchange> origin) {
  if (closed_)
    co_return make_error(errc::cancelled, "called off");
  if (upgraded_)
    co_return co_await relay_upgraded(std::move(origin));
  if (body_unread() && !relaying_request_)
    pump_request(origin);
  auto totals = co_await pump_response(origin);
  // What the origin has answered to does not need the rest of the request.
  if (body_unread() && relaying_request_) {
    origin->cancel();
    link_->cancel();
  }
  if (!totals) {
    origin->cancel();
    auto why = explain(totals.error());
    broken_ = true;
    close(true);
    co_return why;
  }
  co_return totals;
}

task<relay_totals>
server_connection::pump_response(std::shared_ptr<http_exchange> origin) {
  relay_totals totals;
  for (bool last = false; !last;) {
    auto part = co_await read_piece(*origin);
    if (!part)
      co_return part.error();
    last = part->last;
    auto size = part->bytes.size();
    auto written = co_await write_body(std::move(*part));
    if (!written)
      co_return written.error();
    totals.to_client += size;
  }
  totals.to_origin = sent_to_origin_;
  co_return totals;
}

/// After a 101: bytes both ways, until both sides have ended.
task<relay_totals>
server_connection::relay_upgraded(std::shared_ptr<http_exchange> origin) {
  body_.emplace(body_framing::until_close, 0);
  layout_.framing = body_framing::until_close;
  auto ended = std::make_shared<asio::steady_timer>(ex_);
  ended->expires_at(asio::steady_timer::time_point::max());
  auto running = std::make_shared<bool>(true);
  auto done = [this, ended, running, origin](const result<void>& outcome) {
    *running = false;
    ended->cancel();
    if (!outcome)
      origin->cancel();
  };
  start<server_connection, void>(ex_, shared_from_this(), pump_upgraded(origin),
                                 std::move(done));
  auto totals = co_await pump_response(origin);
  if (totals)
    static_cast<void>(co_await link_->finish_writing());
  else
    close(true);
  while (*running)
    co_await ended->async_wait(as_value);
  origin->cancel();
  if (totals)
    totals->to_origin = sent_to_origin_;
  co_return totals;
}

task<void>
server_connection::pump_upgraded(std::shared_ptr<http_exchange> origin) {
  for (bool last = false; !last;) {
    auto part = co_await read_body(piece_size);
    if (!part)
      co_return part.error();
    last = part->last;
    auto size = part->bytes.size();
    auto sent = co_await write_piece(*origin, std::move(*part));
    if (!sent)
      co_return sent.error();
    sent_to_origin_ += size;
  }
  co_return result<void>{};
}

// -- tunnels ------------------------------------------------------------------

task<relay_totals> server_connection::tunnel(host_port target,
                                             std::function<void()> opened) {
  if (closed_)
    co_return make_error(errc::cancelled, "called off");
  auto socket = co_await dial(std::move(target));
  if (!socket)
    co_return socket.error();
  auto origin = make_plain_transport(std::move(**socket));
  auto written = co_await link_->write_text(std::string{opened_head});
  if (!written)
    co_return explain(written.error());
  head_written_ = true;
  upgraded_ = true;
  if (opened)
    opened();
  auto early = std::string{in_.unread()};
  in_.consume(early.size());
  in_.shrink();
  auto totals = co_await run_tunnel(link_, origin, std::move(early));
  if (!totals)
    co_return explain(totals.error());
  co_return totals;
}

task<socket_ptr> server_connection::dial(host_port target) {
  std::optional<error> overdue;
  watchdog deadline{ex_, [this, &overdue] {
                      if (!dial_)
                        return;
                      overdue = dial_->overdue();
                      dial_->cancel();
                    }};
  deadline.arm(dial_wait);
  auto begin = [this, &target](handler<socket_ptr> done) {
    dial_ = dialer_->dial(target, dial_purpose::own_tunnel, std::move(done));
  };
  auto socket = co_await await_handler<socket_ptr>(begin);
  dial_.reset();
  if (closed_)
    co_return make_error(errc::cancelled, "called off");
  if (!socket && overdue)
    co_return *overdue;
  co_return socket;
}

} // namespace peapod::net

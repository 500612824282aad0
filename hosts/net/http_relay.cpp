#include "hosts/net/http_server_stream.hpp"
#include "hosts/net/tcp_connection.hpp"
#include "hosts/net/tunnel.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <utility>

/// The parts of `server_connection` that move bytes between two connections.
namespace peapod::net {

namespace {

constexpr size_t piece_size = 256 * 1024;
/// Shorter bodies are copied.
constexpr uint64_t least_moved = 16 * 1024;

constexpr auto dial_wait = std::chrono::seconds(15);

constexpr std::string_view opened_head =
    "HTTP/1.1 200 Connection established\r\n\r\n";

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
      request_cut_off_ = true;
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
  auto state = state_of(*origin);
  if (!state)
    co_return make_error(errc::internal, "an exchange of another client");
  if (upgraded_) {
    if (auto written = co_await flush_head(); !written)
      co_return explain(written.error());
    co_return co_await relay_upgraded(std::move(state));
  }
  if (body_unread() && !relaying_request_)
    pump_request(origin);
  if (answer_)
    answer_->relayed = state;
  auto totals = co_await pump_response(std::move(state));
  if (answer_)
    answer_->relayed.reset();
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

/// The head waits for the first bytes of the body if they are here already.
void server_connection::pass_response(response_head head,
                                      std::shared_ptr<http_exchange> origin,
                                      handler<relay_totals> done) {
  if (closed_)
    return answer_later(ex_, std::move(done),
                        make_error(errc::cancelled, "called off"));
  auto text = begin_response(head);
  if (!text)
    return answer_later(ex_, std::move(done), text.error());
  held_head_ = std::move(*text);
  uint64_t passed = 0;
  if (pass_now(*origin, passed))
    return answer_later(ex_, std::move(done),
                        relay_totals{sent_to_origin_, passed});
  auto ended = [passed, done = std::move(done)](result<relay_totals> totals) {
    if (totals)
      totals->to_client += passed;
    done(std::move(totals));
  };
  start<server_connection, relay_totals>(ex_, shared_from_this(),
                                         relay_response(std::move(origin)),
                                         std::move(ended));
}

/// Whether a response that is here as a whole, as most are, has gone out
/// without a coroutine. Of one that the client does not take at once `passed`
/// bytes of the body have.
bool server_connection::pass_now(const http_exchange& port, uint64_t& passed) {
  auto origin = state_of(port);
  if (!origin || upgraded_ || body_unread())
    return false;
  auto body = origin->whole_body();
  auto fits =
      layout_.framing == body_framing::length
          ? body && body->size() == unwritten_
          : body && body->empty() && layout_.framing == body_framing::none;
  if (!fits)
    return false;
  auto size = body->size();
  std::array<asio::const_buffer, 2> both{
      asio::buffer(held_head_), asio::const_buffer{body->data(), size}};
  auto sent = link_->write_now(both);
  auto of_head = std::min(sent, held_head_.size());
  passed = sent - of_head;
  held_head_.erase(0, of_head);
  origin->take_body(passed);
  if (layout_.framing == body_framing::length)
    unwritten_ -= passed;
  if (!held_head_.empty() || passed < size)
    return false;
  response_done_ = true;
  return true;
}

task<void> server_connection::flush_head() {
  if (held_head_.empty())
    co_return result<void>{};
  auto head = std::exchange(held_head_, {});
  auto written = co_await link_->write_text(std::move(head));
  broken_ = broken_ || !written;
  co_return written;
}

task<relay_totals>
server_connection::pump_response(std::shared_ptr<exchange_state> origin) {
  relay_totals totals;
  for (bool last = false; !last;) {
    if (may_move(*origin)) {
      auto moved = co_await move_response(*origin);
      if (!moved)
        co_return moved.error();
      totals.to_client += *moved;
      break;
    }
    if (!origin->has_part())
      if (auto written = co_await flush_head(); !written)
        co_return written.error();
    auto part = co_await origin->read_body(piece_size);
    if (!part) {
      // The client sees that there was an answer, which did not end.
      static_cast<void>(co_await flush_head());
      co_return part.error();
    }
    last = part->last;
    auto size = part->bytes.size();
    body_parts parts{std::move(part->bytes), last};
    auto written = co_await write_body(std::move(parts));
    if (!written)
      co_return written.error();
    totals.to_client += size;
  }
  if (auto written = co_await flush_head(); !written)
    co_return written.error();
  totals.to_origin = sent_to_origin_;
  co_return totals;
}

/// Whether the rest of the body can go from socket to socket.
bool server_connection::may_move(const exchange_state& origin) const {
  auto rest = origin.movable_body();
  if (!rest || closed_ || response_done_ || !link_->is_plain())
    return false;
  if (layout_.framing == body_framing::length)
    return *rest == unwritten_ && *rest >= least_moved;
  return layout_.framing != body_framing::none;
}

task<uint64_t> server_connection::move_response(exchange_state& origin) {
  auto chunked = layout_.framing == body_framing::chunked;
  auto head = std::exchange(held_head_, {});
  auto moved =
      co_await origin.move_body(link_, tools(), chunked, std::move(head));
  if (!moved) {
    broken_ = true;
    co_return explain(moved.error());
  }
  unwritten_ = 0;
  response_done_ = true;
  co_return moved;
}

/// After a 101: bytes both ways, until both sides have ended.
task<relay_totals>
server_connection::relay_upgraded(std::shared_ptr<exchange_state> origin) {
  auto [link, early] = origin->take_upgraded();
  if (!link)
    co_return make_error(errc::cancelled, "called off");
  tunnel_ends ends{link_, std::move(link), take_unread(), std::move(early),
                   shared_->own};
  auto begin = [&](handler<relay_totals> done) {
    run_tunnel(std::move(ends), shared_->limits, tools(), std::move(done));
  };
  auto totals = co_await await_handler<relay_totals>(begin);
  if (totals) {
    end_both();
    co_return totals;
  }
  auto why = explain(totals.error());
  broken_ = true;
  close(true);
  co_return why;
}

// -- tunnels ------------------------------------------------------------------

/// Whom to tell of a tunnel that is being opened.
struct server_connection::opening {
  std::function<void()> opened;
  handler<relay_totals> done;
  std::shared_ptr<transport> origin = nullptr;
  /// What was read from a client that has its 200 already.
  std::optional<std::string> first = std::nullopt;
};

/// No coroutine: most of a browser's connections are opened so, and an open
/// tunnel needs no more than its two sockets.
void server_connection::tunnel(host_port target, line_wish over,
                               std::function<void()> opened,
                               handler<relay_totals> done) {
  dial_tunnel(target, over, {std::move(opened), std::move(done)});
}

void server_connection::resume_tunnel(host_port target, line_wish over,
                                      slice first, handler<relay_totals> done) {
  dial_tunnel(target, over,
              {nullptr, std::move(done), nullptr, std::string{first.text()}});
}

void server_connection::accept_tunnel(
    handler<std::shared_ptr<tunnel_stream>> done) {
  auto written = [self = shared_from_this(),
                  done = std::move(done)](const result<void>& outcome) {
    if (self->closed_)
      return done(make_error(errc::cancelled, "called off"));
    if (!outcome)
      return done(self->explain(outcome.error()));
    self->head_written_ = true;
    self->upgraded_ = true;
    slice early{std::string_view{self->take_unread()}};
    done(make_tunnel_stream(self->link_, std::move(early)));
  };
  start<server_connection, void>(ex_, shared_from_this(),
                                 link_->write_text(std::string{opened_head}),
                                 std::move(written));
}

void server_connection::dial_tunnel(const host_port& target,
                                    const line_wish& over, opening what) {
  if (closed_)
    return answer_later(ex_, std::move(what.done),
                        make_error(errc::cancelled, "called off"));
  auto dialled = [self = shared_from_this(),
                  what = std::move(what)](result<socket_ptr> socket) mutable {
    auto done = what.done;
    auto went_on = guarded([&]() -> result<void> {
      self->on_dialled(std::move(socket), std::move(what));
      return {};
    });
    if (!went_on)
      done(went_on.error());
  };
  watch_.arm(dial_wait);
  dial_ = shared_->dialer.dial(target, dial_purpose::own_tunnel, over,
                               std::move(dialled), reach_of(from_elsewhere_));
}

void server_connection::on_dialled(result<socket_ptr> socket, opening what) {
  auto job = std::exchange(dial_, nullptr);
  watch_.disarm();
  auto overdue = std::exchange(overdue_, nullptr);
  if (closed_)
    return what.done(make_error(errc::cancelled, "called off"));
  if (!socket)
    return what.done(overdue ? *overdue : socket.error());
  what.origin = make_plain_transport(std::move(**socket), job->reached());
  if (what.first)
    return on_opened({}, std::move(what));
  asio::const_buffer bytes{opened_head.data(), opened_head.size()};
  auto sent = link_->write_now(std::span<const asio::const_buffer>{&bytes, 1});
  if (sent == bytes.size())
    return on_opened({}, std::move(what));
  auto rest = link_->write_text(std::string{opened_head.substr(sent)});
  auto written = [this, what = std::move(what)](result<void> outcome) mutable {
    on_opened(std::move(outcome), std::move(what));
  };
  start<server_connection, void>(ex_, shared_from_this(), std::move(rest),
                                 std::move(written));
}

void server_connection::on_opened(result<void> written, opening what) {
  if (!written)
    return what.done(explain(written.error()));
  head_written_ = true;
  upgraded_ = true;
  if (what.opened)
    what.opened();
  auto ended = [self = shared_from_this(),
                done = std::move(what.done)](result<relay_totals> totals) {
    if (totals)
      self->end_both();
    else
      totals = self->explain(totals.error());
    done(std::move(totals));
  };
  auto first = what.first ? std::move(*what.first) : take_unread();
  tunnel_ends ends{
      link_, std::move(what.origin), std::move(first), {}, shared_->own};
  run_tunnel(std::move(ends), shared_->limits, tools(), std::move(ended));
}

/// A tunnel has ended on both sides: by closing the connection, the client is
/// told.
void server_connection::end_both() {
  both_ended_ = true;
  link_->close();
}

/// What the client has sent behind its request, from which on it is no HTTP;
/// frees the buffer.
std::string server_connection::take_unread() {
  end_watch();
  answer_.reset();
  std::string out{in_.unread()};
  in_.consume(out.size());
  give_block_back();
  return out;
}

} // namespace peapod::net

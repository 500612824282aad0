#include "hosts/net/http_exchange.hpp"

#include "hosts/net/http_format.hpp"

#include <utility>

/// The parts of `exchange_state` that let a request leave without a turn of the
/// event loop, and a body pass from socket to socket.
namespace peapod::net {

/// Keeps what the exchange knows of its body up to date while a pump moves it.
class exchange_state::mover final : public pump::owner,
                                    public std::enable_shared_from_this<mover> {
public:
  mover(std::shared_ptr<exchange_state> exchange, std::shared_ptr<transport> to,
        std::shared_ptr<pump_tools> tools, pump::options how)
    : exchange_(std::move(exchange)),
      from_(exchange_->link_),
      to_(std::move(to)),
      tools_(std::move(tools)),
      pump_(*this, *from_, *to_, *tools_, how) {}

  void start(std::string first, handler<uint64_t> done) {
    done_ = std::move(done);
    exchange_->reading_ = true;
    exchange_->update_watch();
    pump_.start(std::move(first));
  }

  std::shared_ptr<void> keep_alive() override {
    return shared_from_this();
  }

  void on_moved(pump&) override {
    count();
    exchange_->reading_ = true;
    exchange_->update_watch();
  }

  /// A slow client is not the origin's fault.
  void on_blocked(pump&) override {
    exchange_->reading_ = false;
    exchange_->update_watch();
  }

  void on_end(pump&, result<pump::ending> how) override {
    count();
    exchange_->reading_ = false;
    exchange_->update_watch();
    if (how && *how == pump::ending::source_ended)
      if (auto last = exchange_->body_->finish(); !last)
        how = last.error();
    result<uint64_t> out = counted_;
    if (how)
      exchange_->finish_if_done();
    else
      out = exchange_->explain(how.error());
    std::exchange(done_, nullptr)(std::move(out));
  }

private:
  void count() {
    auto n = pump_.taken() - std::exchange(counted_, pump_.taken());
    exchange_->received_ += n;
    exchange_->count_own(n);
    exchange_->body_->skip(n);
  }

  std::shared_ptr<exchange_state> exchange_;
  std::shared_ptr<transport> from_;
  std::shared_ptr<transport> to_;
  std::shared_ptr<pump_tools> tools_;
  pump pump_;
  handler<uint64_t> done_;
  uint64_t counted_ = 0;
};

/// Sends the head on a kept-alive connection, if there is one.
bool exchange_state::begin_at_once() {
  if (options_.fresh_connection)
    return false;
  auto text = format_request(head_, via_);
  if (!text || !take_idle())
    return false;
  reused_ = true;
  asio::const_buffer bytes{text->data(), text->size()};
  auto sent = link_->write_now({&bytes, 1});
  text->erase(0, sent);
  if (sent == 0 && link_->is_plain()) {
    // Nobody has seen any of it: whatever it asks for, it can go elsewhere.
    std::exchange(link_, nullptr)->close();
    options_.fresh_connection = true;
    reused_ = false;
    return false;
  }
  if (text->empty()) {
    connected_ = result<void>{};
    return true;
  }
  auto done = [this](result<void> outcome) {
    connected_ = std::move(outcome);
    established_.cancel();
  };
  start<exchange_state, void>(core_->ex, shared_from_this(),
                              finish_head(std::move(*text)), std::move(done));
  return true;
}

task<void> exchange_state::finish_head(std::string rest) {
  auto link = link_;
  if (!link)
    co_return make_error(errc::cancelled, "called off");
  auto written = co_await link->write_text(std::move(rest));
  if (written)
    co_return result<void>{};
  if (may_repeat(written.error()))
    co_return co_await establish(true);
  co_return explain(written.error());
}

std::optional<std::string_view> exchange_state::whole_body() const {
  if (!body_ || upgraded_ || body_->done() || !body_->is_raw()
      || body_->rest() > in_.unread().size())
    return std::nullopt;
  return in_.unread().substr(0, body_->rest());
}

void exchange_state::take_body(size_t n) {
  in_.consume(n);
  body_->skip(n);
  finish_if_done();
}

std::optional<uint64_t> exchange_state::movable_body() const {
  if (!link_ || !link_->is_plain() || !body_ || upgraded_ || body_->done()
      || !body_->is_raw() || body_->rest() == 0 || !in_.unread().empty())
    return std::nullopt;
  return body_->rest();
}

task<uint64_t> exchange_state::move_body(std::shared_ptr<transport> to,
                                         std::shared_ptr<pump_tools> tools,
                                         bool chunked, std::string first) {
  auto rest = movable_body();
  if (!rest || cancelled_)
    co_return make_error(cancelled_ ? errc::cancelled : errc::connection_closed,
                         "there is no response");
  in_.shrink();
  auto work = std::make_shared<mover>(
      shared_from_this(), std::move(to), std::move(tools),
      pump::options{.limit = *rest, .chunked = chunked});
  auto begin = [&](handler<uint64_t> done) {
    std::exchange(work, nullptr)->start(std::move(first), std::move(done));
  };
  co_return co_await await_handler<uint64_t>(begin);
}

std::pair<std::shared_ptr<transport>, std::string>
exchange_state::take_upgraded() {
  watch_.disarm();
  std::string early{in_.unread()};
  in_.consume(early.size());
  in_.shrink();
  return {cancelled_ ? nullptr : link_, std::move(early)};
}

} // namespace peapod::net

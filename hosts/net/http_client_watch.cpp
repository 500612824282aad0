#include "hosts/net/http_client_watch.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/error.hpp>

#include <utility>

namespace peapod::net {

namespace {

using boost::system::error_code;

/// Looks into which the patience with a half-closed client is divided.
constexpr unsigned looks = 4;

} // namespace

client_watch::client_watch(owner& whose, std::shared_ptr<transport> client,
                           client_patience how)
  : owner_(whose),
    client_(std::move(client)),
    how_(how),
    watch_(client_->socket().get_executor(), [this] { on_deadline(); }) {}

void client_watch::begin() {
  stage_ = stage::waiting;
  watch_.arm(how_.look_after);
}

/// Nothing of it is left in the socket when this returns: another read must
/// not wait behind one that takes nothing.
void client_watch::end() {
  watch_.disarm();
  ++round_;
  if (std::exchange(stage_, stage::idle) >= stage::looking)
    stop_.emit(asio::cancellation_type::all);
}

void client_watch::read_on() {
  if (stage_ < stage::looking)
    return;
  end();
  begin();
}

/// Calls `seen` unless the watch has ended meanwhile.
template <class Seen>
auto client_watch::once(Seen seen) {
  auto handler = [keep = shared_from_this(), round = round_,
                  seen](const error_code& ec, size_t = 0) {
    if (round == keep->round_ && ec != asio::error::operation_aborted)
      seen(ec);
  };
  return asio::bind_cancellation_slot(stop_.slot(), std::move(handler));
}

void client_watch::on_deadline() {
  if (stage_ == stage::half_closed)
    count_silence();
  else if (owner_.reads_client())
    watch_.arm(how_.look_after);
  else
    look();
}

/// What is left of a request hides the client's end, but not a reset.
void client_watch::look() {
  stage_ = stage::looking;
  if (owner_.will_read_client())
    return wait_for_reset();
  client_->socket().async_receive(
      asio::buffer(&seen_, 1), asio::socket_base::message_peek,
      once([this](const error_code& ec) { on_seen(ec); }));
}

/// Behind its next request the client's end cannot be seen, but a reset can.
void client_watch::on_seen(const error_code& ec) {
  if (ec && ec != asio::error::eof)
    return lose();
  if (ec) {
    stage_ = stage::half_closed;
    silent_ = 0;
    progress_ = owner_.progress();
    watch_.arm(how_.half_closed / looks);
  }
  wait_for_reset();
}

void client_watch::wait_for_reset() {
  auto look = once([this](const error_code& ec) {
    // Urgent data is no reset; looking again for it would never end.
    if (ec || client_->take_failure())
      lose();
  });
  client_->socket().async_wait(asio::socket_base::wait_error, std::move(look));
}

void client_watch::count_silence() {
  auto now = owner_.progress();
  silent_ = now && now == progress_ ? silent_ + 1 : 0;
  progress_ = now;
  if (silent_ == looks)
    lose();
  else
    watch_.arm(how_.half_closed / looks);
}

void client_watch::lose() {
  end();
  owner_.on_gone();
}

} // namespace peapod::net

#include "hosts/net/control_writer.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <charconv>
#include <utility>

namespace peapod::net {

namespace {

namespace asio = boost::asio;

/// What comes within this time goes out together: a busy source costs fifty
/// writes a second, not one for each item.
constexpr auto gathering = std::chrono::milliseconds(20);

std::string to_chunk(const std::string& text) {
  std::array<char, 16> digits{};
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                           text.size(), 16);
  return std::string(digits.data(), end.ptr) + "\r\n" + text + "\r\n";
}

} // namespace

control_writer::control_writer(control_client& client,
                               std::unique_ptr<control_stream> source,
                               control_limits limits, bool chunked)
  : client_(client),
    source_(std::move(source)),
    limits_(limits),
    chunked_(chunked),
    timer_(client.get_executor()) {}

void control_writer::start(std::string head, std::function<void()> ended) {
  ended_ = std::move(ended);
  watch();
  send(std::move(head));
}

void control_writer::stop() {
  ended_ = nullptr;
  source_ = nullptr;
  timer_.cancel();
}

void control_writer::finish() {
  // A copy: `stop` may be called from within.
  if (auto ended = std::exchange(ended_, nullptr))
    ended();
}

/// A client that goes away is noticed at once. One that sends something more
/// is not listened to.
void control_writer::watch() {
  client_.expires_never();
  client_.async_read_some(asio::buffer(&unwanted_, 1),
                          [self = shared_from_this()](error_code ec, size_t) {
                            if (ec)
                              self->finish();
                          });
}

void control_writer::next() {
  if (!ended_)
    return;
  auto piece = source_->pull(make_ready());
  last_ = piece.last;
  if (!piece.text.empty() || last_)
    send(framed(std::move(piece.text)));
  else
    wait();
}

/// For the source, or until it is time for a sign of life.
void control_writer::wait() {
  waits_ = true;
  timer_.expires_after(limits_.heartbeat);
  timer_.async_wait([self = shared_from_this()](error_code ec) {
    if (ec || !self->ended_ || !std::exchange(self->waits_, false))
      return;
    self->send(self->framed(self->source_->heartbeat()));
  });
}

void control_writer::woken() {
  if (!ended_ || !std::exchange(waits_, false))
    return;
  timer_.expires_after(gathering);
  timer_.async_wait([self = shared_from_this()](error_code ec) {
    if (!ec)
      self->next();
  });
}

void control_writer::send(std::string text) {
  out_ = std::move(text);
  sent_ = 0;
  write();
}

void control_writer::write() {
  // For each part: a slow client is not a stuck one.
  client_.expires_after(limits_.silence);
  client_.async_write_some(
      asio::buffer(out_) + sent_,
      [self = shared_from_this()](error_code ec, size_t count) {
        self->written(ec, count);
      });
}

void control_writer::written(error_code ec, size_t count) {
  if (!ended_)
    return;
  sent_ += count;
  if (ec || (last_ && sent_ == out_.size()))
    finish();
  else if (sent_ < out_.size())
    write();
  else
    next();
}

std::string control_writer::framed(std::string text) const {
  if (!chunked_)
    return text;
  auto out = text.empty() ? std::string{} : to_chunk(text);
  return last_ ? out + "0\r\n\r\n" : out;
}

/// The source may outlive the connection, and calls from any thread.
std::function<void()> control_writer::make_ready() {
  return [weak = weak_from_this(), executor = client_.get_executor()] {
    asio::post(executor, [weak] {
      if (auto self = weak.lock())
        self->woken();
    });
  };
}

} // namespace peapod::net

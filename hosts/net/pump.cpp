#include "hosts/net/pump.hpp"

#include "hosts/net/http_format.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

namespace peapod::net {

namespace {

using boost::system::error_code;

/// Fills in a row before other connections have their turn.
constexpr int max_rounds = 8;

/// From how many bytes at a time on a pipe is cheaper than a copy, and below
/// how many it no longer is.
constexpr size_t bulk_from = 16 * 1024;
constexpr size_t bulk_below = 4 * 1024;

bool is_would_block(const error_code& ec) {
  return ec == asio::error::would_block || ec == asio::error::try_again;
}

error_code last_error() {
  return {errno, boost::system::system_category()};
}

} // namespace

pump::pump(owner& whose, transport& from, transport& to, pump_tools& tools,
           options how)
  : owner_(whose), from_(from), to_(to), tools_(tools), options_(how) {}

pump::~pump() = default;

void pump::start(std::string first) {
  text_ = std::move(first);
  // Who opens a tunnel seldom has something to say before it knows of it.
  if (text_.empty() && options_.watch_resets)
    wait_for_source();
  else
    later();
}

void pump::later() {
  asio::post(from_.socket().get_executor(),
             [this, keep = owner_.keep_alive()] { go(); });
}

void pump::go() {
  if (over_)
    return;
  auto before = taken_ + given_;
  auto next = verdict::go_on;
  for (int i = 0; next == verdict::go_on && i < max_rounds; ++i)
    next = step();
  if (next == verdict::over) {
    end(failure_        ? result<ending>{*failure_}
        : source_ended_ ? result<ending>{ending::source_ended}
                        : result<ending>{ending::limit_reached});
    return;
  }
  if (taken_ + given_ != before)
    owner_.on_moved(*this);
  if (next == verdict::go_on)
    later();
  else if (next == verdict::wait_for_source)
    wait_for_source();
  else
    wait_for_room();
}

pump::verdict pump::step() {
  if (auto out = drain(); out != verdict::go_on)
    return out;
  if (source_ended_ || taken_ == options_.limit)
    return verdict::over;
  return fill();
}

// -- towards the destination --------------------------------------------------

pump::verdict pump::drain() {
  if (auto out = drain_text(); out != verdict::go_on)
    return out;
  return drain_pipe();
}

pump::verdict pump::drain_text() {
  while (text_sent_ < text_.size()) {
    error_code ec;
    auto rest = asio::buffer(text_) + text_sent_;
    auto n = to_.socket().write_some(rest, ec);
    if (is_would_block(ec))
      return verdict::wait_for_room;
    if (ec)
      return fail(ec, to_);
    text_sent_ += n;
    given_ += n;
  }
  // A large one is given back: most connections are quiet most of the time.
  if (text_.capacity() > 256)
    std::string{}.swap(text_);
  text_.clear();
  text_sent_ = 0;
  return verdict::go_on;
}

pump::verdict pump::drain_pipe() {
  while (pipe_ && pipe_->held() > 0) {
    auto n = pipe_->drain_to(to_.socket().native_handle(), false);
    if (n > 0)
      given_ += static_cast<size_t>(n);
    else if (n < 0 && errno == EINTR)
      continue;
    else if (n < 0 && is_would_block(last_error()))
      return verdict::wait_for_room;
    else
      return fail(n < 0 ? last_error() : error_code{asio::error::broken_pipe},
                  to_);
  }
  return verdict::go_on;
}

// -- from the source ----------------------------------------------------------

pump::verdict pump::fill() {
  auto most = options_.limit - taken_;
  if (bulk_ && spliceable_ && !pipe_)
    pipe_ = tools_.pipes.take();
  if (bulk_ && pipe_)
    return fill_pipe(
        static_cast<size_t>(std::min<uint64_t>(most, pipe_->capacity())));
  release_pipe();
  return fill_text(
      static_cast<size_t>(std::min<uint64_t>(most, tools_.scratch.size())));
}

pump::verdict pump::fill_pipe(size_t most) {
  auto n = pipe_->fill_from(from_.socket().native_handle(), most);
  if (n > 0) {
    auto size = static_cast<size_t>(n);
    bulk_ = size >= bulk_below;
    begin_chunk(size);
    return took(size);
  }
  if (n == 0)
    return source_ended();
  auto ec = last_error();
  if (ec.value() == EINTR)
    return verdict::go_on;
  release_pipe();
  if (is_would_block(ec))
    return verdict::wait_for_source;
  if (ec.value() != EINVAL)
    return fail(ec, from_);
  spliceable_ = false;
  return verdict::go_on;
}

pump::verdict pump::fill_text(size_t most) {
  error_code ec;
  auto room = asio::buffer(tools_.scratch.data(), most);
  auto n = from_.socket().read_some(room, ec);
  if (is_would_block(ec))
    return verdict::wait_for_source;
  if (ec == asio::error::eof)
    return source_ended();
  if (ec)
    return fail(ec, from_);
  bulk_ = n >= bulk_from;
  took(n);
  return pass_on(tools_.scratch.data(), n);
}

/// Keeps only what the destination does not take at once.
pump::verdict pump::pass_on(const uint8_t* bytes, size_t n) {
  auto* text = reinterpret_cast<const char*>(bytes);
  begin_chunk(n);
  if (!text_.empty()) {
    text_.append(text, n);
    return verdict::go_on;
  }
  error_code ec;
  auto sent = to_.socket().write_some(asio::buffer(bytes, n), ec);
  if (ec && !is_would_block(ec))
    return fail(ec, to_);
  given_ += sent;
  text_.assign(text + sent, n - sent);
  return verdict::go_on;
}

pump::verdict pump::took(size_t n) {
  taken_ += n;
  return verdict::go_on;
}

pump::verdict pump::source_ended() {
  source_ended_ = true;
  release_pipe();
  if (options_.chunked)
    text_ += in_chunk_ ? "\r\n0\r\n\r\n" : "0\r\n\r\n";
  return verdict::go_on;
}

void pump::begin_chunk(size_t n) {
  if (!options_.chunked)
    return;
  if (std::exchange(in_chunk_, true))
    text_ += "\r\n";
  text_ += chunk_prefix(n);
}

void pump::release_pipe() {
  if (pipe_)
    tools_.pipes.give_back(std::move(*pipe_));
  pipe_.reset();
}

// -- waiting ------------------------------------------------------------------

/// Looks at one byte: to wait without looking makes Asio tell the system anew
/// what it waits for, who then reports each time that the socket has room.
void pump::wait_for_source() {
  release_pipe();
  auto ready = [this, keep = owner_.keep_alive()](error_code ec, size_t) {
    if (over_)
      return;
    if (ec && ec != asio::error::eof)
      return end(transport_error(ec, from_.name()));
    if (ec)
      source_ended();
    go();
  };
  from_.socket().async_receive(asio::buffer(&seen_, 1),
                               asio::socket_base::message_peek,
                               std::move(ready));
}

void pump::wait_for_room() {
  owner_.on_blocked(*this);
  watch_for_reset();
  auto ready = [this, keep = owner_.keep_alive()](error_code ec) {
    if (ec)
      end(transport_error(ec, to_.name()));
    else
      go();
  };
  to_.socket().async_wait(asio::socket_base::wait_write, std::move(ready));
}

/// Nothing is read from the source while the destination is full.
void pump::watch_for_reset() {
  if (!options_.watch_resets || std::exchange(watching_, true))
    return;
  auto look = [this, keep = owner_.keep_alive()](error_code ec) {
    if (ec || over_)
      return;
    // Urgent data is no reset; looking again for it would never end.
    if (auto failure = from_.take_failure())
      end(transport_error(failure, from_.name()));
  };
  from_.socket().async_wait(asio::socket_base::wait_error, std::move(look));
}

// -- ends ---------------------------------------------------------------------

pump::verdict pump::fail(const error_code& ec, const transport& who) {
  failure_ = std::make_unique<error>(transport_error(ec, who.name()));
  return verdict::over;
}

void pump::end(result<ending> how) {
  if (std::exchange(over_, true))
    return;
  release_pipe();
  owner_.on_end(*this, std::move(how));
}

} // namespace peapod::net

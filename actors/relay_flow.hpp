#pragma once

#include "actors/environment.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <utility>

namespace peapod {

/// What one end of a relayed tunnel does with bytes: reads a connection and
/// gives them to a session, as far as there is credit; writes what the session
/// brings, and gives credit for what has gone to the kernel. So neither side
/// holds more than a window of the other's bytes.
class relay_flow {
public:
  relay_flow() = default;
  relay_flow(uint64_t tunnel, caf::strong_actor_ptr session)
    : tunnel_(tunnel), session_(std::move(session)) {}

  uint64_t tunnel() const {
    return tunnel_;
  }

  bool is_connected() const {
    return stream_ != nullptr;
  }

  /// Both directions have ended, and all of it has gone on.
  bool is_done() const {
    return said_end_ && no_more_to_write_ && writes_.empty();
  }

  /// Bytes that came from the connection, and that went to it.
  uint64_t read() const {
    return read_;
  }
  uint64_t written() const {
    return written_;
  }

  void connect(std::shared_ptr<tunnel_stream> stream) {
    stream_ = std::move(stream);
  }

  /// Reads no more; whether a `stream_read` is still to come.
  bool stop_reading() {
    if (reading_)
      stream_->stop_reading();
    return reading_;
  }

  /// Lets go of the connection without closing it.
  void release() {
    stream_.reset();
  }

  /// Reads on, if the other end takes more.
  template <class Self>
  void read_on(Self* self) {
    if (!stream_ || reading_ || stream_ended_ || !held_.empty()
        || may_send_ == 0)
      return;
    reading_ = true;
    stream_->read_some(send_back(self, [](result<slice> outcome) {
      return stream_read{std::move(outcome)};
    }));
  }

  /// What was read, or nothing when that was the end or a failure: the tunnel
  /// `is_broken` then, or goes on in the other direction.
  std::optional<slice> take(const stream_read& msg) {
    reading_ = false;
    if (msg.outcome) {
      read_ += msg.outcome->size();
      return *msg.outcome;
    }
    stream_ended_ = msg.outcome.error().code == errc::connection_closed;
    broken_ = !stream_ended_;
    return std::nullopt;
  }

  /// The connection has failed.
  bool is_broken() const {
    return broken_;
  }

  /// Sends what was read, as far as there is credit; then the end, if it has
  /// come.
  void pass_on(slice bytes) {
    held_ = std::move(bytes);
    send_held();
  }

  void send_held() {
    auto part = held_.sub(0, may_send_);
    if (!part.empty()) {
      may_send_ -= part.size();
      held_ = held_.sub(part.size());
      tell(session_, relay_bytes{tunnel_, std::move(part)});
    }
    if (held_.empty() && stream_ended_ && !std::exchange(said_end_, true))
      tell(session_, relay_closed{tunnel_, wire2::tunnel_end::finished, {}});
  }

  void take(const relay_credit& msg) {
    may_send_ += msg.bytes;
    send_held();
  }

  /// Writes what the other end has sent.
  template <class Self>
  void write(Self* self, slice bytes) {
    writes_.push_back(bytes.size());
    stream_->write({std::move(bytes)}, send_back(self, [](result<void> x) {
                     return stream_written{std::move(x)};
                   }));
  }

  void take(const stream_written& msg) {
    auto bytes = writes_.front();
    writes_.pop_front();
    if (!msg.outcome) {
      broken_ = true;
      return;
    }
    written_ += bytes;
    owed_ += bytes;
    // A credit is a message of its own: few of them are enough.
    if (writes_.empty() || owed_ >= wire2::initial_tunnel_credit / 4)
      give_credit();
  }

  /// The other end sends nothing more.
  void end_writing() {
    no_more_to_write_ = true;
    if (stream_)
      stream_->finish();
  }

  void close() {
    if (stream_)
      stream_->close();
  }

  /// The connection is cut off, so that whoever is there can see it.
  void reset() {
    if (stream_)
      stream_->reset();
  }

  /// Tells the session that the tunnel is no more.
  void abandon(wire2::tunnel_end how, std::string why) {
    tell(session_, relay_closed{tunnel_, how, std::move(why)});
  }

private:
  void give_credit() {
    if (!no_more_to_write_)
      tell(session_, relay_credit{tunnel_, owed_});
    owed_ = 0;
  }

  uint64_t tunnel_ = 0;
  caf::strong_actor_ptr session_;
  std::shared_ptr<tunnel_stream> stream_;
  bool reading_ = false;
  bool stream_ended_ = false; // nothing more comes from it
  bool broken_ = false;
  bool said_end_ = false;
  bool no_more_to_write_ = false;
  slice held_; // read, and without credit
  uint64_t may_send_ = wire2::initial_tunnel_credit;
  std::deque<uint64_t> writes_; // bytes of those that have not gone
  uint64_t owed_ = 0;           // credit
  uint64_t read_ = 0;
  uint64_t written_ = 0;
};

} // namespace peapod

#pragma once

#include "tests/actors/fake_loop.hpp"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Ends of tunnels in memory, and origins to tunnel to.
namespace peapod::fakes {

/// One end of a connection whose directions end one by one. What comes is
/// either read by an actor or collected, as `got`.
class tunnel_pipe : public tunnel_stream {
public:
  explicit tunnel_pipe(loop_ptr on) : work(std::move(on)) {}
  ~tunnel_pipe() override {
    close();
  }

  static std::pair<std::shared_ptr<tunnel_pipe>, std::shared_ptr<tunnel_pipe>>
  make(const loop_ptr& on) {
    auto first = std::make_shared<tunnel_pipe>(on);
    auto second = std::make_shared<tunnel_pipe>(on);
    first->other_ = second;
    second->other_ = first;
    return {first, second};
  }

  // -- for tests --------------------------------------------------------------

  void say(std::string_view text) {
    write({slice{text}}, [](auto) {});
  }

  /// What the other end has sent and nobody has read.
  std::string got() const {
    std::string out;
    for (auto& x : inbox_)
      out += x.text();
    return out;
  }

  size_t got_size() const {
    size_t out = 0;
    for (auto& x : inbox_)
      out += x.size();
    return out;
  }

  /// What was sent from here and nobody has read.
  size_t unread_there() const {
    auto to = other_.lock();
    return to ? to->got_size() : 0;
  }

  /// The other end sends nothing more.
  bool has_ended() const {
    auto from = other_.lock();
    return !from || from->finished_ || from->closed_;
  }

  /// The other end has cut the connection off.
  bool is_cut() const {
    return cut_;
  }

  bool is_closed() const {
    return closed_;
  }

  bool stuck = false; ///< nobody takes what is written here

  // -- the port ---------------------------------------------------------------

  void read_some(handler<slice> done) override {
    on_read_ = std::move(done);
    deliver();
  }

  void stop_reading() override {
    answer(*work, on_read_,
           result<slice>{make_error(errc::cancelled, "called off")});
  }

  void write(std::vector<slice> bytes, handler<void> done) override {
    auto to = other_.lock();
    if (closed_ || !to || to->closed_) {
      answer(*work, done,
             result<void>{make_error(errc::connection_closed, "closed")});
      return;
    }
    if (stuck) {
      held_.emplace_back(std::move(bytes), std::move(done));
      return;
    }
    for (auto& x : bytes)
      to->inbox_.push_back(x);
    answer(*work, done, result<void>{});
    to->deliver();
  }

  /// Takes what was written here while it was `stuck`.
  void take() {
    stuck = false;
    for (auto& [bytes, done] : std::exchange(held_, {}))
      write(std::move(bytes), std::move(done));
  }

  void finish() override {
    finished_ = true;
    if (auto to = other_.lock())
      to->deliver();
  }

  void close() override {
    if (std::exchange(closed_, true))
      return;
    deliver();
    if (auto to = other_.lock())
      to->deliver();
  }

  void reset() override {
    if (auto to = other_.lock())
      to->cut_ = true;
    close();
  }

  endpoint remote() const override {
    return {"203.0.113.1", 443};
  }
  endpoint local() const override {
    return {"203.0.113.2", 40000};
  }

  loop_ptr work;

private:
  void deliver() {
    if (!on_read_)
      return;
    if (closed_) {
      stop_reading();
    } else if (cut_) {
      answer(*work, on_read_,
             result<slice>{make_error(errc::io_failed, "reset")});
    } else if (!inbox_.empty()) {
      auto next = std::move(inbox_.front());
      inbox_.pop_front();
      answer(*work, on_read_, result<slice>{std::move(next)});
    } else if (has_ended()) {
      answer(*work, on_read_,
             result<slice>{make_error(errc::connection_closed, "ended")});
    }
  }

  std::weak_ptr<tunnel_pipe> other_;
  std::deque<slice> inbox_;
  std::deque<std::pair<std::vector<slice>, handler<void>>> held_;
  handler<slice> on_read_;
  bool finished_ = false;
  bool closed_ = false;
  bool cut_ = false;
};

/// Where the tunnels of peers end.
class tunnel_targets : public tunnel_dialer {
public:
  explicit tunnel_targets(loop_ptr on) : work(std::move(on)) {}

  void dial(host_port to, line_wish, duration,
            handler<std::shared_ptr<tunnel_stream>> done) override {
    dialled.push_back(to);
    if (silent)
      return;
    if (fails) {
      answer(*work, done, result<std::shared_ptr<tunnel_stream>>{*fails});
      return;
    }
    auto [ours, theirs] = tunnel_pipe::make(work);
    ends.push_back(ours);
    answer(*work, done,
           result<std::shared_ptr<tunnel_stream>>{std::move(theirs)});
  }

  loop_ptr work;
  bool silent = false;
  std::optional<error> fails;
  std::vector<host_port> dialled;
  std::vector<std::shared_ptr<tunnel_pipe>> ends; ///< the origins'
};

} // namespace peapod::fakes

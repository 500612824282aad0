#pragma once

#include "tests/actors/fake_loop.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// The local network in memory: connections, listening ports, the group.
namespace peapod::fakes {

/// One end of a connection in memory.
class wire : public byte_stream {
public:
  wire(loop_ptr on, endpoint local, endpoint remote)
    : work(std::move(on)),
      local_(std::move(local)),
      remote_(std::move(remote)) {}
  ~wire() override {
    close();
  }

  static std::pair<std::shared_ptr<wire>, std::shared_ptr<wire>>
  make(const loop_ptr& on, const endpoint& x, const endpoint& y) {
    auto first = std::make_shared<wire>(on, x, y);
    auto second = std::make_shared<wire>(on, y, x);
    first->other = second;
    second->other = first;
    return {first, second};
  }

  void read_some(handler<slice> done) override {
    on_read_ = std::move(done);
    deliver();
  }

  void write(std::vector<slice> bytes, handler<void> done) override {
    auto to = other.lock();
    if (closed_ || !to) {
      answer(*work, done,
             result<void>{make_error(errc::connection_closed, "closed")});
      return;
    }
    if (stuck) {
      held_.emplace_back(std::move(bytes), std::move(done));
      return;
    }
    for (auto& x : bytes)
      if (!x.empty() && !cut)
        to->inbox_.push_back(tamper ? tamper(x) : x);
    answer(*work, done, result<void>{});
    to->deliver();
  }

  /// Takes what was written here while it was `stuck`.
  void take() {
    stuck = false;
    for (auto& [bytes, done] : std::exchange(held_, {}))
      write(std::move(bytes), std::move(done));
  }

  endpoint remote() const override {
    return remote_;
  }
  endpoint local() const override {
    return local_;
  }

  void close() override {
    if (std::exchange(closed_, true))
      return;
    deliver();
    if (auto to = other.lock())
      to->deliver();
  }

  bool is_closed() const {
    return closed_;
  }

  loop_ptr work;
  std::weak_ptr<wire> other;
  std::function<slice(slice)> tamper; ///< changes what is written here
  bool cut = false;                   ///< what is written here gets lost
  bool stuck = false;                 ///< nobody takes what is written here

private:
  void deliver() {
    auto from = other.lock();
    if (closed_)
      answer(*work, on_read_,
             result<slice>{make_error(errc::cancelled, "closed")});
    else if (!inbox_.empty() && on_read_) {
      auto next = std::move(inbox_.front());
      inbox_.pop_front();
      answer(*work, on_read_, result<slice>{std::move(next)});
    } else if (!from || from->closed_)
      answer(*work, on_read_,
             result<slice>{make_error(errc::connection_closed, "ended")});
  }

  endpoint local_;
  endpoint remote_;
  std::deque<slice> inbox_;
  std::deque<std::pair<std::vector<slice>, handler<void>>> held_;
  handler<slice> on_read_;
  bool closed_ = false;
};

/// A listening port.
template <class Stream>
class listener : public acceptor_port<Stream> {
public:
  listener(loop_ptr on, endpoint at)
    : work(std::move(on)), at_(std::move(at)) {}

  void arrive(std::shared_ptr<Stream> x) {
    waiting_.push_back(std::move(x));
    next();
  }

  void accept(handler<std::shared_ptr<Stream>> done) override {
    on_accept_ = std::move(done);
    next();
  }
  endpoint local() const override {
    return at_;
  }
  void close() override {
    answer(
        *work, on_accept_,
        result<std::shared_ptr<Stream>>{make_error(errc::cancelled, "closed")});
  }

  bool close_idle() override {
    return idle > 0 && idle-- > 0;
  }

  loop_ptr work;
  size_t idle = 0; ///< kept-alive connections without a request

private:
  void next() {
    if (waiting_.empty() || !on_accept_)
      return;
    auto x = std::move(waiting_.front());
    waiting_.pop_front();
    answer(*work, on_accept_, result<std::shared_ptr<Stream>>{std::move(x)});
  }

  endpoint at_;
  std::deque<std::shared_ptr<Stream>> waiting_;
  handler<std::shared_ptr<Stream>> on_accept_;
};

class radio;

/// The local network: who listens where, and who hears the group.
struct network {
  loop_ptr work = std::make_shared<loop>();
  std::map<endpoint, std::shared_ptr<listener<byte_stream>>> listeners;
  std::vector<radio*> radios;
  std::vector<std::shared_ptr<wire>> wires; ///< the diallers' ends
};

/// Dials within a network.
class dialer : public stream_dialer {
public:
  dialer(network& in, std::string from) : in_(in), from_(std::move(from)) {}

  void dial(endpoint to, duration,
            handler<std::shared_ptr<byte_stream>> done) override {
    auto i = in_.listeners.find(to);
    if (i == in_.listeners.end()) {
      answer(*in_.work, done,
             result<std::shared_ptr<byte_stream>>{
                 make_error(errc::connection_refused, "nobody there")});
      return;
    }
    auto [ours, theirs] = wire::make(in_.work, {from_, 40000}, to);
    in_.wires.push_back(ours);
    i->second->arrive(theirs);
    answer(*in_.work, done, result<std::shared_ptr<byte_stream>>{ours});
  }

private:
  network& in_;
  std::string from_;
};

/// A device's place in the discovery group.
class radio : public discovery_port {
public:
  radio(network& in, std::string address)
    : in_(in), address_(std::move(address)) {
    in_.radios.push_back(this);
  }
  ~radio() override {
    std::erase(in_.radios, this);
  }

  void receive(handler<datagram> done) override {
    on_datagram_ = std::move(done);
    next();
  }

  result<size_t> announce(const slice& bytes) override {
    ++announced;
    if (deaf)
      return make_error(errc::io_failed, "no network");
    for (auto* x : in_.radios)
      x->hear({{address_, 45678}, bytes});
    return size_t{1};
  }

  void reply(const endpoint& to, const slice& bytes) override {
    replies.push_back(to);
    for (auto* x : in_.radios)
      if (x->address_ == to.address)
        x->hear({{address_, 45678}, bytes});
  }

  void close() override {
    answer(*in_.work, on_datagram_,
           result<datagram>{make_error(errc::cancelled, "closed")});
  }

  /// A datagram reaches this device.
  void hear(datagram x) {
    heard_.push_back(std::move(x));
    next();
  }

  unsigned announced = 0;
  bool deaf = false;
  std::vector<endpoint> replies;

private:
  void next() {
    if (heard_.empty() || !on_datagram_)
      return;
    auto x = std::move(heard_.front());
    heard_.pop_front();
    answer(*in_.work, on_datagram_, result<datagram>{std::move(x)});
  }

  network& in_;
  std::string address_;
  std::deque<datagram> heard_;
  handler<datagram> on_datagram_;
};

/// What a device is told of its networks.
class networks : public network_watch {
public:
  explicit networks(loop_ptr on) : work(std::move(on)) {}

  void wait(handler<network_change> done) override {
    on_change_ = std::move(done);
  }

  void close() override {
    answer(*work, on_change_,
           result<network_change>{make_error(errc::cancelled, "closed")});
  }

  /// Something has changed.
  void tell(network_change x) {
    answer(*work, on_change_, result<network_change>{std::move(x)});
  }

  loop_ptr work;

private:
  handler<network_change> on_change_;
};

} // namespace peapod::fakes

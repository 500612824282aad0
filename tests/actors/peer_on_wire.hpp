#pragma once

#include "core/identity.hpp"
#include "tests/actors/pod_fixture.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace peapod::fakes {

/// A peer whose manners a test decides. It connects to a device and speaks by
/// a real session machine: `Core`, which tells by `Received` of each `Message`
/// and among these of requests, `Ask`.
template <class Core, class Message, class Received, class Ask>
class peer_on_wire {
public:
  peer_on_wire(const peer_on_wire&) = delete;

  ~peer_on_wire() {
    world_.each_step.clear();
    stream->close();
    world_.settle();
  }

  void send(const Message& x) {
    (void)core_.send(x);
    pump();
    world_.settle();
  }

  /// The messages of one kind that it got.
  template <class T>
  std::vector<T> got() const {
    std::vector<T> out;
    for (auto& x : messages)
      if (auto y = std::get_if<T>(&x))
        out.push_back(*y);
    return out;
  }

  const device_id& id() const {
    return self_.device();
  }
  bool is_closed() const {
    return core_.is_closed();
  }

  std::shared_ptr<wire> stream;
  std::vector<Message> messages;
  std::function<void(const Ask&)> on_request;
  bool silent = false; ///< says nothing any more

protected:
  using action = typename decltype(std::declval<Core>().poll())::value_type;

  /// `make` gives the machine for an identity.
  template <class Make>
  peer_on_wire(pod_fixture& world, identity self, Make make)
    : world_(world), self_(std::move(self)), core_(make(self_)) {}

  /// Connects to a device from `address`.
  void connect(device& to, std::string address) {
    endpoint here{std::move(address), 40000};
    auto [ours, theirs] = wire::make(world_.net.work, here, to.peers->local());
    stream = ours;
    to.peers->arrive(theirs);
    core_.start(now());
    pump();
    read_on();
    world_.each_step.push_back([this] { tick(); });
    world_.settle();
  }

  /// Does what the machine wants.
  void pump() {
    while (auto action = core_.poll()) {
      if (auto x = std::get_if<write_bytes>(&*action)) {
        stream->write(x->bytes, [](result<void>) {});
      } else if (auto y = std::get_if<Received>(&*action)) {
        messages.push_back(y->message);
        if (auto ask = std::get_if<Ask>(&y->message); ask && on_request)
          on_request(Ask{*ask});
      } else if (std::holds_alternative<session_closed>(*action)) {
        stream->close();
      } else if (on_action) {
        on_action(*action);
      }
    }
  }

  pod_fixture& world_;
  identity self_;
  Core core_;
  /// What else the machine tells.
  std::function<void(const action&)> on_action;

private:
  instant now() const {
    return instant{world_.sched.clock().now().time_since_epoch()};
  }

  void tick() {
    if (silent)
      return;
    core_.expire(now());
    pump();
  }

  void read_on() {
    stream->read_some([this](result<slice> x) {
      if (!x)
        return core_.close(x.error());
      core_.receive(*x, now());
      pump();
      if (!core_.is_closed())
        read_on();
    });
  }
};

/// A device that downloads with the help of such a peer.
struct download_fixture : pod_fixture {
  device_ptr x;

  /// Lets a device go online whose origin has a file of 4 MB.
  device_ptr online_device(pod_config config = {}) {
    auto out = add_device(std::move(config));
    go_online(*out);
    server->size = 4'000'000;
    return out;
  }

  std::vector<peer_status> in_state(std::string_view state) {
    auto out = status(*x).peers;
    std::erase_if(out, [&](auto& y) { return y.state != state; });
    return out;
  }

  representation version() const {
    return {server->etag, {}, server->size};
  }

  std::shared_ptr<browser> download() {
    x->wan->rate = 1'000'000;
    auto out = connect(*x);
    out->ask(get_file());
    settle();
    return out;
  }

  /// What the only transfer took from `peer`.
  template <class Peer>
  uint64_t taken_from(const Peer& peer) {
    auto all = status(*x).transfers;
    CAF_REQUIRE_EQUAL(all.size(), 1u);
    auto& by_source = all[0].ledger.bytes_by_source;
    auto i = by_source.find(peer.id());
    return i == by_source.end() ? 0 : i->second;
  }

  bool finishes(const std::shared_ptr<browser>& client) {
    return pass_until([&] { return client->complete; }, 10s)
           && is_content(client->body, {0, server->size});
  }
};

} // namespace peapod::fakes

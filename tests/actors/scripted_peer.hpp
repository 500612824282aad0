#pragma once

#include "core/integrity.hpp"
#include "core/session.hpp"
#include "tests/actors/pod_fixture.hpp"

namespace peapod::fakes {

/// A peer whose manners a test decides. It connects to a device and speaks the
/// protocol by the real session machine.
class scripted_peer {
public:
  /// Without `hello` it looks like a foreign daemon.
  scripted_peer(pod_fixture& world, device& to,
                std::optional<hello_extension> hello)
    : world_(world),
      self_(identity::generate(to.env->ports.random)),
      core_(self_, settings(std::move(hello))) {
    endpoint here{"192.0.2.99", 40000};
    auto [ours, theirs] = wire::make(world.net.work, here, to.peers->local());
    stream = ours;
    to.peers->arrive(theirs);
    core_.set_frame_limit(16_MiB);
    core_.start(now());
    pump();
    read_on();
    world.each_step.push_back([this] { tick(); });
    world.settle();
  }

  scripted_peer(const scripted_peer&) = delete;

  ~scripted_peer() {
    world_.each_step.clear();
    stream->close();
    world_.settle();
  }

  /// Sends `x`.
  void send(const wire_message& x) {
    (void)core_.send(x);
    pump();
    world_.settle();
  }

  /// Asks for a range of the origin's file.
  chunk_request ask(byte_range range,
                    std::optional<representation> expected = {}) {
    chunk_request out;
    out.transfer.bytes[0] = 7;
    out.range = range;
    out.url = get_file().target.text();
    out.expected = std::move(expected);
    send(out);
    return out;
  }

  /// What an honest peer answers.
  static chunk_data answer_to(const chunk_request& ask, bool with_origin) {
    chunk_data out;
    out.transfer = ask.transfer;
    out.range = ask.range;
    out.payload = content(ask.range);
    out.hash = sha256(out.payload.bytes());
    if (with_origin && ask.expected)
      out.origin = chunk_origin{206, *ask.expected, ask.range.begin};
    return out;
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
  std::vector<wire_message> messages;
  std::function<void(const chunk_request&)> on_request;
  bool silent = false; ///< sends no heartbeats any more

private:
  static session_config settings(std::optional<hello_extension> hello) {
    session_config out;
    out.role = session_role::initiator;
    out.hello = std::move(hello);
    return out;
  }

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

  void pump() {
    while (auto action = core_.poll()) {
      if (auto x = std::get_if<write_bytes>(&*action)) {
        stream->write(x->bytes, [](result<void>) {});
      } else if (auto y = std::get_if<message_received>(&*action)) {
        messages.push_back(y->message);
        if (auto ask = std::get_if<chunk_request>(&y->message);
            ask && on_request)
          on_request(chunk_request{*ask});
      } else if (std::holds_alternative<session_closed>(*action)) {
        stream->close();
      }
    }
  }

  pod_fixture& world_;
  identity self_;
  session core_;
};

} // namespace peapod::fakes

#pragma once

#include "core/integrity.hpp"
#include "core/secure_session.hpp"
#include "tests/actors/pod_fixture.hpp"

namespace peapod::fakes {

/// A peer whose manners a test decides. It connects to a device and speaks
/// protocol 2 by the real session machine.
class secure_peer {
public:
  explicit secure_peer(pod_fixture& world, device& to, uint8_t psk = 0,
                       std::string address = "192.0.2.98")
    : secure_peer(world, to, identity::generate(to.env->ports.random), psk,
                  std::move(address)) {}

  secure_peer(pod_fixture& world, device& to, identity self, uint8_t psk = 0,
              std::string address = "192.0.2.98")
    : world_(world),
      self_(std::move(self)),
      core_(self_, settings(to, psk), to.env->ports.random) {
    endpoint here{std::move(address), 40000};
    auto [ours, theirs] = wire::make(world.net.work, here, to.peers->local());
    stream = ours;
    to.peers->arrive(theirs);
    core_.start(now());
    pump();
    read_on();
    world.each_step.push_back([this] { tick(); });
    world.settle();
  }

  secure_peer(const secure_peer&) = delete;

  ~secure_peer() {
    world_.each_step.clear();
    stream->close();
    world_.settle();
  }

  void send(const wire2::message& x) {
    (void)core_.send(x);
    pump();
    world_.settle();
  }

  /// Asks for a range of the origin's file.
  wire2::fetch ask(byte_range range, representation expected) {
    wire2::fetch out;
    out.id = wire2::exchange_id{next_id_};
    next_id_ += 2;
    out.url = get_file().target.text();
    out.range = range;
    out.expected = std::move(expected);
    send(out);
    return out;
  }

  /// Brings a range as an honest peer does; `change` may alter each message.
  void bring(const wire2::fetch& ask,
             const std::function<void(wire2::message&)>& change = nullptr) {
    auto say = [&](wire2::message x) {
      if (change)
        change(x);
      (void)core_.send(x);
    };
    auto bytes = content(ask.range);
    say(wire2::fetch_head{ask.id, 206, ask.expected, ask.range});
    for (uint64_t at = 0; at < bytes.size(); at += wire2::max_part_size)
      say(wire2::part{ask.id, ask.range.begin + at,
                      bytes.sub(at, wire2::max_part_size)});
    say(wire2::fetch_done{ask.id, sha256(bytes.bytes())});
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

  /// All bytes of a range that it got.
  std::string text_of(const wire2::fetch& ask) const {
    std::string out;
    for (auto& x : got<wire2::part>())
      if (x.id == ask.id)
        out += x.bytes.text();
    return out;
  }

  const device_id& id() const {
    return self_.device();
  }
  bool is_closed() const {
    return core_.is_closed();
  }

  std::shared_ptr<wire> stream;
  std::vector<wire2::message> messages;
  std::optional<digest> hash; ///< of the handshake, once it is complete
  std::function<void(const wire2::fetch&)> on_request;
  bool silent = false; ///< says nothing any more

private:
  static secure_session_config settings(const device& to, uint8_t psk) {
    secure_session_config out;
    out.role = session_role::initiator;
    out.self.agent = "peapod/test";
    out.self.name = "friend";
    out.responder_key = to.env->self->key();
    out.psk = noise::secret_key{
        std::span<const uint8_t, 32>{byte_buffer(32, psk).data(), 32}};
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
      } else if (auto e = std::get_if<secure_established>(&*action)) {
        hash = e->hash;
      } else if (auto y = std::get_if<secure_received>(&*action)) {
        messages.push_back(y->message);
        if (auto ask = std::get_if<wire2::fetch>(&y->message);
            ask && on_request)
          on_request(wire2::fetch{*ask});
      } else if (std::holds_alternative<session_closed>(*action)) {
        stream->close();
      }
    }
  }

  pod_fixture& world_;
  identity self_;
  secure_session core_;
  uint32_t next_id_ = 2;
};

} // namespace peapod::fakes

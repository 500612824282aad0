#pragma once

#include "core/integrity.hpp"
#include "core/secure_session.hpp"
#include "tests/actors/peer_on_wire.hpp"

namespace peapod::fakes {

/// A peer that speaks protocol 2.
class secure_peer : public peer_on_wire<secure_session, wire2::message,
                                        secure_received, wire2::fetch> {
public:
  explicit secure_peer(pod_fixture& world, device& to, uint8_t psk = 0,
                       std::string address = "192.0.2.98")
    : secure_peer(world, to, identity::generate(to.env->ports.random), psk,
                  std::move(address)) {}

  secure_peer(pod_fixture& world, device& to, identity self, uint8_t psk = 0,
              std::string address = "192.0.2.98", uint32_t capabilities = 0)
    : peer_on_wire(world, std::move(self), [&](const identity& own) {
        auto config = settings(to, psk);
        config.self.capabilities = capabilities;
        return secure_session{own, std::move(config), to.env->ports.random};
      }) {
    on_action = [this](auto& x) {
      if (auto y = std::get_if<secure_established>(&x))
        hash = y->hash;
    };
    connect(to, std::move(address));
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

  /// All bytes of a range that it got.
  std::string text_of(const wire2::fetch& ask) const {
    std::string out;
    for (auto& x : got<wire2::part>())
      if (x.id == ask.id)
        out += x.bytes.text();
    return out;
  }

  std::optional<digest> hash; ///< of the handshake, once it is complete

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

  uint32_t next_id_ = 2;
};

} // namespace peapod::fakes

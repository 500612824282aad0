#pragma once

#include "core/integrity.hpp"
#include "core/session.hpp"
#include "tests/actors/peer_on_wire.hpp"

namespace peapod::fakes {

/// A peer that speaks protocol 1.
class scripted_peer : public peer_on_wire<session, wire_message,
                                          message_received, chunk_request> {
public:
  /// Without `hello` it looks like a foreign daemon.
  scripted_peer(pod_fixture& world, device& to,
                std::optional<hello_extension> hello)
    : peer_on_wire(world, identity::generate(to.env->ports.random),
                   [&](const identity& self) {
                     return session{self, settings(std::move(hello))};
                   }) {
    core_.set_frame_limit(16_MiB);
    connect(to, "192.0.2.99");
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

private:
  static session_config settings(std::optional<hello_extension> hello) {
    session_config out;
    out.role = session_role::initiator;
    out.hello = std::move(hello);
    return out;
  }
};

} // namespace peapod::fakes

// Whatever a peer sends, before or inside the encryption, a session neither
// breaks nor takes more than it was told to.
//
// The input's first byte says how: bit 0 the role, bit 1 whether the handshake
// is done properly, bit 2 whether what follows is sealed properly; the rest
// is how many bytes come at a time. Sealed input is a sequence of a length
// byte and as many bytes.

#include "core/session.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>

using namespace peapod;

namespace {

identity make_identity(uint8_t seed) {
  return identity::from_secret(byte_buffer(32, seed)).value();
}

const identity self = make_identity(1);
const identity peer = make_identity(2);

class run {
public:
  run(session_role role, size_t portion)
    : machine_(self, config_for(role)), portion_(portion) {
    machine_.start(now_);
    drain();
  }

  void feed(std::span<const uint8_t> bytes) {
    slice all{byte_buffer(bytes.begin(), bytes.end())};
    for (size_t i = 0; i < all.size(); i += portion_) {
      now_ += std::chrono::milliseconds(100);
      machine_.receive(all.sub(i, portion_), now_);
      drain();
      if (auto deadline = machine_.deadline(); deadline && *deadline <= now_)
        machine_.expire(now_);
      drain();
    }
  }

private:
  static session_config config_for(session_role role) {
    session_config out;
    out.role = role;
    return out;
  }

  void drain() {
    while (auto action = machine_.poll()) {
      check(!closed_, "an action came after the end");
      closed_ = std::holds_alternative<session_closed>(*action);
      if (std::holds_alternative<peer_identified>(*action))
        machine_.admit(true, now_);
      if (auto* x = std::get_if<message_received>(&*action))
        if (auto* chunk = std::get_if<chunk_data>(&x->message))
          check(chunk->payload.size() < min_frame_limit, "a chunk too long");
    }
    check(closed_ == machine_.is_closed(), "the end was not reported");
  }

  session machine_;
  size_t portion_;
  instant now_{};
  bool closed_ = false;
};

void feed_sealed(run& to, std::span<const uint8_t> in) {
  sealer seal{derive_session_key(peer, self.key()).value()};
  while (!in.empty()) {
    size_t n = std::min<size_t>(in[0], in.size() - 1);
    to.feed(seal.seal({in.subspan(1, n)}).value().bytes());
    in = in.subspan(1 + n);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0)
    return 0;
  std::span in{data + 1, size - 1};
  run session{data[0] & 1 ? session_role::responder : session_role::initiator,
              size_t{1} + (data[0] >> 3) * 8};
  if (data[0] & 2)
    session.feed(encode_hello(peer));
  if (data[0] & 4)
    feed_sealed(session, in);
  else
    session.feed(in);
  return 0;
}

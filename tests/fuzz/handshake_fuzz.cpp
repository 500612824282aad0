// Whatever a stranger sends instead of a handshake, or says in a proper one, a
// handshake neither breaks nor confirms anybody.
//
// The input's first byte says how: bit 0 the role, bit 1 whether what follows
// is the introduction in a properly made message instead of raw bytes; the rest
// is how many bytes come at a time.

#include "core/handshake.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>

using namespace peapod;
using noise::role;

namespace {

using bytes_view = std::span<const uint8_t>;

identity make_identity(uint8_t seed) {
  return identity::from_secret(byte_buffer(32, seed)).value();
}

const identity self = make_identity(1);
const identity peer = make_identity(2);

random_source always(uint8_t byte) {
  return [byte](std::span<uint8_t> out) { std::ranges::fill(out, byte); };
}

handshake_config config_for(role side) {
  handshake_config out;
  out.role = side;
  if (side == role::initiator)
    out.responder_key = peer.key();
  return out;
}

class run {
public:
  run(role side, size_t portion)
    : side_(side),
      machine_(self, config_for(side), always(3)),
      portion_(portion) {
    machine_.start(now_);
    drain();
  }

  void feed(bytes_view bytes) {
    while (!bytes.empty()) {
      auto piece = bytes.first(std::min(portion_, bytes.size()));
      bytes = bytes.subspan(piece.size());
      now_ += std::chrono::milliseconds(20);
      machine_.receive(piece, now_);
      drain();
      check(piece.empty() || completed_ || failed_, "bytes were left");
    }
    check(!confirmed_ || side_ == role::initiator,
          "confirmed without a record");
    machine_.record_opened();
    drain();
    check(confirmed_ == completed_, "who completes is not confirmed");
  }

  /// What the machine has written last.
  byte_buffer written;

private:
  void drain() {
    while (auto action = machine_.poll()) {
      check(!failed_, "an action came after the end");
      if (auto* x = std::get_if<handshake_bytes>(&*action)) {
        written.assign(x->bytes.bytes().begin(), x->bytes.bytes().end());
      } else if (auto* y = std::get_if<handshake_asked>(&*action)) {
        check_peer(y->peer);
        machine_.admit(true);
      } else if (auto* z = std::get_if<handshake_completed>(&*action)) {
        check_peer(z->peer);
        completed_ = true;
      } else if (std::holds_alternative<peer_confirmed>(*action)) {
        check(completed_, "confirmed before it was complete");
        confirmed_ = true;
      } else {
        failed_ = true;
      }
    }
  }

  static void check_peer(const peer_introduction& x) {
    check(x.device == derive_device_id(x.key), "a device has another's key");
    check(x.key != self.key(), "a device met itself");
    check(encode_introduction(x.said).has_value(), "a broken bound was taken");
  }

  role side_;
  handshake machine_;
  size_t portion_;
  instant now_{};
  bool completed_ = false;
  bool confirmed_ = false;
  bool failed_ = false;
};

/// The peer's side, by the book except for its payload.
noise::handshake_state state_of_peer(role side) {
  constexpr std::string_view prologue = "peapod/2";
  noise::handshake_keys keys;
  keys.side = side;
  keys.prologue.assign(prologue.begin(), prologue.end());
  keys.s.emplace(noise::secret_key{peer.secret()});
  if (side == role::initiator)
    keys.rs = self.key();
  keys.psks.emplace_back();
  auto out = noise::handshake_state::initialize(
      noise::find_pattern("IKpsk2").value(), std::move(keys), always(4));
  return std::move(out.value());
}

byte_buffer framed(byte_buffer prefix, const byte_buffer& message) {
  prefix.push_back(static_cast<uint8_t>(message.size()));
  prefix.push_back(static_cast<uint8_t>(message.size() >> 8));
  prefix.insert(prefix.end(), message.begin(), message.end());
  return prefix;
}

void say(run& to, role side, bytes_view payload) {
  if (side == role::responder) {
    auto state = state_of_peer(role::initiator);
    to.feed(framed({newest_protocol}, state.write_message(payload).value()));
    return;
  }
  auto state = state_of_peer(role::responder);
  auto first = bytes_view{to.written}.subspan(3);
  check(state.read_message(first).has_value(), "our message does not open");
  to.feed(framed({}, state.write_message(payload).value()));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0)
    return 0;
  bytes_view in{data + 1, size - 1};
  auto side = data[0] & 1 ? role::responder : role::initiator;
  run handshake{side, size_t{1} + (data[0] >> 2) * 8};
  if (data[0] & 2)
    say(handshake, side, in);
  else
    handshake.feed(in);
  return 0;
}

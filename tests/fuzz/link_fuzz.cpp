// Whatever a peer sends, before the handshake or in records, a link of
// protocol 2 neither breaks, nor hands out bytes of a range that was not asked
// for, nor lets a stranger ask, nor takes more through a tunnel than it has
// given credit for.
//
// The input's first byte says how: bit 0 whether the handshake is done
// properly, bit 1 whether we trust the peer, bit 2 whether we have asked for a
// range; the rest is how many bytes come at a time. With a handshake, the rest
// of the input is a sequence of records: two bytes of length and as many bytes.

#include "core/secure_link.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <map>

using namespace peapod;

namespace {

using bytes_view = std::span<const uint8_t>;

identity make_identity(uint8_t seed) {
  return identity::from_secret(byte_buffer(32, seed)).value();
}

const identity self = make_identity(1);
const identity peer = make_identity(2);
constexpr byte_range asked{100, 1100};

void no_chance(std::span<uint8_t> out) {
  std::ranges::fill(out, uint8_t{7});
}

/// The peer's end, up to its first record.
class connector {
public:
  connector() : machine_(peer, config(), no_chance) {
    machine_.start({});
  }

  byte_buffer drain() {
    byte_buffer out;
    while (auto action = machine_.poll())
      if (auto* x = std::get_if<handshake_bytes>(&*action))
        out.insert(out.end(), x->bytes.bytes().begin(), x->bytes.bytes().end());
      else if (auto* y = std::get_if<handshake_completed>(&*action))
        sealer.emplace(std::move(y->keys.send));
    return out;
  }

  void receive(bytes_view in) {
    machine_.receive(in, {});
  }

  std::optional<record_sealer> sealer;

private:
  static handshake_config config() {
    handshake_config out;
    out.self.agent = "fuzz";
    out.self.capabilities = capability_tunnels;
    out.responder_key = self.key();
    return out;
  }

  handshake machine_;
};

class run {
public:
  run(bool trusts, bool asks, size_t portion)
    : link_(self, {.role = session_role::responder}, no_chance),
      trusts_(trusts),
      asks_(asks),
      portion_(portion) {
    link_.start(now_);
    drain();
  }

  void feed(bytes_view bytes) {
    slice all{byte_buffer(bytes.begin(), bytes.end())};
    for (size_t i = 0; i < all.size(); i += portion_) {
      now_ += std::chrono::milliseconds(2);
      link_.receive(all.sub(i, portion_), now_);
      drain();
      if (auto deadline = link_.deadline(); deadline && *deadline <= now_)
        link_.expire(now_);
      drain();
    }
  }

  byte_buffer written;

private:
  void drain() {
    while (auto event = link_.poll()) {
      check(!closed_, "an event came after the end");
      std::visit([this](auto& x) { on(x); }, *event);
    }
    check(closed_ == link_.is_closed(), "the end was not reported");
  }

  void on(write_bytes& x) {
    for (auto& y : x.bytes)
      written.insert(written.end(), y.bytes().begin(), y.bytes().end());
  }
  void on(peer_identified&) {
    link_.admit(true, now_);
  }
  void on(link_opened&) {
    link_.trust(trusts_, now_);
  }
  void on(link_ready&) {
    check(trusts_, "a stranger was taken");
    ready_ = true;
    range_ask ask;
    ask.id = 5;
    ask.range = asked;
    ask.url = "http://a/";
    ask.expected = representation{"\"v\"", {}, 2000};
    waits_ = asks_ && link_.ask(ask).has_value();
    if (auto tunnel = link_.open_tunnel({"a.example", 443}))
      wanted_ = *tunnel;
  }
  void on(tunnel_asked& x) {
    check(ready_, "somebody wanted a tunnel before we were ready");
    check(!tunnels_.contains(x.id), "two tunnels have one number");
    check(x.target.port != 0 && !x.target.host.empty(), "no target");
    if (x.id % 4 == 2)
      return link_.end_tunnel(x.id, wire2::tunnel_end::unreachable, "no");
    tunnels_[x.id].may_come = wire2::initial_tunnel_credit;
    link_.accept_tunnel(x.id);
    link_.send_through_tunnel(x.id, slice{"hello"});
  }
  void on(tunnel_stands& x) {
    check(x.id == wanted_ && !tunnels_.contains(x.id), "not what was asked");
    tunnels_[x.id].may_come = wire2::initial_tunnel_credit;
  }
  void on(tunnel_brought& x) {
    auto i = tunnels_.find(x.id);
    check(i != tunnels_.end() && !i->second.ended, "bytes of no tunnel");
    check(x.bytes.size() <= i->second.may_come, "more than there is credit");
    i->second.may_come -= x.bytes.size();
    // Some of it has gone on.
    auto more = x.bytes.size() / 2;
    i->second.may_come += more;
    link_.take_from_tunnel(x.id, more);
    link_.send_through_tunnel(x.id, x.bytes);
  }
  void on(tunnel_credited& x) {
    check(tunnels_.contains(x.id) && x.bytes > 0, "credit for no tunnel");
  }
  void on(tunnel_closed& x) {
    auto i = tunnels_.find(x.id);
    check(i != tunnels_.end() || x.id == wanted_, "the end of no tunnel");
    if (i == tunnels_.end())
      return;
    check(!i->second.ended, "two ends");
    i->second.ended = true;
    if (x.how == wire2::tunnel_end::finished)
      link_.end_tunnel(x.id, wire2::tunnel_end::finished, {});
    tunnels_.erase(i);
  }
  void on(range_asked& x) {
    check(ready_, "somebody asked before we were ready");
    check(!x.what.range.empty(), "an empty range");
    if (x.what.id % 4 == 2)
      link_.refuse(x.what.id, {wire2::fetch_failure::throttled, "later"});
    if (x.what.id % 8 == 0) {
      link_.bring(x.what.id, 206, {}, x.what.range.begin, slice{"x"});
      link_.finish(x.what.id);
    }
  }
  void on(range_arrived& x) {
    check(waits_ && x.id == 5, "bytes that were not asked for");
    check(x.offset == asked.begin + arrived_, "bytes out of order");
    arrived_ += x.bytes.size();
    check(arrived_ <= asked.size(), "more than was asked for");
  }
  void on(range_ended& x) {
    check(std::exchange(waits_, false), "an end that was not waited for");
    check(x.failure || arrived_ == asked.size(), "a range with a hole");
  }
  void on(session_closed&) {
    closed_ = true;
  }
  template <class T>
  void on(T&) {}

  secure_link link_;
  instant now_{};
  bool trusts_;
  bool asks_;
  size_t portion_;
  struct tunnel {
    uint64_t may_come = 0;
    bool ended = false;
  };
  std::map<tunnel_number, tunnel> tunnels_;
  tunnel_number wanted_ = 0; ///< ours
  bool ready_ = false;
  bool waits_ = false;
  bool closed_ = false;
  uint64_t arrived_ = 0;
};

void feed_records(run& to, bytes_view in) {
  connector from;
  to.feed(from.drain());
  from.receive(std::exchange(to.written, {}));
  from.drain();
  check(from.sealer.has_value(), "the handshake failed");
  while (in.size() > 2) {
    auto size = in[0] | size_t{in[1]} << 8;
    auto text = in.subspan(2, std::min(size, in.size() - 2));
    in = in.subspan(2 + text.size());
    if (auto record = from.sealer->seal({text}))
      to.feed(record->bytes());
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0)
    return 0;
  bytes_view in{data + 1, size - 1};
  run link{(data[0] & 2) != 0, (data[0] & 4) != 0,
           size_t{1} + (data[0] >> 3) * 16};
  if (data[0] & 1)
    feed_records(link, in);
  else
    link.feed(in);
  return 0;
}

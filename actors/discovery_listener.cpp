#include "actors/discovery_listener.hpp"

#include "core/introduction.hpp"
#include "core/wire_codec.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <variant>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = discovery_listener_state::self_pointer;

/// The gaps between the first announcements: a pod forms in about a second
/// even if one of them is lost.
constexpr std::array<std::chrono::milliseconds, 4> burst{100ms, 250ms, 500ms,
                                                         1000ms};

/// Own announcements: a burst and a half at once, one a second in the long run,
/// however often addresses change.
constexpr double most_at_once = 8;
constexpr double most_per_second = 1;

/// One address is answered at most this often, and only so many addresses are
/// remembered: answers must not amplify.
constexpr auto reply_interval = 500ms;
constexpr size_t max_replied = 256;

template <class Message>
slice encoded(const environment& env) {
  Message out;
  out.device = env.self->device();
  out.key = env.self->key();
  out.listen_port = env.config.transport_port;
  // Protocol 1 gets to know us only if we take its devices; the name is said
  // in the handshake, not to everybody.
  out.protocol_version = env.config.legacy ? 1 : newest_protocol;
  out.hello = hello_extension{newest_protocol, 0, {}};
  auto frame = encode_frame(out);
  return frame ? slice{std::move(*frame)} : slice{};
}

void receive_next(self_pointer self) {
  self->state.port->receive(send_back(self, [](result<datagram> outcome) {
    return datagram_received{std::move(outcome)};
  }));
}

bool may_announce(self_pointer self) {
  using seconds = std::chrono::duration<double>;
  auto& st = self->state;
  auto now = now_of(self);
  auto refill = st.refilled
                    ? seconds{now - *st.refilled}.count() * most_per_second
                    : most_at_once;
  st.tokens = std::min(st.tokens + refill, most_at_once);
  st.refilled = now;
  if (st.tokens < 1)
    return false;
  st.tokens -= 1;
  return true;
}

void announce(self_pointer self) {
  if (!may_announce(self))
    return;
  auto& st = self->state;
  auto sent = st.port->announce(encoded<beacon>(*st.env));
  if (!sent && !st.unheard)
    st.env->log(log_level::warn, "cannot announce this device on any network: "
                                     + to_string(sent.error()));
  st.unheard = !sent;
}

bool may_reply(self_pointer self, const endpoint& to) {
  auto& st = self->state;
  auto now = now_of(self);
  std::erase_if(st.replied,
                [&](auto& kv) { return now - kv.second >= reply_interval; });
  return st.replied.size() < max_replied
         && st.replied.emplace(to.address, now).second;
}

template <class Message>
void hear(self_pointer self, const Message& x, const endpoint& from) {
  auto& st = self->state;
  bool known_version = x.protocol_version == 1 || x.hello;
  if (x.device == st.env->self->device() || !known_version
      || derive_device_id(x.key) != x.device || x.listen_port == 0)
    return;
  roster::sighting who{x.device,
                       x.key,
                       from.address,
                       x.listen_port,
                       x.hello ? x.hello->name : std::string{},
                       !x.hello.has_value(),
                       x.hello ? x.hello->highest_protocol : uint8_t{1}};
  st.env->roster.tell(
      beacon_heard{std::move(who), from, std::is_same_v<Message, beacon>});
}

void on_datagram(self_pointer self, const datagram& x) {
  auto frame = decode_frame(x.bytes);
  if (!frame || !*frame)
    return;
  if (auto msg = std::get_if<beacon>(&(**frame).message))
    hear(self, *msg, x.from);
  else if (auto answer = std::get_if<discovery_response>(&(**frame).message))
    hear(self, *answer, x.from);
}

void on_tick(self_pointer self) {
  auto& st = self->state;
  st.env->roster.tell(announcement_due{});
  duration wait = st.announced < burst.size() ? duration{burst[st.announced]}
                                              : st.env->config.beacon_interval;
  ++st.announced;
  self->delayed_send(self, wait, tick{st.burst});
}

void begin_burst(self_pointer self) {
  auto& st = self->state;
  ++st.burst;
  st.announced = 0;
  on_tick(self);
}

} // namespace

discovery_listener_actor::behavior_type
discovery_listener_behavior(self_pointer self, environment_ptr env,
                            std::shared_ptr<discovery_port> port) {
  self->state.env = std::move(env);
  self->state.port = std::move(port);
  return {
      [self](start_work) {
        receive_next(self);
        begin_burst(self);
      },
      [self](const datagram_received& msg) {
        if (!msg.outcome) {
          self->quit(caf::make_error(caf::sec::runtime_error,
                                     to_string(msg.outcome.error())));
          return;
        }
        on_datagram(self, *msg.outcome);
        receive_next(self);
      },
      [self](const send_beacon& msg) {
        auto& st = self->state;
        if (!msg.to)
          announce(self);
        else if (may_reply(self, *msg.to))
          st.port->reply(*msg.to, encoded<discovery_response>(*st.env));
      },
      [self](announce_anew) { begin_burst(self); },
      [self](const tick& msg) {
        if (msg.generation == self->state.burst)
          on_tick(self);
      },
  };
}

} // namespace peapod

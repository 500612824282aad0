#include "actors/peer_session_view.hpp"

#include <utility>

namespace peapod {

namespace {

using self_pointer = peer_session_state::self_pointer;

void tell_viewers(peer_session_state& st, const result<std::string>& actors) {
  for (auto& done : std::exchange(st.viewers, {}))
    done({st.peer.value_or(device_id{}), st.peer_name, actors});
}

} // namespace

void ask_for_view(self_pointer self, ask_view& msg) {
  auto& st = self->state;
  st.viewers.push_back(std::move(msg.done));
  if (!st.shows_actors)
    return drop_viewers(st, make_error(errc::not_allowed,
                                       "it does not show its actors: [console] "
                                       "pod-view=true there allows it"));
  if (st.viewers.size() > 1)
    return; // the same answer is for all
  limit_frames(self);
  join question{st.env->self->device(), view_extension{}};
  if (auto sent = st.core->send(question); !sent)
    drop_viewers(st, sent.error());
}

void take_view(self_pointer self, view_extension& x) {
  auto& st = self->state;
  if (x.what == view_extension::answer) {
    tell_viewers(st, std::move(x.text));
    limit_frames(self);
    return;
  }
  if (!st.env->config.pod_view || !st.env->ports.view
      || std::exchange(st.asked_us, true))
    return;
  st.env->ports.view(send_back(
      self, [](std::string text) { return view_ready{std::move(text)}; }));
}

void send_view(self_pointer self, view_ready& msg) {
  auto& st = self->state;
  st.asked_us = false;
  if (msg.text.size() > max_view_size)
    msg.text = "[]"; // better than the end of the session
  (void)st.core->send(
      join{st.env->self->device(),
           view_extension{view_extension::answer, std::move(msg.text)}});
}

void drop_viewers(peer_session_state& st, const error& why) {
  tell_viewers(st, why);
}

} // namespace peapod

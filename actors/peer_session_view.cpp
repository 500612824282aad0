#include "actors/peer_session_view.hpp"

#include "actors/peer_session_serving.hpp"

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
  if (st.viewers.size() > 1)
    return; // the same answer is for all
  auto asked = st.link ? st.link->ask_view()
                       : result<void>{make_error(errc::connection_closed)};
  if (asked)
    return;
  auto why = asked.error();
  if (why.code == errc::not_allowed)
    why.detail += ": [console] pod-view=true there allows it";
  drop_viewers(st, why);
}

void take_view(self_pointer self, std::string text) {
  tell_viewers(self->state, std::move(text));
}

void take_view_question(self_pointer self) {
  auto& st = self->state;
  if (!st.env->config.pod_view || !st.env->ports.view
      || std::exchange(st.asked_us, true))
    return;
  look_for_peer(self);
}

void look_for_peer(self_pointer self) {
  auto& st = self->state;
  if (!st.asked_us || bytes_unwritten(st) >= max_view_size
      || std::exchange(st.looks, true))
    return;
  st.env->ports.view(send_back(
      self, [](std::string text) { return view_ready{std::move(text)}; }));
}

void send_view(self_pointer self, view_ready& msg) {
  self->state.asked_us = self->state.looks = false;
  self->state.link->show_view(std::move(msg.text));
}

void drop_viewers(peer_session_state& st, const error& why) {
  tell_viewers(st, why);
}

} // namespace peapod

#include "actors/exits.hpp"

#include <chrono>

namespace peapod {

exits_state::~exits_state() {
  if (core)
    env->sites.set(core->memory());
}

namespace {

using namespace std::chrono_literals;
using self_pointer = exits_state::self_pointer;

constexpr auto watch_interval = 250ms;

/// How often what is new of sites is put aside.
constexpr auto keep_interval = 1s;

/// The domain that logins belong to.
std::string site_of(const environment& env, const std::string& host) {
  return env.ports.site_of ? env.ports.site_of(host) : host;
}

void count_peers(exits_state& st) {
  st.env->exits_standing = st.sessions.size();
}

exit_chosen on_choose(self_pointer self, choose_exit& msg) {
  auto& st = self->state;
  exit_chosen out;
  if (msg.wanted) {
    out.line = *msg.wanted;
  } else {
    msg.wish.site = site_of(*st.env, msg.wish.target.host);
    out.line = st.core->choose(msg.wish, now_of(self));
  }
  if (auto i = st.sessions.find(out.line); i != st.sessions.end())
    out.session = i->second;
  out.patience = st.core->patience(out.line);
  return out;
}

void on_stands(self_pointer self, const exit_stands& msg) {
  auto& st = self->state;
  st.sessions[msg.id] = msg.session;
  st.core->stands(msg.id, msg.offers, now_of(self));
  count_peers(st);
}

void on_lost(self_pointer self, const exit_lost& msg) {
  auto& st = self->state;
  auto i = st.sessions.find(msg.id);
  // Another session with the same device may have taken over.
  if (i == st.sessions.end() || i->second != msg.session)
    return;
  st.sessions.erase(i);
  st.core->lost(msg.id);
  count_peers(st);
}

void keep_sites(exits_state& st) {
  if (st.core->changes() == st.kept || st.now - st.kept_at < keep_interval)
    return;
  st.kept = st.core->changes();
  st.kept_at = st.now;
  st.env->sites.set(st.core->memory());
}

void on_tick(self_pointer self) {
  auto& st = self->state;
  st.now = now_of(self);
  keep_sites(st);
  st.core->own_total(st.env->ports.own->bytes(), st.now);
  self->delayed_send(self, watch_interval, tick{});
}

} // namespace

exits_actor::behavior_type exits_behavior(self_pointer self,
                                          environment_ptr env) {
  auto& st = self->state;
  st.env = std::move(env);
  st.core = std::make_unique<exit_choice>(
      st.env->config.tunnels, st.env->self->device(), st.env->sites.get());
  count_peers(st);
  on_tick(self);
  return {
      [self](choose_exit& msg) { return on_choose(self, msg); },
      [self](const exit_stands& msg) { on_stands(self, msg); },
      [self](const exit_lost& msg) { on_lost(self, msg); },
      [self](const tunnel_begun& msg) {
        self->state.core->opened(msg.tunnel, msg.line, now_of(self));
      },
      [self](const exit_answered& msg) {
        self->state.core->connected(msg.line, msg.took);
      },
      [self](const tunnel_moved& msg) {
        self->state.core->moved(msg.tunnel, msg.bytes, now_of(self));
      },
      [self](const tunnel_over& msg) { self->state.core->closed(msg.tunnel); },
      [self](tunnel_failed& msg) {
        auto& st = self->state;
        msg.wish.site = site_of(*st.env, msg.wish.target.host);
        st.core->failed(msg.wish, msg.line, msg.why, now_of(self));
      },
      [self](const tick&) { on_tick(self); },
  };
}

} // namespace peapod

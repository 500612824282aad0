#include "actors/roster_trust.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = roster_state::self_pointer;

/// A device that is around, or trusted, or both.
struct candidate {
  device_id id;
  public_key key;
  std::string name;
};

std::vector<candidate> candidates(self_pointer self) {
  auto& st = self->state;
  std::vector<candidate> out;
  for (auto& x : st.core->list(now_of(self)))
    out.push_back({x.id, x.key, x.name});
  for (auto& x : st.env->ports.trust->list()) {
    auto around = std::ranges::find(out, x.id, &candidate::id);
    if (around == out.end())
      out.push_back({x.id, x.key, x.name});
    else if (around->name.empty())
      around->name = x.name;
  }
  return out;
}

result<candidate> find(self_pointer self, const std::string& who) {
  auto all = candidates(self);
  std::vector<named_device> names;
  for (auto& x : all)
    names.push_back({x.id, x.name});
  auto id = find_device(who, names);
  if (!id)
    return id.error();
  return *std::ranges::find(all, *id, &candidate::id);
}

/// Seconds since 1970.
uint64_t unix_time() {
  using namespace std::chrono;
  return static_cast<uint64_t>(
      duration_cast<seconds>(system_clock::now().time_since_epoch()).count());
}

result<void> save(const environment& env, const trust_store& x) {
  return env.ports.save_trust ? env.ports.save_trust(x) : result<void>{};
}

std::string label(const candidate& x) {
  return x.name.empty() ? "a device without a name" : x.name;
}

result<void> let_in(self_pointer self, const candidate& who) {
  auto& env = *self->state.env;
  auto changed = *env.ports.trust;
  if (auto done =
          changed.trust(who.key, who.name, unix_time(), trust_origin::paired);
      !done)
    return done;
  if (auto saved = save(env, changed); !saved)
    return saved;
  *env.ports.trust = std::move(changed);
  env.log(log_level::info, "trusted peer=" + to_string(who.id));
  env.publish(event_kind::peer_trusted, label(who) + " is trusted",
              to_string(who.id));
  for (auto& [connection, x] : self->state.sessions)
    if (x.id == who.id && x.secure && !std::exchange(x.trusted, true))
      tell(x.handle, trust_decided{true});
  return {};
}

result<void> let_out(self_pointer self, const candidate& who) {
  auto& env = *self->state.env;
  auto had_trust = env.ports.trust->untrust(who.key);
  for (auto& [connection, x] : self->state.sessions)
    if (x.id == who.id)
      tell(x.handle, drop_session{"not trusted any more"});
  if (!had_trust)
    return {};
  env.log(log_level::info, "not trusted any more peer=" + to_string(who.id));
  env.publish(event_kind::peer_untrusted,
              label(who) + " is not trusted any more", to_string(who.id));
  return save(env, *env.ports.trust);
}

} // namespace

bool is_wanted(const environment& env, const roster_state::session_entry& x) {
  if (env.ports.trust->is_refused(x.key))
    return false;
  // The core lets no others in by protocol 1.
  if (!x.secure)
    return true;
  // In mode secret the handshake has proven that it knows the secret.
  return env.config.trust != trust_mode::ask
         || env.ports.trust->is_trusted(x.key);
}

bool may_speak(const environment& env, const public_key& key, bool secure) {
  return secure || env.ports.trust->may_speak(key, 1);
}

error spoke_more() {
  return make_error(errc::policy_refused,
                    "it has spoken protocol 2 and now speaks less");
}

void describe_trust(self_pointer self, const roster::entry& x,
                    peer_status& to) {
  auto& st = self->state;
  auto& env = *st.env;
  auto i = st.sessions.find(x.connection.value_or(0));
  auto session = i == st.sessions.end() ? nullptr : &i->second;
  if (session && session->code)
    to.code.assign(session->code->words.begin(), session->code->words.end());
  to.pauses = session && !session->shares;
  if (session && !session->secure)
    to.trust = "insecure";
  else if (env.ports.trust->is_trusted(x.key))
    to.trust = "trusted";
  else if (session && !session->trusted)
    to.trust = "waiting";
  else if (env.ports.trust->is_refused(x.key))
    to.trust = "stranger";
  else if (env.config.trust == trust_mode::open)
    to.trust = "open";
  else
    to.trust = session ? "trusted" : "stranger";
}

void add_absent(const environment& env, std::vector<peer_status>& peers) {
  auto around = peers.size();
  for (auto& x : env.ports.trust->list()) {
    auto end = peers.begin() + static_cast<std::ptrdiff_t>(around);
    if (std::find_if(peers.begin(), end, [&](auto& y) { return y.id == x.id; })
        != end)
      continue;
    peer_status away;
    away.id = x.id;
    away.name = x.name;
    away.state = "away";
    away.protocol = x.protocol > 0 ? std::to_string(x.protocol) : "";
    away.trust = "trusted";
    peers.push_back(std::move(away));
  }
}

result<peer_status> set_trust(self_pointer self, const change_trust& msg) {
  auto who = find(self, msg.who);
  if (!who)
    return who.error();
  auto done = msg.trusted ? let_in(self, *who) : let_out(self, *who);
  if (!done)
    return done.error();
  peer_status out;
  out.id = who->id;
  out.name = who->name;
  out.state = "away";
  out.trust = msg.trusted ? "trusted" : "stranger";
  return out;
}

void note_session(self_pointer self, const roster_state::session_entry& x) {
  auto& st = self->state;
  auto& trust = *st.env->ports.trust;
  st.has_notes |= trust.rename(x.key, x.name);
  st.has_notes |= trust.note_protocol(x.key, x.secure ? 2 : 1);
}

void save_notes(self_pointer self, bool now) {
  auto& st = self->state;
  auto time = now_of(self);
  if (!st.has_notes || (!now && time - st.saved < 30s))
    return;
  st.has_notes = false;
  st.saved = time;
  if (auto saved = save(*st.env, *st.env->ports.trust); !saved)
    st.env->log(log_level::warn,
                "the devices that are trusted: " + saved.error().detail);
}

} // namespace peapod

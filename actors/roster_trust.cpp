#include "actors/roster_trust.hpp"

#include "core/identity.hpp"

#include <algorithm>
#include <cctype>
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

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (auto& x : words)
    out += (out.empty() ? "" : " ") + x;
  return out;
}

/// Whether `text` is an id with all its digits, in upper or lower case.
bool is_whole_id(std::string_view text, const device_id& id) {
  auto lower = [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  };
  return std::ranges::equal(text, to_string(id), {}, lower);
}

/// The words that the sessions of a device show now.
std::vector<pairing_code> standing_codes(self_pointer self,
                                         const device_id& id) {
  std::vector<pairing_code> out;
  for (auto& [connection, x] : self->state.sessions)
    if (x.id == id && x.code && !x.leaves)
      out.push_back(*x.code);
  return out;
}

/// What ties a person's word to this very key, as text. Names and beginnings
/// of ids do not: others may have taken them since they were read.
result<std::string> proof_of(self_pointer self, const candidate& who,
                             const change_trust& msg) {
  auto codes = standing_codes(self, who.id);
  auto is_said = [&](const pairing_code& x) {
    return std::ranges::equal(x.words, msg.code);
  };
  if (std::ranges::any_of(codes, is_said))
    return "by the words " + joined(msg.code);
  if (msg.code.empty() && is_whole_id(msg.who, who.id))
    return std::string{"by its whole id"};
  if (codes.empty() && self->state.env->ports.trust->is_trusted(who.key))
    return std::string{"as before"};
  if (!msg.code.empty())
    return make_error(errc::mismatch,
                      label(who)
                          + " shows no such words: look at peapod peers on "
                            "both devices again");
  return make_error(errc::mismatch,
                    codes.empty()
                        ? label(who)
                              + " shows no words to compare: let it in by its "
                                "whole id, as peapod id shows it there"
                        : "say the words that both devices show, too: they "
                          "stand in peapod peers");
}

result<void> let_in(self_pointer self, const candidate& who,
                    const change_trust& msg) {
  auto& env = *self->state.env;
  auto proof = proof_of(self, who, msg);
  if (!proof)
    return proof.error();
  auto changed = *env.ports.trust;
  if (auto done =
          changed.trust(who.key, who.name, unix_time(), trust_origin::paired);
      !done)
    return done;
  if (auto saved = save(env, changed); !saved)
    return saved;
  *env.ports.trust = std::move(changed);
  env.log(log_level::info, "trusted " + *proof + " peer=" + to_string(who.id));
  env.publish(event_kind::peer_trusted, label(who) + " is trusted, " + *proof,
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
    return had_trust.error();
  if (!*had_trust)
    return {};
  env.log(log_level::info, "not trusted any more peer=" + to_string(who.id));
  env.publish(event_kind::peer_untrusted,
              label(who) + " is not trusted any more", to_string(who.id));
  return save(env, *env.ports.trust);
}

uint8_t protocol_of(const roster_state::session_entry& x) {
  return x.secure ? 2 : 1;
}

/// Whom the store must not forget: who has a session, and who may speak
/// protocol 1 by the configuration.
trust_store::in_use spared(self_pointer self) {
  return [self](const public_key& key) {
    auto& st = self->state;
    auto& legacy = st.env->config.legacy_devices;
    return std::ranges::any_of(st.sessions,
                               [&](auto& x) { return x.second.key == key; })
           || (!legacy.empty()
               && std::ranges::count(legacy, derive_device_id(key)) > 0);
  };
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
  auto done = msg.trusted ? let_in(self, *who, msg) : let_out(self, *who);
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
  auto news = trust.note_protocol(x.key, protocol_of(x), spared(self));
  (trust.is_stranger(x.key) ? st.has_notes_of_strangers : st.has_notes) |= news;
}

void note_peer(self_pointer self, const roster_state::session_entry& x) {
  auto& st = self->state;
  st.has_notes |=
      st.env->ports.trust->note_peer(x.key, protocol_of(x), spared(self));
}

void save_notes(self_pointer self, bool now) {
  auto& st = self->state;
  auto time = now_of(self);
  auto due = [&](bool has, duration interval) {
    return has && (now || time - st.saved >= interval);
  };
  if (!due(st.has_notes, 30s) && !due(st.has_notes_of_strangers, 10min))
    return;
  st.has_notes = st.has_notes_of_strangers = false;
  st.saved = time;
  if (auto saved = save(*st.env, *st.env->ports.trust); !saved)
    st.env->log(log_level::warn,
                "the devices that are trusted: " + saved.error().detail);
}

} // namespace peapod

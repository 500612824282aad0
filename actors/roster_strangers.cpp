#include "actors/roster_strangers.hpp"

#include "core/handshake_gate.hpp"

#include <chrono>
#include <map>
#include <string>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = roster_state::self_pointer;
using session_entry = roster_state::session_entry;

/// Devices that may wait to be let in at a time, in all and at one place.
constexpr size_t max_waiting = 16;
constexpr size_t max_waiting_here = 4;
constexpr size_t max_waiting_on_link = 8;

/// How often strangers are told of in the log, and how many of those who wait
/// are named meanwhile.
constexpr auto telling_interval = 10s;
constexpr size_t max_named = 8;

/// So long the waiting room counts as crowded.
constexpr auto crowded_for = 60s;

size_t share_of(const session_entry& x) {
  return is_link_local(x.remote.address) ? max_waiting_on_link
                                         : max_waiting_here;
}

/// Whoever waits at one place, the one that came first first.
using waiting_room = std::map<std::string, std::vector<session_entry*>>;

/// Whom to send away so that all others have room; null: nobody.
session_entry* surplus(const waiting_room& room) {
  size_t in_all = 0;
  session_entry* out = nullptr;
  size_t most = 0;
  bool is_full = false;
  for (auto& [place, here] : room) {
    auto* first = here.front();
    in_all += here.size();
    is_full |= here.size() > share_of(*first);
    auto is_older = here.size() == most && (!out || first->since < out->since);
    if (here.size() > most || is_older)
      out = first;
    most = std::max(most, here.size());
  }
  return is_full || in_all > max_waiting ? out : nullptr;
}

/// Told at once, then again while it lasts.
void complain(self_pointer self) {
  auto& st = self->state;
  auto& who = st.strangers;
  auto now = now_of(self);
  ++who.sent_away;
  who.crowded = now;
  if (who.complained && now - *who.complained < telling_interval)
    return;
  who.complained = now;
  auto text = "more devices wait to be let in than there is room for: "
              + std::to_string(std::exchange(who.sent_away, 0))
              + " were sent away; one that is let in by its whole id, as "
                "peapod id shows it there, needs no room";
  st.env->log(log_level::warn, text);
  st.env->publish(event_kind::overloaded, text);
}

} // namespace

void take_into_waiting_room(self_pointer self) {
  waiting_room room;
  for (auto& [connection, x] : self->state.sessions)
    if (!x.trusted && !x.leaves)
      room[waiting_place(x.remote.address)].push_back(&x);
  auto* victim = surplus(room);
  if (!victim)
    return;
  victim->leaves = true;
  tell(victim->handle, drop_session{"too many devices wait to be accepted"});
  complain(self);
}

bool is_crowded(self_pointer self) {
  auto& crowded = self->state.strangers.crowded;
  return crowded && now_of(self) - *crowded < crowded_for;
}

log_level waiting_level(self_pointer self) {
  return ++self->state.strangers.named > max_named ? log_level::debug
                                                   : log_level::info;
}

void count_stranger(self_pointer self) {
  ++self->state.strangers.gone;
}

void tell_of_strangers(self_pointer self) {
  auto& st = self->state;
  auto& who = st.strangers;
  auto now = now_of(self);
  if (now - who.told < telling_interval)
    return;
  who.told = now;
  who.named = 0;
  if (auto count = std::exchange(who.gone, 0); count > 0)
    st.env->log(log_level::info,
                std::to_string(count) + (count == 1 ? " session" : " sessions")
                    + " with devices that are not in the pod came and went");
}

} // namespace peapod

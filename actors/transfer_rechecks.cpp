#include "actors/transfer_rechecks.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = transfer_state::self_pointer;
using question = transfer_state::question;

constexpr lease_id recheck_bit = lease_id{1} << 63;

/// How often each may fail for reasons that pass.
constexpr unsigned max_failures = 3;

/// How long a busy origin is not asked to confirm anything, and at most.
constexpr duration busy_time = 1s;
constexpr duration max_busy_time = 10s;

/// How long bytes wait for the own line. A peer that is suspected already may
/// cost more time.
constexpr duration patience = 2s;

void ask(self_pointer self, question& x) {
  auto& st = self->state;
  x.asked = st.env->lines.first().fetcher.get();
  x.bytes.clear();
  if (x.asked)
    tell(x.asked,
         fetch_chunk{recheck_bit | x.what.number, st.start.source, x.what.range,
                     caf::actor_cast<caf::strong_actor_ptr>(self), false,
                     x.what.fresh || x.differs});
}

void cancel(self_pointer self, const question& x) {
  if (x.asked)
    tell(x.asked, cancel_chunk{recheck_bit | x.what.number,
                               caf::actor_cast<caf::strong_actor_ptr>(self)});
}

} // namespace

bool is_recheck(lease_id lease) {
  return (lease & recheck_bit) != 0;
}

void ask_recheck(self_pointer self, const transfer::recheck& what) {
  auto [i, added] = self->state.rechecks.insert_or_assign(
      what.number, question{what, now_of(self), {}, {}, 0, {}});
  ask(self, i->second);
}

void take_recheck(self_pointer self, const chunk_arrived& msg) {
  auto& all = self->state.rechecks;
  auto i = all.find(msg.lease & ~recheck_bit);
  if (i == all.end())
    return;
  auto& x = i->second;
  // Other bytes belong to an earlier question, which has been repeated.
  if (msg.offset != x.what.range.begin + x.bytes.size())
    return;
  for (auto& piece : msg.bytes)
    x.bytes.insert(x.bytes.end(), piece.bytes().begin(), piece.bytes().end());
}

void settle_recheck(self_pointer self, const chunk_settled& msg) {
  auto& st = self->state;
  auto number = msg.lease & ~recheck_bit;
  auto i = st.rechecks.find(number);
  if (i == st.rechecks.end())
    return;
  auto& x = i->second;
  bool partial = !msg.failure && x.bytes.size() != x.what.range.size();
  bool busy = msg.failure == chunk_failure::busy;
  // Bytes wait, or an origin that takes few requests should not get more of
  // them than the client needs. Many say so by a 503, or a reset, alone.
  bool hurry = x.what.holds && !x.what.fresh;
  if (hurry && msg.failure && msg.failure != chunk_failure::mismatch) {
    st.rechecks.erase(i);
    st.core->not_rechecked(number, msg.reason, true);
    return;
  }
  if ((partial || busy || msg.failure == chunk_failure::unavailable)
      && ++x.failures < max_failures) {
    x.asked = wan_fetcher_actor{}; // a later tick asks again
    if (busy)
      x.after = now_of(self)
                + std::min(msg.retry_after.value_or(busy_time), max_busy_time);
    return;
  }
  // Of several servers one may have another version than the rest.
  if (msg.failure == chunk_failure::mismatch && ++x.failures < max_failures) {
    x.differs = true;
    ask(self, x);
    return;
  }
  auto bytes = slice{std::move(x.bytes)};
  st.rechecks.erase(i);
  if (msg.failure == chunk_failure::mismatch)
    st.core->version_differs(msg.reason);
  else if (msg.failure || partial)
    st.core->not_rechecked(number, msg.reason);
  else
    st.core->rechecked(number, bytes);
}

void look_after_rechecks(self_pointer self) {
  auto& st = self->state;
  auto now = now_of(self);
  std::vector<uint64_t> given_up;
  for (auto& [number, x] : st.rechecks) {
    if (x.what.holds && !x.what.fresh && now - x.since >= patience)
      given_up.push_back(number);
    else if (x.asked != st.env->lines.first().fetcher.get() && now >= x.after)
      ask(self, x);
  }
  for (auto number : given_up) {
    auto x = st.rechecks.extract(number);
    cancel(self, x.mapped());
    st.core->not_rechecked(number, "the own line takes too long");
  }
}

void cancel_rechecks(self_pointer self) {
  for (auto& [number, x] : std::exchange(self->state.rechecks, {}))
    cancel(self, x);
}

void count_checks(self_pointer self) {
  auto& st = self->state;
  auto& counters = st.env->counters;
  auto& ledger = st.core->ledger();
  counters.samples += ledger.samples;
  counters.unchecked += ledger.unchecked;
  auto fits = st.core->digest_fits();
  if (!fits)
    return;
  ++(*fits ? counters.digests_right : counters.digests_wrong);
  if (*fits)
    return;
  auto id = to_string(st.start.source->id);
  constexpr auto text = "a body does not have the hash that its origin "
                        "announced";
  st.env->log(log_level::warn, std::string{text} + " transfer=" + id);
  st.env->publish(event_kind::digest_wrong, text, {}, id);
}

} // namespace peapod

#include "hosts/get/upload_requests.hpp"

#include "hosts/get/upload_lines.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

void start_job(upload_state::self_pointer self, const device_id& id,
               upload_request what, std::optional<size_t> part,
               upload_part at) {
  auto& st = self->state;
  auto number = st.next_job++;
  auto& through = st.lines.at(id);
  auto done = send_back(self, [number](result<upload_answer> outcome) {
    return upload_answered{number, std::move(outcome)};
  });
  // On a connection that was used before nobody could tell whether one that
  // ended had taken anything.
  auto fresh = through.failures > 0 || st.tries > 0
               || (part && !st.protocol->can_repeat());
  auto under_way = sending::start(*through.http, std::move(what), st.task.file,
                                  fresh, std::move(done));
  st.jobs[number] = {id, part, std::move(at), std::move(under_way),
                     now_of(self)};
}

void start_alone(upload_state::self_pointer self, upload_request what) {
  auto& st = self->state;
  if (st.alone_over && !st.lines.contains(*st.alone_over))
    st.alone_over.reset();
  auto line = st.alone_over.value_or(own_id(self));
  start_job(self, line, std::move(what), std::nullopt, {});
}

void cancel_jobs(upload_state::self_pointer self) {
  for (auto& [number, x] : std::exchange(self->state.jobs, {}))
    x.what->cancel();
}

result<bool> follow_redirect(upload_state::self_pointer self,
                             const upload_answer& answer) {
  constexpr unsigned max_redirects = 20;
  auto& st = self->state;
  auto& plan = st.task.plan;
  auto to = redirect_of(plan.target, answer);
  if (!to)
    return to.error();
  if (!*to)
    return false;
  if (++st.redirects > max_redirects)
    return make_error(errc::origin_refused, "too many redirects");
  if ((*to)->origin() != plan.target.origin())
    for (auto* name : {"Authorization", "Cookie"})
      plan.fields.erase(name);
  plan.target = std::move(**to);
  return true;
}

void show_progress(upload_state::self_pointer self) {
  auto& st = self->state;
  transfer_ledger ledger;
  uint64_t done = 0;
  for (auto& [id, x] : st.lines)
    ledger.bytes_by_source[id] = x.bytes;
  for (auto& x : st.parts)
    done += x.done ? x.at.range.size() : 0;
  std::map<size_t, uint64_t> running;
  for (auto& [number, x] : st.jobs) {
    if (!x.part || st.parts[*x.part].done)
      continue;
    auto& most = running[*x.part];
    auto sent = x.what->sent();
    most = std::max(most, x.at.sent + sent);
    ledger.bytes_by_source[x.line] += sent;
  }
  for (auto& [part, bytes] : running)
    done += bytes;
  ledger.wasted = st.outcome.repeated;
  st.task.shown->set_ledger(transfer_id{}, std::move(ledger));
  st.task.shown->set_done(done);
}

} // namespace peapod

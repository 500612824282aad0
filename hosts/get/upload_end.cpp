#include "hosts/get/upload_end.hpp"

#include "hosts/get/upload_choice.hpp"
#include "hosts/get/upload_lines.hpp"
#include "hosts/get/upload_requests.hpp"

#include <utility>

namespace peapod {

namespace {

using phase = upload_state::phase;

/// Tells what became of it.
void end(upload_state::self_pointer self) {
  auto& st = self->state;
  show_progress(self);
  st.now = phase::ended;
  st.outcome.failure = st.failing;
  st.outcome.parts = st.parts.size();
  st.outcome.rates = measured_rates(st);
  if (st.protocol) {
    st.outcome.protocol = st.protocol->name();
    st.outcome.place = st.protocol->place();
  }
  if (!st.failing)
    st.outcome.bytes = st.task.plan.size;
  if (st.task.done)
    std::exchange(st.task.done, nullptr)(std::move(st.outcome));
  self->quit();
}

} // namespace

void fail(upload_state::self_pointer self, get_failure why) {
  auto& st = self->state;
  if (st.now == phase::aborting || st.now == phase::ended)
    return;
  st.failing = std::move(why);
  auto parts = st.leftover;
  for (auto& x : st.parts)
    parts.push_back(x.at);
  for (auto& [number, x] : st.jobs)
    if (x.part && x.at.location != st.parts[*x.part].at.location)
      parts.push_back(x.at);
  clean_up(self, parts);
}

void fail(upload_state::self_pointer self, const error& why) {
  fail(self, as_failure(why));
}

void clean_up(upload_state::self_pointer self,
              const std::vector<upload_part>& parts) {
  auto& st = self->state;
  st.now = phase::aborting;
  cancel_jobs(self);
  if (st.protocol && (st.failing || !parts.empty()))
    for (auto& x : st.protocol->abort(parts))
      st.aborts.push_back(std::move(x));
  abort_next(self);
}

void abort_next(upload_state::self_pointer self) {
  auto& st = self->state;
  if (st.aborts.empty() || !st.lines.contains(own_id(self)))
    return end(self);
  auto what = std::move(st.aborts.front());
  st.aborts.pop_front();
  start_alone(self, std::move(what));
}

} // namespace peapod

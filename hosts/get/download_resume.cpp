#include "hosts/get/download_resume.hpp"

#include "hosts/get/download_end.hpp"
#include "hosts/get/download_request.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

/// The next of what is there behind a gap.
void find_next_end(download_state& st) {
  st.until.reset();
  while (!st.ahead.empty() && st.ahead.front().begin <= st.at)
    st.ahead.pop_front();
  if (!st.ahead.empty())
    st.until = st.ahead.front().begin;
}

/// Takes over what an earlier run has left.
void go_on_with(download_state& st, const sidecar& begun) {
  st.total = begun.rep.total_length;
  st.foreign = begun.from != resource_name(st.task.from);
  // Validators of one mirror say nothing about another one's file.
  st.rep = st.foreign ? representation{{}, {}, st.total} : begun.rep;
  // A request for nothing would not tell whether it is still the same.
  st.at = std::min(begun.prefix(), *st.total - 1);
  st.ahead.assign(begun.have.begin(), begun.have.end());
  find_next_end(st);
  st.outcome.begun = st.at;
  st.attempt_began = st.at;
}

} // namespace

void start_download(download_state::self_pointer self) {
  auto& st = self->state;
  if (st.task.to_stdout)
    return ask(self);
  auto from = resource_name(st.task.from);
  auto plan =
      look_at(st.names, from, st.task.force, st.task.restart, st.task.mirrors);
  if (!plan)
    return fail(self, plan.error());
  st.begun = std::move(plan->begun);
  if (st.begun)
    go_on_with(st, *st.begun);
  ask(self);
}

void on_ahead_taken(download_state::self_pointer self, const ahead_taken& msg) {
  auto& st = self->state;
  if (st.failing)
    return;
  if (!msg.outcome)
    return fail(self, msg.outcome.error());
  st.at += msg.bytes;
  st.outcome.begun += msg.earlier;
  st.attempt_began = st.at;
  st.task.shown->set_total(st.total, st.outcome.begun);
  st.task.shown->set_done(st.at);
  find_next_end(st);
  if (st.at < *st.total)
    return ask(self);
  self->send(st.writer, finish_file{});
}

void on_ahead_is(download_state::self_pointer self, const ahead_is& msg) {
  auto& st = self->state;
  if (msg.attempt != st.step || st.failing)
    return;
  st.ahead.assign(msg.ranges.begin(), msg.ranges.end());
  if (!st.ahead.empty() && st.ahead.front().begin == st.at)
    return self->send(st.writer, take_ahead{});
  find_next_end(st);
  ask(self);
}

} // namespace peapod

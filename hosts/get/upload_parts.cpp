#include "hosts/get/upload_parts.hpp"

#include "hosts/get/upload_choice.hpp"
#include "hosts/get/upload_end.hpp"
#include "hosts/get/upload_lines.hpp"
#include "hosts/get/upload_requests.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = upload_state::self_pointer;
using phase = upload_state::phase;
using job = upload_state::job;

/// Parts that one line brings at a time: the next one is under way while the
/// server looks at the last one.
constexpr unsigned at_a_time = 2;

/// A line begins a part, or sends the next request of it.
void start_part(self_pointer self, const device_id& id, size_t number,
                upload_part at) {
  auto& st = self->state;
  auto& x = st.lines.at(id);
  if (x.busy++ == 0)
    x.since = now_of(self);
  ++st.parts[number].running;
  auto request = st.protocol->next(at);
  start_job(self, id, std::move(request), number, std::move(at));
}

/// The server has all parts: it puts them together.
void finish(self_pointer self) {
  auto& st = self->state;
  // What others were still bringing is not needed.
  for (auto& [number, x] : st.jobs)
    if (x.part && !x.at.location.empty()
        && x.at.location != st.parts[*x.part].at.location)
      st.leftover.push_back(x.at);
  cancel_jobs(self);
  if (!st.task.file->is_unchanged())
    return fail(self, {get_exit::file, "the file has changed meanwhile"});
  st.now = phase::finishing;
  std::vector<upload_part> parts;
  for (auto& x : st.parts)
    parts.push_back(x.at);
  if (auto request = st.protocol->finish(parts))
    start_alone(self, std::move(*request));
  else
    clean_up(self, st.leftover);
}

/// A line has ended a part, in one way or the other.
void release(self_pointer self, const job& x) {
  auto& st = self->state;
  --st.parts[*x.part].running;
  auto i = st.lines.find(x.line);
  if (i == st.lines.end())
    return;
  if (--i->second.busy == 0)
    i->second.worked += now_of(self) - i->second.since;
}

/// The server has all of a part.
void part_done(self_pointer self, job& x) {
  auto& st = self->state;
  auto& part = st.parts[*x.part];
  if (auto i = st.lines.find(x.line); i != st.lines.end()) {
    i->second.failures = 0;
    note_brought(st, x.line, x.at.range.size(), now_of(self));
  }
  if (part.done) {
    st.outcome.repeated += x.at.range.size();
    if (!x.at.location.empty())
      st.leftover.push_back(x.at);
  } else {
    part.done = true;
    part.at = x.at;
    for (auto& [number, other] : st.jobs)
      if (other.part == x.part)
        other.what->cancel();
  }
  if (std::ranges::all_of(st.parts, [](auto& y) { return y.done; })
      && (!st.cutter || st.cutter->left() == 0))
    finish(self);
  else
    assign_parts(self);
}

/// What may be at the server already is not sent again by itself.
get_failure unsure(const error& why) {
  return {as_failure(why).code,
          words_for(why)
              + "; some of the file may have gone out, so that it "
                "is not sent again by itself: whether the server has it is not "
                "known"};
}

/// A part goes back, to be tried again or not.
void part_failed(self_pointer self, job& x, const error& why, bool passes,
                 bool safe) {
  auto& st = self->state;
  auto& part = st.parts[*x.part];
  st.outcome.repeated += x.what->sent();
  if (part.done) {
    if (!x.at.location.empty())
      st.leftover.push_back(x.at);
    return assign_parts(self);
  }
  // Only what nobody else brings can be continued where it stopped.
  if (part.running == 0) {
    part.at = x.at;
    st.protocol->lost(part.at);
  }
  if (!safe)
    return fail(self, unsure(why));
  if (why.code == errc::cancelled) // its line has gone
    return assign_parts(self);
  auto i = st.lines.find(x.line);
  bool own = i == st.lines.end() || i->second.own;
  if (!own && is_impostor(why)) {
    drop_line(self, x.line, why);
    return assign_parts(self);
  }
  ++st.outcome.failures;
  if (own && is_of_the_line(why) && go_elsewhere(self, why))
    return assign_parts(self);
  if (!own && st.only == x.line && (passes || is_before_body(why))) {
    stay_at_home(self, "over " + i->second.name + " the server is not reached ("
                           + words_for(why) + ")");
    return assign_parts(self);
  }
  if (!passes || ++part.tries >= st.task.tries)
    return fail(self, why);
  if (i != st.lines.end())
    hold_back(self, x.line, why);
  assign_parts(self);
}

} // namespace

void begin_parts(upload_state::self_pointer self) {
  self->state.now = phase::parts;
  assign_parts(self);
}

void assign_parts(upload_state::self_pointer self) {
  auto& st = self->state;
  if (st.now != phase::parts)
    return;
  auto now = now_of(self);
  // One more for each line before anybody gets a second one.
  for (unsigned round = 1; round <= at_a_time; ++round) {
    for (auto& [id, x] : st.lines) {
      if (x.busy >= round || x.not_before > now || !may_bring(st, id)
          || !has_room(st, id))
        continue;
      if (auto number = next_part(st, id, now))
        start_part(self, id, *number, st.parts[*number].at);
      else if (x.busy == 0)
        if (auto slow = worth_repeating(st, x, now)) {
          auto& at = st.parts[*slow].at;
          start_part(self, id, *slow, {at.range, at.number, 0, 0, {}, {}});
        }
    }
  }
}

void on_part_answered(upload_state::self_pointer self, upload_state::job x,
                      const result<upload_answer>& outcome) {
  auto& st = self->state;
  release(self, x);
  auto failed = [&](const error& why) {
    part_failed(self, x, why, is_passing(why, outcome),
                is_safe_again(st, x, why, outcome));
  };
  if (!outcome) {
    tell(st.keeper, line_troubled{});
    return failed(outcome.error());
  }
  if (st.is_plain) {
    auto moved = follow_redirect(self, *outcome);
    if (!moved)
      return fail(self, in_words(moved.error()));
    if (*moved) {
      st.outcome.repeated += x.what->sent();
      st.protocol = make_plain_upload(st.task.plan);
      return assign_parts(self);
    }
  }
  auto done = st.protocol->took(x.at, *outcome);
  if (!done)
    return failed(done.error());
  if (*done)
    return part_done(self, x);
  if (!st.lines.contains(x.line) || st.parts[*x.part].done)
    return assign_parts(self);
  if (st.parts[*x.part].running == 0)
    st.parts[*x.part].at = x.at;
  start_part(self, x.line, *x.part, x.at);
}

} // namespace peapod

#include "hosts/get/upload_phases.hpp"

#include "hosts/get/tus_upload.hpp"
#include "hosts/get/upload_choice.hpp"
#include "hosts/get/upload_end.hpp"
#include "hosts/get/upload_lines.hpp"
#include "hosts/get/upload_parts.hpp"
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

/// The server has said what it speaks.
void on_asked(self_pointer self, const upload_answer& answer) {
  auto& st = self->state;
  auto tus = parse_tus_options(answer.head);
  auto& host = st.task.plan.target.host;
  if (!tus || !tus->creation) {
    if (st.task.must_be_tus)
      return fail(self, {get_exit::http, "the server does not speak tus 1.0 "
                                         "with creation"});
    return use_protocol(self, make_plain_upload, false,
                        host + " takes no parts, so the file goes in one PUT");
  }
  if (tus->max_size && *tus->max_size < st.task.plan.size)
    return fail(self,
                {get_exit::http, "the server takes no file of this size"});
  auto make = [server = *tus](upload_plan plan) {
    return make_tus_upload(std::move(plan), server);
  };
  use_protocol(self, make, tus->concatenation,
               tus->concatenation
                   ? ""
                   : host + " puts no parts together, so the file goes whole");
}

/// Asks over another line, if it is the line that has failed. A server that
/// another line shows with a wrong certificate ends that line alone.
bool ask_elsewhere(self_pointer self, const device_id& over, const error& why) {
  auto& st = self->state;
  bool own = over == own_id(self);
  bool impostor = !own && is_impostor(why);
  if (!impostor && !is_of_the_line(why))
    return false;
  st.alone_tried.insert(over);
  if (impostor && st.lines.contains(over))
    drop_line(self, over, why);
  auto next = next_line(st);
  if (own) {
    st.own_failure = why;
    if (next)
      rest_own_line(self);
  }
  if (!next) {
    st.alone_tried.clear(); // the own one comes first again
    st.alone_over.reset();
    return false;
  }
  if (!impostor)
    st.task.shown->note(to_string(why) + "; asking over the line of "
                        + st.lines.at(*next).name);
  st.alone_over = next;
  ask_alone(self);
  return true;
}

/// What an answer means for the present phase.
result<void> take_answer(const upload_state& st, const upload_answer& answer) {
  if (st.now == phase::beginning)
    return st.protocol->began(answer);
  if (st.now == phase::finishing)
    return st.protocol->finished(answer);
  return {};
}

/// Asks again after a while, or gives up.
void try_again(self_pointer self, const error& why, bool passes) {
  auto& st = self->state;
  if (!passes || ++st.tries >= st.task.tries)
    return fail(self, why);
  ++st.outcome.failures;
  self->delayed_send(self, 1s * (1u << std::min(st.tries, 4u)),
                     retry_due{st.next_job});
}

/// No answer has come over the line that was asked.
void on_not_reached(self_pointer self, const device_id& over,
                    const result<upload_answer>& outcome) {
  auto& st = self->state;
  tell(st.keeper, line_troubled{});
  if (ask_elsewhere(self, over, outcome.error()))
    return;
  auto why = outcome.error();
  if (over != own_id(self) && st.own_failure)
    why = *st.own_failure;
  // Before anything has gone out, what is not there will not come either.
  try_again(self, why,
            st.now == phase::finishing ? is_passing(why, outcome)
                                       : may_pass(why));
}

/// The present phase is over, or the question goes to another server.
void go_on(self_pointer self, const upload_answer& answer) {
  auto& st = self->state;
  if (st.now == phase::beginning)
    return begin_parts(self);
  if (st.now == phase::finishing)
    return clean_up(self, st.leftover);
  if (st.now != phase::asking)
    return;
  auto moved = follow_redirect(self, answer);
  if (!moved)
    return fail(self, in_words(moved.error()));
  if (*moved)
    ask_alone(self);
  else
    on_asked(self, answer);
}

} // namespace

void ask_alone(upload_state::self_pointer self) {
  auto& st = self->state;
  std::vector<upload_part> parts;
  for (auto& x : st.parts)
    parts.push_back(x.at);
  switch (st.now) {
    case phase::asking:
      return start_alone(
          self, make_tus_question(st.task.plan.target, st.task.plan.fields));
    case phase::beginning:
      return start_alone(self, *st.protocol->begin());
    case phase::finishing:
      return start_alone(self, *st.protocol->finish(parts));
    default:
      return;
  }
}

void use_protocol(
    upload_state::self_pointer self,
    std::function<std::shared_ptr<upload_protocol>(upload_plan)> make,
    bool in_parts, const std::string& why_one) {
  auto& st = self->state;
  auto& plan = st.task.plan;
  if (plan.parts.empty())
    plan.parts =
        in_parts ? choose_parts(st) : std::vector{byte_range{0, plan.size}};
  if (st.task.is_cut && st.task.part_size == 0 && plan.parts.size() > 1)
    st.cutter = make_cutter(st);
  for (size_t i = 0; i < plan.parts.size() && !st.cutter; ++i)
    st.parts.push_back({{plan.parts[i], i, 0, 0, {}, {}}, false, 0, 0});
  if (plan.target.scheme != "https")
    st.task.shown->note("only https goes over the lines of others: this "
                        "device's own line is used");
  else if (plan.parts.size() == 1)
    use_one_line(self, why_one);
  st.protocol = make(plan);
  st.is_plain = st.protocol->name() == "put";
  auto request = st.protocol->begin();
  if (!request)
    return begin_parts(self);
  st.now = phase::beginning;
  start_alone(self, std::move(*request));
}

void on_alone_answered(upload_state::self_pointer self, const device_id& over,
                       const result<upload_answer>& outcome) {
  auto& st = self->state;
  if (st.now == phase::aborting)
    return abort_next(self);
  if (!outcome)
    return on_not_reached(self, over, outcome);
  if (auto good = take_answer(st, *outcome); !good)
    return try_again(self, good.error(), is_passing(good.error(), outcome));
  st.tries = 0;
  go_on(self, *outcome);
}

} // namespace peapod

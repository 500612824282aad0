#include "hosts/get/upload.hpp"

#include "hosts/get/upload_choice.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = upload_state::self_pointer;
using phase = upload_state::phase;
using job = upload_state::job;
using line = upload_state::line;

constexpr auto tick_interval = 50ms;

/// Parts that one line brings at a time: the next one is under way while the
/// server looks at the last one.
constexpr unsigned at_a_time = 2;

/// Failures in a row after which a peer's line is not used any more.
constexpr unsigned max_failures = 3;

/// How long an own line that did not reach the server gets no part.
constexpr auto own_rest = 30s;

device_id own_id(self_pointer self) {
  return self->state.env->self->device();
}

// -- status -------------------------------------------------------------------

void show(self_pointer self) {
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

// -- requests -----------------------------------------------------------------

uint64_t start_job(self_pointer self, const device_id& id, upload_request what,
                   std::optional<size_t> part, upload_part at) {
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
  return number;
}

/// A request that is no part's, over the own line unless that has failed.
void start_alone(self_pointer self, upload_request what) {
  auto& st = self->state;
  if (st.alone_over && !st.lines.contains(*st.alone_over))
    st.alone_over.reset();
  auto line = st.alone_over.value_or(own_id(self));
  start_job(self, line, std::move(what), std::nullopt, {});
}

/// A line besides those that did not reach the server.
std::optional<device_id> next_line(const upload_state& st) {
  if (st.task.plan.target.scheme == "https")
    for (auto& [id, x] : st.lines)
      if (!st.alone_tried.contains(id))
        return id;
  return std::nullopt;
}

void end(self_pointer self) {
  auto& st = self->state;
  show(self);
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

void abort_next(self_pointer self) {
  auto& st = self->state;
  if (st.aborts.empty() || !st.lines.contains(own_id(self)))
    return end(self);
  auto what = std::move(st.aborts.front());
  st.aborts.pop_front();
  start_alone(self, std::move(what));
}

void cancel_jobs(self_pointer self) {
  for (auto& [number, x] : std::exchange(self->state.jobs, {}))
    x.what->cancel();
}

/// Removes at the server what is of no use there, and ends.
void clean_up(self_pointer self, const std::vector<upload_part>& parts) {
  auto& st = self->state;
  st.now = phase::aborting;
  cancel_jobs(self);
  if (st.protocol && (st.failing || !parts.empty()))
    for (auto& x : st.protocol->abort(parts))
      st.aborts.push_back(std::move(x));
  abort_next(self);
}

void fail(self_pointer self, get_failure why) {
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

void fail(self_pointer self, const error& why) {
  fail(self, as_failure(why));
}

// -- parts --------------------------------------------------------------------

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

void assign(self_pointer self) {
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

void begin_parts(self_pointer self) {
  self->state.now = phase::parts;
  assign(self);
}

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
    assign(self);
}

/// Whether what failed so may be sent again without doing it twice.
bool is_safe_again(const upload_state& st, const job& x, const error& why,
                   const result<upload_answer>& outcome) {
  if (st.protocol->can_repeat())
    return true;
  if (!outcome)
    return x.what->sent() == 0 && is_before_body(why);
  // The server says itself that it has not taken it (RFC 9110, 15.5, 15.6.4).
  auto status = outcome->head.status;
  return status / 100 == 3 || status / 100 == 4 || status == 503;
}

bool is_passing(const error& why, const result<upload_answer>& outcome) {
  if (!outcome)
    return may_pass(why) || as_failure(why).code == get_exit::network;
  auto status = outcome->head.status;
  return status == 408 || status == 409 || status == 423 || status == 429
         || status >= 500;
}

/// Whose TLS somebody else answers is not a line to use.
bool is_impostor(const error& why) {
  return why.code == errc::certificate_refused;
}

/// An upload that is not split goes on over the own line.
void stay_at_home(self_pointer self, const std::string& why) {
  auto& st = self->state;
  st.only = own_id(self);
  st.task.shown->note(why + ": the file goes over this device's own line");
}

/// What it was bringing goes back.
void lose_line(self_pointer self, const device_id& id) {
  auto& st = self->state;
  auto name = st.lines[id].name;
  st.lines.erase(id);
  if (st.only == id && st.now == phase::parts)
    stay_at_home(self, name + " takes no more tunnels");
  for (auto& [number, x] : st.jobs)
    if (x.line == id)
      x.what->cancel();
}

void drop_line(self_pointer self, const device_id& id, const error& why) {
  auto& st = self->state;
  auto name = st.lines[id].name;
  lose_line(self, id);
  st.task.shown->device_left(id);
  st.task.shown->note("the line of " + name
                      + " is not used any more: " + words_for(why));
}

/// The own line does not reach the server: others bring what is left, for a
/// while. False: there are none.
bool go_elsewhere(self_pointer self, const error& why) {
  auto& st = self->state;
  st.alone_tried.insert(own_id(self));
  auto next = next_line(st);
  if (!next)
    return false;
  if (auto i = st.lines.find(own_id(self)); i != st.lines.end())
    i->second.not_before = now_of(self) + own_rest;
  if (st.only == own_id(self))
    st.only = next;
  if (!std::exchange(st.own_failure, why))
    st.task.shown->note(words_for(why) + "; going on over the line of "
                        + st.lines.at(*next).name);
  return true;
}

void part_failed(self_pointer self, job& x, const error& why, bool passes,
                 bool safe) {
  auto& st = self->state;
  auto& part = st.parts[*x.part];
  st.outcome.repeated += x.what->sent();
  if (part.done) {
    if (!x.at.location.empty())
      st.leftover.push_back(x.at);
    return assign(self);
  }
  // Only what nobody else brings can be continued where it stopped.
  if (part.running == 0) {
    part.at = x.at;
    st.protocol->lost(part.at);
  }
  if (!safe)
    return fail(self, {as_failure(why).code,
                       words_for(why)
                           + "; some of the file may have gone out, so that "
                             "it is not sent again by itself: whether the "
                             "server has it is not known"});
  if (why.code == errc::cancelled) // its line has gone
    return assign(self);
  auto i = st.lines.find(x.line);
  bool own = i == st.lines.end() || i->second.own;
  if (!own && is_impostor(why)) {
    drop_line(self, x.line, why);
    return assign(self);
  }
  ++st.outcome.failures;
  if (own && is_of_the_line(why) && go_elsewhere(self, why))
    return assign(self);
  if (!own && st.only == x.line && (passes || is_before_body(why))) {
    stay_at_home(self, "over " + i->second.name + " the server is not reached ("
                           + words_for(why) + ")");
    return assign(self);
  }
  if (!passes || ++part.tries >= st.task.tries)
    return fail(self, why);
  if (i != st.lines.end()) {
    auto& through = i->second;
    through.not_before =
        now_of(self) + 500ms * (1u << std::min(through.failures, 5u));
    if (++through.failures >= max_failures && !own)
      drop_line(self, x.line, why);
  }
  assign(self);
}

/// Lets requests go where the server wants them; false: it wants nothing.
/// What names the user stays with the server that it was meant for.
result<bool> follow_redirect(self_pointer self, const upload_answer& answer) {
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

/// An error whose detail says all.
get_failure in_words(const error& why) {
  return {as_failure(why).code, why.detail};
}

void on_part_answered(self_pointer self, job x,
                      result<upload_answer>& outcome) {
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
      return assign(self);
    }
  }
  auto done = st.protocol->took(x.at, *outcome);
  if (!done)
    return failed(done.error());
  if (*done)
    return part_done(self, x);
  if (!st.lines.contains(x.line) || st.parts[*x.part].done)
    return assign(self);
  if (st.parts[*x.part].running == 0)
    st.parts[*x.part].at = x.at;
  start_part(self, x.line, *x.part, x.at);
}

// -- requests that stand for themselves ---------------------------------------

/// Chooses the line of an upload that is not split, and says which one it is.
void use_one_line(self_pointer self, const std::string& why) {
  auto& st = self->state;
  auto choice = choose_only_line(st);
  if (choice.own && st.alone_over) {
    st.only = st.alone_over; // the own one does not reach the server
    return;
  }
  st.only = choice.own ? own_id(self) : choice.id;
  if (!why.empty() || !choice.own)
    st.task.shown->note((why.empty() ? "the file goes over " : why + " over ")
                        + choice.text);
}

void use_protocol(
    self_pointer self,
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

void again_alone(self_pointer self) {
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
    if (auto i = st.lines.find(over); next && i != st.lines.end())
      i->second.not_before = now_of(self) + own_rest;
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
  again_alone(self);
  return true;
}

void on_alone_answered(self_pointer self, const device_id& over,
                       result<upload_answer>& outcome) {
  auto& st = self->state;
  if (st.now == phase::aborting)
    return abort_next(self);
  auto good = result<void>{};
  if (!outcome) {
    tell(st.keeper, line_troubled{});
    good = outcome.error();
  } else if (st.now == phase::beginning)
    good = st.protocol->began(*outcome);
  else if (st.now == phase::finishing)
    good = st.protocol->finished(*outcome);
  if (!outcome && ask_elsewhere(self, over, outcome.error()))
    return;
  if (!outcome && over != own_id(self) && st.own_failure)
    good = *st.own_failure;
  if (!good) {
    // Before anything has gone out, what is not there will not come either.
    bool passes = !outcome && st.now != phase::finishing
                      ? may_pass(good.error())
                      : is_passing(good.error(), outcome);
    if (!passes || ++st.tries >= st.task.tries)
      return fail(self, good.error());
    ++st.outcome.failures;
    return self->delayed_send(self, 1s * (1u << std::min(st.tries, 4u)),
                              retry_due{st.next_job});
  }
  st.tries = 0;
  if (st.now == phase::asking) {
    auto moved = follow_redirect(self, *outcome);
    if (!moved)
      return fail(self, in_words(moved.error()));
    if (*moved)
      again_alone(self);
    else
      on_asked(self, *outcome);
  } else if (st.now == phase::beginning)
    begin_parts(self);
  else if (st.now == phase::finishing)
    clean_up(self, st.leftover);
}

void on_answered(self_pointer self, upload_answered& msg) {
  auto& st = self->state;
  auto node = st.jobs.extract(msg.job);
  if (node.empty())
    return;
  auto x = std::move(node.mapped());
  if (x.part)
    on_part_answered(self, std::move(x), msg.outcome);
  else
    on_alone_answered(self, x.line, msg.outcome);
}

// -- lines --------------------------------------------------------------------

/// Which line is the best can be said when all are known that there were at the
/// beginning.
void begin_with_lines(self_pointer self, size_t enough) {
  auto& st = self->state;
  if (st.begun || !st.lines.contains(own_id(self)) || st.lines.size() < enough)
    return;
  st.begun = true;
  if (st.task.make_protocol)
    use_protocol(self, st.task.make_protocol, true, "");
  else
    again_alone(self);
}

void on_line_joined(self_pointer self, const line_joined& msg) {
  auto& st = self->state;
  auto& x = st.lines[msg.id];
  x.http = msg.http;
  x.own = msg.id == own_id(self);
  x.adds = msg.adds;
  x.name = msg.name;
  st.keeper = self->current_sender();
  begin_with_lines(self, st.task.lines);
  assign(self);
}

void on_line_left(self_pointer self, const line_left& msg) {
  // The own one comes back at once, over another way.
  if (msg.id != own_id(self))
    lose_line(self, msg.id);
}

} // namespace

std::string upload_state::about() const {
  return task.plan.target.host;
}

upload_actor::behavior_type
upload_behavior(self_pointer self, environment_ptr env, upload_task task) {
  auto& st = self->state;
  st.env = std::move(env);
  st.task = std::move(task);
  return {
      [self](start_work) {
        auto& st = self->state;
        st.task.shown->add_transfer({});
        st.task.shown->set_total(st.task.plan.size, 0);
        self->delayed_send(self, tick_interval, tick{});
      },
      [self](const line_joined& msg) { on_line_joined(self, msg); },
      [self](const line_left& msg) { on_line_left(self, msg); },
      [self](upload_answered& msg) { on_answered(self, msg); },
      [self](const retry_due& msg) {
        auto& st = self->state;
        if (msg.attempt == st.next_job && st.jobs.empty() && !st.failing)
          again_alone(self);
      },
      [self](tick) {
        begin_with_lines(self, 1);
        show(self);
        assign(self);
        self->delayed_send(self, tick_interval, tick{});
      },
      [self](stop_download) {
        fail(self, {get_exit::interrupted,
                    "interrupted: what came to the server is removed"});
      },
  };
}

} // namespace peapod

#include "hosts/get/download.hpp"

#include "core/http_semantics.hpp"
#include "core/proxy_status.hpp"
#include "hosts/get/counted_exchange.hpp"
#include "hosts/get/file_name.hpp"
#include "hosts/get/stdout_writer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = download_state::self_pointer;

constexpr unsigned max_redirects = 20;
constexpr size_t piece_size = 256_KiB;
constexpr uint64_t max_unwritten = 4_MiB;
constexpr auto patience = 60s;

/// How long a line may take to connect where another one can be asked instead.
constexpr auto short_patience = 5s;

/// An attempt that has brought as much was not in vain: it does not count.
constexpr uint64_t fair_attempt = 1_MiB;

constexpr duration longest_pause = 60s;

std::chrono::seconds wall_clock() {
  return std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
}

// -- ends ---------------------------------------------------------------------

void end(self_pointer self) {
  auto& st = self->state;
  ++st.step;
  st.task.desk->close(st.transfer_is);
  st.exchange.reset();
  st.outcome.failure = st.failing;
  st.outcome.final_url = st.target;
  st.outcome.rep = st.rep;
  st.outcome.bytes = st.at - st.unwritten;
  if (st.task.done)
    std::exchange(st.task.done, nullptr)(std::move(st.outcome));
  self->quit();
}

/// Ends once what is there of the file is safe.
void fail(self_pointer self, get_failure why) {
  auto& st = self->state;
  if (std::exchange(st.failing, std::move(why)))
    return;
  *st.stop = true;
  ++st.step;
  st.exchange.reset();
  if (auto transfer = std::exchange(st.transfer, transfer_actor{}))
    self->send_exit(transfer, caf::exit_reason::user_shutdown);
  if (st.writer)
    self->send(st.writer, leave_file{});
  else
    end(self);
}

void fail(self_pointer self, const error& why) {
  fail(self, as_failure(why));
}

/// Whether a request can begin where the last one stopped.
bool can_continue(const download_state& st) {
  return st.at == 0 || (st.total && has_usable_validator(st.rep));
}

/// Tries again after a while, or gives up.
void try_again(self_pointer self, const error& why,
               std::optional<duration> asked_for = std::nullopt) {
  auto& st = self->state;
  if (st.failing)
    return;
  ++st.step;
  st.exchange.reset();
  if (auto transfer = std::exchange(st.transfer, transfer_actor{}))
    self->send_exit(transfer, caf::exit_reason::user_shutdown);
  st.task.desk->close(st.transfer_is);
  if (st.task.keeper)
    self->send(st.task.keeper, line_troubled{});
  if (!can_continue(st))
    return fail(self, {as_failure(why).code,
                       words_for(why)
                           + "; it cannot be continued, because the "
                             "server does not say what version it "
                             "is"});
  if (st.at >= st.attempt_began + fair_attempt)
    st.attempt = 1;
  if (st.attempt >= st.task.tries)
    return fail(self, why);
  duration pause = 1s * (1u << std::min(st.attempt - 1, 4u));
  pause = std::min(std::max(pause, asked_for.value_or(0s)), longest_pause);
  ++st.attempt;
  ++st.outcome.tries;
  st.attempt_began = st.at;
  st.task.shown->note(words_for(why) + "; trying again");
  self->delayed_send(self, pause, retry_due{st.step});
}

// -- the request --------------------------------------------------------------

bool is_credential(std::string_view name) {
  return equal_ignoring_case(name, "Authorization")
         || equal_ignoring_case(name, "Cookie");
}

request_head make_request(const download_state& st) {
  request_head out;
  out.method = "GET";
  out.target = st.target;
  bool same = st.target.origin() == st.task.from.origin();
  for (auto& x : st.task.fields)
    if (same || !is_credential(x.name))
      out.fields.add(x.name, x.value);
  if (same && !st.task.authorization.empty()
      && !out.fields.find("Authorization"))
    out.fields.add("Authorization", st.task.authorization);
  if (!out.fields.find("Cookie") && st.task.cookies)
    if (auto text = st.task.cookies->header_for(st.target, wall_clock());
        !text.empty())
      out.fields.add("Cookie", text);
  return out;
}

/// What is to be asked for: up to what is there already behind a gap.
byte_range rest_of(const download_state& st) {
  return {st.at, st.until.value_or(*st.total)};
}

/// The next line that may be asked over when this one does not reach the
/// server, or null: what others carry they must not be able to read.
const spare_line* next_spare(const download_state& st) {
  return st.target.scheme == "https" ? st.task.spare->next(st.tried) : nullptr;
}

/// Whether some of the file is here.
bool has_begun(const download_state& st) {
  return st.at > 0 || st.until;
}

void ask(self_pointer self) {
  auto& st = self->state;
  auto head = make_request(st);
  if (has_begun(st))
    head = make_range_request(head, rest_of(st), st.rep);
  exchange_options options;
  options.idle_timeout = patience;
  if (next_spare(st) != nullptr)
    options.connect_timeout = short_patience;
  auto& http = st.over ? *st.over->http : *st.env->ports.http;
  st.exchange = http.open(std::move(head), options);
  if (st.over)
    st.exchange = std::make_shared<counted_exchange>(
        st.exchange, [shown = st.task.shown, id = st.over->id](uint64_t bytes) {
          shown->came_over(id, bytes);
        });
  st.exchange->read_head(
      send_back(self, [step = ++st.step](result<response_head> outcome) {
        return origin_answered{step, std::move(outcome)};
      }));
}

/// Asks over another line, if it is the line that has failed. A server that
/// another line shows with a wrong certificate ends that line alone.
bool ask_elsewhere(self_pointer self, const error& why) {
  auto& st = self->state;
  auto& shown = *st.task.shown;
  bool impostor = st.over && why.code == errc::certificate_refused;
  if (!impostor && !is_of_the_line(why))
    return false;
  if (!st.over && !st.own_failure)
    st.own_failure = why;
  if (impostor) {
    shown.note("over the line of " + st.over->name
               + " somebody else answers, so that it is not used: "
               + words_for(why));
    st.task.spare->drop(st.over->id);
  }
  auto* next = next_spare(st);
  if (next == nullptr)
    return false;
  if (!impostor)
    shown.note(words_for(why) + "; asking over the line of " + next->name);
  st.over = *next;
  st.tried.insert(next->id);
  ask(self);
  return true;
}

/// The own line comes first again.
void own_line_first(download_state& st) {
  st.over.reset();
  st.tried.clear();
  st.own_failure.reset();
}

/// The next of what is there behind a gap.
void find_next_end(download_state& st) {
  st.until.reset();
  while (!st.ahead.empty() && st.ahead.front().begin <= st.at)
    st.ahead.pop_front();
  if (!st.ahead.empty())
    st.until = st.ahead.front().begin;
}

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

/// Looks at what an earlier run has left, and asks for the rest.
void start(self_pointer self) {
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

void redirect(self_pointer self, const response_head& head) {
  auto& st = self->state;
  if (++st.redirects > max_redirects)
    return fail(self, {get_exit::http, "too many redirects"});
  auto to = follow(st.target, *head.fields.find("Location"));
  if (!to)
    return fail(self, {get_exit::http,
                       "the server redirects to what cannot be asked for: "
                           + to.error().detail});
  if (st.target.scheme == "https" && to->scheme != "https")
    return fail(self, {get_exit::tls,
                       "the server redirects from https to " + to->origin()
                           + ", where anybody could read and change it"});
  st.target = std::move(*to);
  ask(self);
}

bool is_redirect(const response_head& head) {
  auto status = head.status;
  return (status == 301 || status == 302 || status == 303 || status == 307
          || status == 308)
         && head.fields.find("Location");
}

void store_cookies(download_state& st, const response_head& head) {
  if (!st.task.cookies)
    return;
  for (auto& x : head.fields)
    if (equal_ignoring_case(x.name, "Set-Cookie"))
      st.task.cookies->store(st.target, x.value, wall_clock());
}

error status_error(const response_head& head) {
  auto text = "the server answers " + std::to_string(head.status);
  if (!head.reason.empty())
    text += " " + head.reason;
  return make_error(errc::origin_refused, text);
}

// -- the file -----------------------------------------------------------------

/// What hashes the file has to have, the server's own among them.
std::vector<expected_digest> digests(const download_state& st,
                                     const response_head& head) {
  auto out = st.task.expected;
  auto field = parse_digest_dictionary(head.fields.joined("Repr-Digest"));
  if (field)
    out.push_back({std::move(*field), "the server's Repr-Digest"});
  else if (head.status == 200 && st.total)
    if (auto other = digest_of(head, {0, *st.total}, *st.total))
      out.push_back({std::move(*other), "the server's digest"});
  return out;
}

/// Opens the file for a body that begins at `st.at`. False: it has failed.
bool open_file(self_pointer self, const response_head& head) {
  auto& st = self->state;
  if (st.writer)
    return true;
  auto expected = digests(st, head);
  for (auto& x : expected)
    st.outcome.verified_by.push_back(x.said_by);
  st.task.shown->set_total(st.total, st.outcome.begun);
  st.task.shown->set_done(st.at);
  if (st.task.to_stdout) {
    st.writer = spawn_on<file_writer_actor, stdout_writer_state>(
        st.env->workers, stdout_writer_behavior,
        stdout_writer_start{st.total, std::move(expected),
                            caf::actor_cast<download_actor>(self), st.stop});
    return true;
  }
  auto file = st.begun ? part_file::resume(st.names, *st.begun)
                       : part_file::create(st.names, st.total);
  if (!file) {
    fail(self, file.error());
    return false;
  }
  std::optional<sidecar> beside;
  if (st.total && has_usable_validator(st.rep))
    beside = sidecar{resource_name(st.task.from),
                     st.rep,
                     {st.ahead.begin(), st.ahead.end()}};
  st.writer = spawn_on<file_writer_actor, file_writer_state>(
      st.env->workers, file_writer_behavior,
      file_writer_start{std::make_shared<part_file>(std::move(*file)), st.at,
                        std::move(beside), st.total, std::move(expected),
                        st.task.force, caf::actor_cast<download_actor>(self)});
  self->send(st.writer, start_work{});
  return true;
}

void finish_if_complete(self_pointer self) {
  auto& st = self->state;
  if (!st.last || !st.writing.empty() || st.failing)
    return;
  if (st.total && st.at != rest_of(st).end)
    return try_again(
        self, make_error(errc::connection_closed, "the body ended early"));
  if (st.until) {
    st.last = false;
    st.transfer = transfer_actor{};
    return self->send(st.writer, take_ahead{});
  }
  self->send(st.writer, finish_file{});
}

void pass_on(self_pointer self, slice bytes, caf::strong_actor_ptr from) {
  auto& st = self->state;
  st.at += bytes.size();
  st.unwritten += bytes.size();
  st.writing.push_back(std::move(from));
  self->send(st.writer, write_piece{std::move(bytes)});
}

// -- the body -----------------------------------------------------------------

void read_on(self_pointer self) {
  auto& st = self->state;
  if (st.reading || st.last || !st.exchange || st.unwritten > max_unwritten)
    return;
  st.reading = true;
  st.exchange->read_body(piece_size,
                         send_back(self, [](result<body_part> outcome) {
                           return spine_read{std::move(outcome)};
                         }));
}

void start_transfer(self_pointer self, byte_range body, bool encoded) {
  auto& st = self->state;
  auto source = std::make_shared<body_source>();
  st.env->ports.random(source->id.bytes);
  source->request = make_request(st);
  source->rep = st.rep;
  source->encoded = encoded;
  st.task.shown->add_transfer(source->id);
  st.task.desk->close(std::exchange(st.transfer_is, source->id));
  if (!st.task.to_stdout)
    st.task.desk->open(source->id, st.writer);
  // Their hash is checked where the file is written.
  st.transfer = spawn_on<transfer_actor, transfer_state>(
      st.env->io, transfer_behavior, st.env,
      transfer_start{std::move(source), body, std::move(st.exchange),
                     caf::actor_cast<proxy_connection_actor>(self),
                     std::nullopt});
  st.exchange.reset();
}

/// The verdict is the one of the daemon, but nobody else sees what is personal.
std::optional<byte_range> in_ranges(const download_state& st,
                                    const response_head& head) {
  if (st.target.scheme != "https" && st.task.has_daemon)
    return std::nullopt;
  auto request = make_request(st);
  if (head.status == 206)
    request = make_range_request(request, rest_of(st), st.rep);
  pool_policy policy;
  policy.share_credentials = true;
  auto verdict = judge(request, head, policy);
  auto* good = std::get_if<eligible>(&verdict);
  return good != nullptr && st.skip == 0 ? std::optional{good->body}
                                         : std::nullopt;
}

void take_body(self_pointer self, const response_head& head) {
  auto& st = self->state;
  if (!open_file(self, head))
    return;
  st.last = false;
  if (auto body = in_ranges(st, head))
    return start_transfer(self, *body,
                          head.fields.count("Content-Encoding") > 0);
  if (head.framing == body_framing::none) {
    st.last = true;
    return finish_if_complete(self);
  }
  read_on(self);
}

void changed(self_pointer self) {
  fail(self, {get_exit::changed,
              "the file at the server has changed since it was begun; "
              "--restart begins anew"});
}

/// A body from the beginning on.
void take_whole(self_pointer self, const response_head& head) {
  auto& st = self->state;
  st.rep = representation_of(head);
  st.total = head.framing == body_framing::none ? std::optional<uint64_t>{0}
                                                : head.content_length;
  st.rep.total_length = st.total;
  if (st.task.size && st.total && *st.task.size != *st.total)
    return fail(self, {get_exit::changed, "the server has "
                                              + std::to_string(*st.total)
                                              + " bytes, and the Metalink says "
                                              + std::to_string(*st.task.size)});
  take_body(self, head);
}

/// The server has no more than what is here, though it announced more.
bool is_at_end(const download_state& st, const response_head& head) {
  auto text = head.fields.find("Content-Range");
  auto place = text ? parse_content_range(*text) : std::nullopt;
  return head.status == 416 && st.at > 0 && place && place->total == st.at;
}

/// The answer to a request for the rest.
void take_rest(self_pointer self, const response_head& head) {
  auto& st = self->state;
  st.skip = 0;
  if (std::exchange(st.foreign, false)) {
    st.outcome.spliced = true;
    st.rep = representation_of(head);
    st.rep.total_length = st.total;
  }
  if (head.status == 200) {
    auto now = representation_of(head);
    now.total_length = head.content_length;
    if (!same_representation(st.rep, now))
      return changed(self);
    // No ranges: what is here already comes once more.
    st.skip = st.at;
    st.until.reset();
    return take_body(self, head);
  }
  auto good = check_range_response(head, rest_of(st), st.rep);
  if (good)
    return take_body(self, head);
  if (is_at_end(st, head))
    return fail(self, {get_exit::checksum,
                       "the server announces " + std::to_string(*st.total)
                           + " bytes and has " + std::to_string(st.at)});
  if (head.status == 416 || good.error().code == errc::mismatch)
    return changed(self);
  fail(self, good.error());
}

/// No answer has come of the server itself, over the line that was asked.
void on_not_reached(self_pointer self, const error& reason) {
  auto& st = self->state;
  if (ask_elsewhere(self, reason))
    return;
  auto why = st.own_failure.value_or(reason);
  bool passes =
      may_pass(why) || (st.at > 0 && as_failure(why).code == get_exit::network);
  return passes ? try_again(self, why) : fail(self, why);
}

void on_origin_answered(self_pointer self, const origin_answered& msg) {
  auto& st = self->state;
  if (msg.step != st.step || st.failing)
    return;
  if (!msg.outcome)
    return on_not_reached(self, msg.outcome.error());
  auto& head = *msg.outcome;
  // Of `https` each answer is the server's own.
  if (st.target.scheme != "https")
    if (auto told = failure_told_by_proxy(head))
      return on_not_reached(self, *told);
  store_cookies(st, head);
  if (is_redirect(head))
    return redirect(self, head);
  if (head.status == 408 || head.status == 429 || head.status >= 500)
    return try_again(self, status_error(head), retry_after(head));
  if (head.status >= 300 && head.status != 416)
    return fail(self, status_error(head));
  if (has_begun(st))
    return take_rest(self, head);
  if (head.status != 200 && head.status != 203)
    return fail(self, status_error(head));
  take_whole(self, head);
}

void on_spine_read(self_pointer self, spine_read& msg) {
  auto& st = self->state;
  st.reading = false;
  if (st.failing || !st.exchange
      || (!msg.outcome && msg.outcome.error().code == errc::cancelled))
    return;
  if (!msg.outcome)
    return try_again(self, msg.outcome.error());
  auto bytes = std::move(msg.outcome->bytes);
  st.task.shown->add_own(bytes.size());
  auto known = std::min<uint64_t>(st.skip, bytes.size());
  st.skip -= known;
  bytes = bytes.sub(known);
  st.last = msg.outcome->last;
  if (!bytes.empty())
    pass_on(self, std::move(bytes), nullptr);
  read_on(self);
  finish_if_complete(self);
}

void on_piece_written(self_pointer self, const piece_written& msg) {
  auto& st = self->state;
  st.unwritten -= msg.bytes;
  auto from = std::move(st.writing.front());
  st.writing.pop_front();
  if (st.failing)
    return; // what else is wrong is told when the file is left
  if (!msg.outcome)
    return fail(self, msg.outcome.error());
  st.task.shown->set_done(st.at - st.unwritten);
  tell(from, body_taken{msg.bytes});
  read_on(self);
  finish_if_complete(self);
}

/// Asks for what lies behind the bytes that were there already.
void on_ahead_taken(self_pointer self, const ahead_taken& msg) {
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

/// Tries again, without asking for what is in the file behind gaps.
void on_ahead_is(self_pointer self, const ahead_is& msg) {
  auto& st = self->state;
  if (msg.attempt != st.step || st.failing)
    return;
  st.ahead.assign(msg.ranges.begin(), msg.ranges.end());
  if (!st.ahead.empty() && st.ahead.front().begin == st.at)
    return self->send(st.writer, take_ahead{});
  find_next_end(st);
  ask(self);
}

/// A file that is complete is so, whoever has asked to stop meanwhile.
void on_file_finished(self_pointer self, const file_finished& msg) {
  auto& st = self->state;
  if (msg.outcome) {
    st.outcome.sha256 = *msg.outcome;
    st.failing.reset();
  } else if (!st.failing) {
    st.failing = as_failure(msg.outcome.error());
  }
  // What the transfer has reported last is on the board before this is
  // answered.
  self->request(st.env->console.get(), caf::infinite, get_status{})
      .then([self](const pod_status&) { end(self); },
            [self](const caf::error&) { end(self); });
}

void on_file_left(self_pointer self, const file_left& msg) {
  auto& st = self->state;
  if (!msg.outcome && st.failing->code != get_exit::file)
    st.failing->text += "; " + words_for(msg.outcome.error());
  else if (st.failing->code == get_exit::interrupted && st.at > 0)
    st.failing->text += can_continue(st) && !st.task.to_stdout
                            ? ": the same command continues it"
                            : ": it cannot be continued";
  end(self);
}

} // namespace

std::string download_state::about() const {
  return target.host;
}

download_actor::behavior_type
download_behavior(self_pointer self, environment_ptr env, download_task task) {
  auto& st = self->state;
  st.env = std::move(env);
  st.task = std::move(task);
  st.target = st.task.from;
  st.names = file_names::of(st.task.target);
  // Its transfer is linked with it.
  self->set_exit_handler([self](caf::exit_msg& x) {
    auto& st = self->state;
    bool mine = st.transfer && x.source == st.transfer.address();
    if (mine && is_failure(x.reason))
      try_again(self, make_error(errc::internal, "a part of PeaPod crashed"));
  });
  return {
      [self](start_work) { start(self); },
      [self](const origin_answered& msg) { on_origin_answered(self, msg); },
      [self](spine_read& msg) { on_spine_read(self, msg); },
      [self](body_ready& msg) {
        auto& st = self->state;
        if (st.failing || !st.transfer
            || self->current_sender()
                   != caf::actor_cast<caf::strong_actor_ptr>(st.transfer))
          return;
        st.last = msg.last;
        for (auto& piece : msg.bytes)
          pass_on(self, piece, self->current_sender());
      },
      [self](const body_failed& msg) {
        if (self->current_sender()
            == caf::actor_cast<caf::strong_actor_ptr>(self->state.transfer))
          try_again(self, msg.why);
      },
      [self](const ahead_taken& msg) { on_ahead_taken(self, msg); },
      [self](const piece_written& msg) { on_piece_written(self, msg); },
      [self](const file_finished& msg) { on_file_finished(self, msg); },
      [self](const file_left& msg) { on_file_left(self, msg); },
      [self](const retry_due& msg) {
        auto& st = self->state;
        if (msg.attempt != st.step || st.failing)
          return;
        own_line_first(st);
        if (st.writer)
          self->send(st.writer, tell_ahead{st.step});
        else
          ask(self);
      },
      [self](const ahead_is& msg) { on_ahead_is(self, msg); },
      [self](stop_download) {
        fail(self, {get_exit::interrupted, "interrupted"});
      },
  };
}

} // namespace peapod

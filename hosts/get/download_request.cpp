#include "hosts/get/download_request.hpp"

#include "core/http_semantics.hpp"
#include "hosts/get/counted_exchange.hpp"
#include "hosts/get/download_end.hpp"
#include "hosts/get/file_name.hpp"

#include <chrono>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;

constexpr unsigned max_redirects = 20;

/// How long an exchange may stand still.
constexpr auto patience = 60s;

/// How long a line may take to connect where another one can be asked instead.
constexpr auto short_patience = 5s;

std::chrono::seconds wall_clock() {
  return std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
}

bool is_credential(std::string_view name) {
  return equal_ignoring_case(name, "Authorization")
         || equal_ignoring_case(name, "Cookie");
}

/// The next line that may be asked over when this one does not reach the
/// server, or null: what others carry they must not be able to read.
const spare_line* next_spare(const download_state& st) {
  return st.target.scheme == "https" ? st.task.spare->next(st.tried) : nullptr;
}

} // namespace

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

byte_range rest_of(const download_state& st) {
  return {st.at, st.until.value_or(*st.total)};
}

bool has_begun(const download_state& st) {
  return st.at > 0 || st.until;
}

void ask(download_state::self_pointer self) {
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

bool ask_elsewhere(download_state::self_pointer self, const error& why) {
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

void own_line_first(download_state& st) {
  st.over.reset();
  st.tried.clear();
  st.own_failure.reset();
}

bool is_redirect(const response_head& head) {
  auto status = head.status;
  return (status == 301 || status == 302 || status == 303 || status == 307
          || status == 308)
         && head.fields.find("Location");
}

void redirect(download_state::self_pointer self, const response_head& head) {
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

void store_cookies(download_state& st, const response_head& head) {
  if (!st.task.cookies)
    return;
  for (auto& x : head.fields)
    if (equal_ignoring_case(x.name, "Set-Cookie"))
      st.task.cookies->store(st.target, x.value, wall_clock());
}

} // namespace peapod

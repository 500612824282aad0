#include "hosts/get/upload_lines.hpp"

#include "hosts/get/upload_choice.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using phase = upload_state::phase;

/// How long an own line that did not reach the server gets no part.
constexpr auto own_rest = 30s;

/// Failures in a row after which a peer's line is not used any more.
constexpr unsigned max_failures = 3;

} // namespace

device_id own_id(upload_state::self_pointer self) {
  return self->state.env->self->device();
}

std::optional<device_id> next_line(const upload_state& st) {
  if (st.task.plan.target.scheme == "https")
    for (auto& [id, x] : st.lines)
      if (!st.alone_tried.contains(id))
        return id;
  return std::nullopt;
}

void use_one_line(upload_state::self_pointer self, const std::string& why) {
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

void stay_at_home(upload_state::self_pointer self, const std::string& why) {
  auto& st = self->state;
  st.only = own_id(self);
  st.task.shown->note(why + ": the file goes over this device's own line");
}

bool go_elsewhere(upload_state::self_pointer self, const error& why) {
  auto& st = self->state;
  st.alone_tried.insert(own_id(self));
  auto next = next_line(st);
  if (!next)
    return false;
  rest_own_line(self);
  if (st.only == own_id(self))
    st.only = next;
  if (!std::exchange(st.own_failure, why))
    st.task.shown->note(words_for(why) + "; going on over the line of "
                        + st.lines.at(*next).name);
  return true;
}

void rest_own_line(upload_state::self_pointer self) {
  auto& st = self->state;
  if (auto i = st.lines.find(own_id(self)); i != st.lines.end())
    i->second.not_before = now_of(self) + own_rest;
}

void hold_back(upload_state::self_pointer self, const device_id& id,
               const error& why) {
  auto& x = self->state.lines.at(id);
  x.not_before = now_of(self) + 500ms * (1u << std::min(x.failures, 5u));
  if (++x.failures >= max_failures && !x.own)
    drop_line(self, id, why);
}

void lose_line(upload_state::self_pointer self, const device_id& id) {
  auto& st = self->state;
  auto name = st.lines[id].name;
  st.lines.erase(id);
  if (st.only == id && st.now == phase::parts)
    stay_at_home(self, name + " takes no more tunnels");
  for (auto& [number, x] : st.jobs)
    if (x.line == id)
      x.what->cancel();
}

void drop_line(upload_state::self_pointer self, const device_id& id,
               const error& why) {
  auto& st = self->state;
  auto name = st.lines[id].name;
  lose_line(self, id);
  st.task.shown->device_left(id);
  st.task.shown->note("the line of " + name
                      + " is not used any more: " + words_for(why));
}

} // namespace peapod

#include "hosts/get/download.hpp"

#include "core/http_semantics.hpp"
#include "core/proxy_status.hpp"
#include "hosts/get/download_body.hpp"
#include "hosts/get/download_end.hpp"
#include "hosts/get/download_request.hpp"
#include "hosts/get/download_resume.hpp"

#include <utility>

namespace peapod {

namespace {

using self_pointer = download_state::self_pointer;

error status_error(const response_head& head) {
  auto text = "the server answers " + std::to_string(head.status);
  if (!head.reason.empty())
    text += " " + head.reason;
  return make_error(errc::origin_refused, text);
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
      [self](start_work) { start_download(self); },
      [self](const origin_answered& msg) { on_origin_answered(self, msg); },
      [self](spine_read& msg) { on_spine_read(self, msg); },
      [self](const body_ready& msg) { on_body_ready(self, msg); },
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

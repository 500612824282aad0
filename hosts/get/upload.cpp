#include "hosts/get/upload.hpp"

#include "hosts/get/upload_end.hpp"
#include "hosts/get/upload_lines.hpp"
#include "hosts/get/upload_parts.hpp"
#include "hosts/get/upload_phases.hpp"
#include "hosts/get/upload_requests.hpp"

#include <chrono>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = upload_state::self_pointer;

constexpr auto tick_interval = 50ms;

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
    ask_alone(self);
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
  assign_parts(self);
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
          ask_alone(self);
      },
      [self](tick) {
        begin_with_lines(self, 1);
        show_progress(self);
        assign_parts(self);
        self->delayed_send(self, tick_interval, tick{});
      },
      [self](stop_download) {
        fail(self, {get_exit::interrupted,
                    "interrupted: what came to the server is removed"});
      },
  };
}

} // namespace peapod

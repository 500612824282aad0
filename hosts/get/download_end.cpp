#include "hosts/get/download_end.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = download_state::self_pointer;

/// An attempt that has brought as much was not in vain: it does not count.
constexpr uint64_t fair_attempt = 1_MiB;

constexpr duration longest_pause = 60s;

/// Tells what became of it.
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

/// Nothing more is to come of what is asked for now.
void call_off(self_pointer self) {
  auto& st = self->state;
  ++st.step;
  st.exchange.reset();
  if (auto transfer = std::exchange(st.transfer, transfer_actor{}))
    self->send_exit(transfer, caf::exit_reason::user_shutdown);
}

/// Whether a request can begin where the last one stopped.
bool can_continue(const download_state& st) {
  return st.at == 0 || (st.total && has_usable_validator(st.rep));
}

} // namespace

void fail(download_state::self_pointer self, get_failure why) {
  auto& st = self->state;
  if (std::exchange(st.failing, std::move(why)))
    return;
  *st.stop = true;
  call_off(self);
  if (st.writer)
    self->send(st.writer, leave_file{});
  else
    end(self);
}

void fail(download_state::self_pointer self, const error& why) {
  fail(self, as_failure(why));
}

void try_again(download_state::self_pointer self, const error& why,
               std::optional<duration> asked_for) {
  auto& st = self->state;
  if (st.failing)
    return;
  call_off(self);
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

void on_file_finished(download_state::self_pointer self,
                      const file_finished& msg) {
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

void on_file_left(download_state::self_pointer self, const file_left& msg) {
  auto& st = self->state;
  if (!msg.outcome && st.failing->code != get_exit::file)
    st.failing->text += "; " + words_for(msg.outcome.error());
  else if (st.failing->code == get_exit::interrupted && st.at > 0)
    st.failing->text += can_continue(st) && !st.task.to_stdout
                            ? ": the same command continues it"
                            : ": it cannot be continued";
  end(self);
}

} // namespace peapod

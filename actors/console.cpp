#include "actors/console.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using self_pointer = console_state::self_pointer;

constexpr size_t max_ended = 32;
constexpr auto roster_timeout = 2s;

void note_ended(self_pointer self, transfer_status status) {
  auto& st = self->state;
  st.running.erase(status.id);
  st.ended.push_back(std::move(status));
  if (st.ended.size() > max_ended)
    st.ended.pop_front();
}

void on_transfer_reported(self_pointer self, transfer_reported& msg) {
  auto& st = self->state;
  auto& from = self->current_sender();
  auto i = st.running.find(msg.status.id);
  if (msg.status.state != "running") {
    if (i != st.running.end())
      self->demonitor(i->second.actor);
    note_ended(self, std::move(msg.status));
  } else if (i != st.running.end()) {
    i->second.status = std::move(msg.status);
  } else if (from) {
    self->monitor(from);
    auto id = msg.status.id;
    st.running[id] = {std::move(msg.status), from->address()};
  }
}

/// A transfer that has crashed says nothing any more.
void on_down(self_pointer self, const caf::down_msg& msg) {
  auto& running = self->state.running;
  auto i = std::ranges::find_if(
      running, [&](auto& kv) { return kv.second.actor == msg.source; });
  if (i == running.end())
    return;
  auto status = std::move(i->second.status);
  status.state = "failed: it has crashed";
  note_ended(self, std::move(status));
}

void on_session_reported(self_pointer self, const session_reported& msg) {
  auto now = now_of(self);
  auto& x = self->state.sessions[msg.id];
  auto seconds = std::chrono::duration<double>(now - x.since).count();
  auto rate = [&](uint64_t before, uint64_t after) {
    bool first = x.since == instant{} || after < before || seconds <= 0;
    return first ? 0 : static_cast<double>(after - before) / seconds;
  };
  x.rate_from = (x.rate_from + rate(x.from, msg.bytes_from)) / 2;
  x.rate_to = (x.rate_to + rate(x.to, msg.bytes_to)) / 2;
  x.from = msg.bytes_from;
  x.to = msg.bytes_to;
  x.since = now;
}

pod_status make_status(self_pointer self, peer_list known) {
  auto& st = self->state;
  pod_status out;
  out.id = st.env->self->device();
  out.name = st.env->config.name;
  out.peers = std::move(known.peers);
  out.lines = std::move(known.lines);
  out.crowded = known.crowded;
  for (auto& peer : out.peers) {
    auto i = st.sessions.find(peer.id);
    if (i == st.sessions.end() || peer.state != "connected")
      continue;
    peer.bytes_from = i->second.from;
    peer.bytes_to = i->second.to;
    peer.rate_down = i->second.rate_from;
    peer.rate_up = i->second.rate_to;
  }
  out.transfers.assign(st.ended.begin(), st.ended.end());
  for (auto& [id, x] : st.running)
    out.transfers.push_back(x.status);
  return out;
}

caf::result<pod_status> on_get_status(self_pointer self) {
  auto promise = self->make_response_promise<pod_status>();
  auto roster = self->state.env->roster.get();
  if (!roster) {
    promise.deliver(make_status(self, {}));
    return promise;
  }
  self->request(roster, roster_timeout, list_peers{})
      .then(
          [self, promise](peer_list& x) mutable {
            promise.deliver(make_status(self, std::move(x)));
          },
          [self, promise](caf::error&) mutable {
            promise.deliver(make_status(self, {}));
          });
  return promise;
}

} // namespace

console_actor::behavior_type console_behavior(self_pointer self,
                                              environment_ptr env) {
  self->state.env = std::move(env);
  self->set_down_handler([self](caf::down_msg& x) { on_down(self, x); });
  return {
      [self](transfer_reported& msg) { on_transfer_reported(self, msg); },
      [self](const session_reported& msg) { on_session_reported(self, msg); },
      [self](get_status) { return on_get_status(self); },
  };
}

} // namespace peapod

#include "actors/proxy_connection_plain.hpp"

#include "actors/proxy_connection_tunnels.hpp"

#include <string>
#include <utility>
#include <variant>

namespace peapod {

namespace {

using connection_pointer = proxy_connection_state::self_pointer;

/// What a failure says about the line and the site.
tunnel_failure kind_of(const error& why) {
  return why.code == errc::connection_closed || why.code == errc::io_failed
             ? tunnel_failure::rejected
             : tunnel_failure::peer;
}

/// The own line takes over, and the client does not notice.
void go_home(connection_pointer self, const std::string& why) {
  auto& st = self->state;
  ++st.env->counters.bounced;
  st.env->log(log_level::debug, "request to " + st.request.target.authority()
                                    + " goes home: " + why);
  st.exchange->cancel();
  st.exit.reset();
  forward(self);
}

} // namespace

bool may_leave(const environment& env, const request_head& request) {
  return env.config.tunnels.plain && env.ports.http_through
         && may_use_peers(env) && request.target.scheme == "http"
         && (request.method == "GET" || request.method == "HEAD")
         && request.framing == body_framing::none
         && !request.fields.find("Upgrade")
         && !withheld(request, env.config.pool);
}

void choose_line(connection_pointer self) {
  auto& st = self->state;
  auto& target = st.request.target;
  st.wish = std::make_unique<tunnel_wish>(tunnel_wish{
      st.client->remote().address, {target.host, target.port}, {}, {}, true});
  ask_exits(self, std::nullopt, [self](const exit_chosen& x) {
    if (x.session)
      self->state.exit = x.line;
    else
      count_on_own_line(self);
    forward(self);
  });
}

bool came_home(connection_pointer self, const result<response_head>& outcome) {
  auto& st = self->state;
  auto failed = [&](tunnel_failure why) {
    st.env->exits.tell(tunnel_failed{*st.wish, *st.exit, why});
  };
  if (!outcome) {
    failed(kind_of(outcome.error()));
    go_home(self, to_string(outcome.error()));
    return true;
  }
  if (outcome->status == 403) {
    failed(tunnel_failure::rejected);
    go_home(self, "the site forbids it to others");
    return true;
  }
  // A peer that lies about the version would have all of it pooled.
  auto verdict = judge(st.request, *outcome, st.env->config.pool);
  if (!std::holds_alternative<eligible>(verdict))
    return false;
  go_home(self, "it can be pooled");
  return true;
}

} // namespace peapod

#include "hosts/common/control_api.hpp"

#include "hosts/common/actors_json.hpp"
#include "hosts/common/control_access.hpp"
#include "hosts/common/metrics_text.hpp"

#include <boost/json/serialize.hpp>

#include <utility>

namespace peapod {

namespace {

namespace json = boost::json;
using net::control_reply;
using net::control_response;

control_response to_response(const json::object& x, unsigned status = 200) {
  return {status, "application/json", json::serialize(x) + "\n"};
}

control_response to_response(const control_refusal& x) {
  auto out = to_response(error_json(x.sentence), x.status);
  if (!x.allow.empty())
    out.fields.emplace_back("Allow", x.allow);
  return out;
}

unsigned status_of(errc code) {
  switch (code) {
    case errc::not_found:
      return 404;
    case errc::not_allowed:
    case errc::mismatch:
    case errc::limit_reached:
      return 409;
    case errc::gone:
      return 410;
    case errc::cancelled:
      return 503;
    case errc::timed_out:
      return 504;
    default:
      return 500;
  }
}

std::string sentence_of(const error& x) {
  return x.detail.empty() ? std::string{to_string(x.code)} : x.detail;
}

control_response to_response(const error& x) {
  return to_response(error_json(sentence_of(x)), status_of(x.code));
}

control_response to_response(std::unique_ptr<net::control_stream> stream) {
  control_response out{200, "text/event-stream", ""};
  out.stream = std::move(stream);
  return out;
}

} // namespace

control_api::control_api(daemon_info daemon,
                         std::unique_ptr<control_backend> backend)
  : daemon_(std::move(daemon)),
    since_(std::chrono::steady_clock::now()),
    backend_(std::move(backend)) {}

daemon_info control_api::daemon() const {
  auto out = daemon_;
  out.uptime = std::chrono::steady_clock::now() - since_;
  if (clock_)
    out.clock = clock_();
  return out;
}

void control_api::serve(net::control_request ask, control_reply reply) {
  if (auto refused = check_access(ask))
    return reply(to_response(*refused));
  answer(std::move(ask), std::move(reply));
}

void control_api::answer(net::control_request ask, control_reply reply) {
  auto call = parse_call(ask.method, ask.target, ask.last_event_id);
  if (!call)
    return reply(to_response(call.error()));
  switch (call->route) {
    case control_route::kill:
    case control_route::restart:
    case control_route::fault:
    case control_route::trust:
    case control_route::untrust:
      return act(*call, ask.body, std::move(reply));
    case control_route::events:
    case control_route::trace:
      return follow(*call, std::move(reply));
    default:
      return look(*call, std::move(reply));
  }
}

// -- what there is ------------------------------------------------------------

void control_api::look(const control_call& call, control_reply reply) {
  switch (call.route) {
    case control_route::actors:
      return answer_actors(std::move(reply));
    case control_route::actor:
      return answer_actor(call.actor, std::move(reply));
    case control_route::tree:
      return answer_tree(std::move(reply));
    case control_route::crashes:
      return answer_crashes(std::move(reply));
    case control_route::pod:
      return answer_pod(std::move(reply));
    case control_route::metrics:
      return answer_metrics(std::move(reply));
    default:
      return answer_status(call.route, std::move(reply));
  }
}

void control_api::answer_status(control_route what, control_reply reply) {
  backend_->status([self = shared_from_this(), what,
                    reply = std::move(reply)](result<pod_status> x) {
    if (!x)
      reply(to_response(error_json(sentence_of(x.error())), 503));
    else if (what == control_route::peers)
      reply(to_response(
          json::object{{"peers", peers_json(*x)}, {"crowded", x->crowded}}));
    else if (what == control_route::transfers)
      reply(to_response(json::object{{"transfers", transfers_json(*x)}}));
    else
      reply(to_response(status_json(self->daemon(), *x,
                                    self->backend_->counters(),
                                    self->backend_->sharing())));
  });
}

void control_api::answer_actors(control_reply reply) {
  backend_->actors([self = shared_from_this(),
                    reply = std::move(reply)](std::vector<actor_row> rows) {
    reply(to_response(
        {{"daemon", to_json(self->daemon())}, {"actors", to_json(rows)}}));
  });
}

void control_api::answer_actor(actor_number id, control_reply reply) {
  backend_->actor(id, [reply = std::move(reply)](result<actor_page> x) {
    reply(x ? to_response(to_json(*x)) : to_response(x.error()));
  });
}

void control_api::answer_tree(control_reply reply) {
  backend_->actors([reply = std::move(reply)](std::vector<actor_row> rows) {
    auto tree = tree_json(rows);
    if (tree.is_null())
      reply(to_response(make_error(errc::cancelled, "the pod is stopping")));
    else
      reply(to_response(json::object{{"tree", std::move(tree)}}));
  });
}

void control_api::answer_crashes(control_reply reply) {
  reply(to_response(json::object{{"total", backend_->crash_count()},
                                 {"crashes", to_json(backend_->crashes())}}));
}

void control_api::answer_pod(control_reply reply) {
  backend_->members([reply = std::move(reply)](std::vector<pod_member> xs) {
    reply(to_response(json::object{{"members", to_json(xs)}}));
  });
}

void control_api::answer_metrics(control_reply reply) {
  backend_->status([self = shared_from_this(),
                    reply = std::move(reply)](result<pod_status> status) {
    // Of the pod nothing is asked later: it may be about to stop.
    auto done = [reply, text = self->metrics(status)](
                    const std::vector<actor_row>& rows) {
      reply({200, "text/plain; version=0.0.4; charset=utf-8",
             text + metrics_text(rows)});
    };
    self->backend_->actors(std::move(done));
  });
}

std::string control_api::metrics(const result<pod_status>& status) const {
  metrics_source out;
  out.daemon = daemon();
  if (status)
    out.status = *status;
  out.crashes = backend_->crash_count();
  out.restarts = backend_->restarts();
  out.dropped_events = *lost_;
  out.serving_bytes = backend_->serving().used();
  out.serving_limit = backend_->serving().limit();
  out.sharing = backend_->sharing();
  return metrics_text(out, backend_->counters());
}

// -- what happens -------------------------------------------------------------

void control_api::follow(const control_call& call, control_reply reply) {
  if (call.route == control_route::events)
    return reply(to_response(events_of(backend_->events(call.since), lost_)));
  auto feed = backend_->trace(call.actor);
  if (!feed)
    return reply(to_response(feed.error()));
  reply(to_response(messages_of(call.actor, std::move(*feed), lost_)));
}

// -- what is to be done -------------------------------------------------------

void control_api::act(const control_call& call, const std::string& body,
                      control_reply reply) {
  switch (call.route) {
    case control_route::kill:
      return kill(call.actor, std::move(reply));
    case control_route::restart:
      return restart(call.actor, std::move(reply));
    case control_route::fault:
      return disturb(call.actor, body, std::move(reply));
    default:
      return change_trust(call, body, std::move(reply));
  }
}

void control_api::kill(actor_number id, control_reply reply) {
  backend_->kill(id, [id, reply = std::move(reply)](result<void> x) {
    reply(x ? to_response(json::object{{"killed", id}})
            : to_response(x.error()));
  });
}

void control_api::restart(actor_number id, control_reply reply) {
  auto done = [id, reply = std::move(reply)](result<actor_number> x) {
    if (!x)
      return reply(to_response(x.error()));
    auto as = *x == 0 ? json::value{} : json::value(*x);
    reply(to_response(json::object{{"restarted", id}, {"as", std::move(as)}}));
  };
  backend_->restart(id, std::move(done));
}

void control_api::change_trust(const control_call& call,
                               const std::string& body, control_reply reply) {
  bool trusted = call.route == control_route::trust;
  auto code = parse_trust_body(trusted ? body : "");
  if (!code)
    return reply(to_response(code.error()));
  backend_->change_trust(
      call.who, trusted, std::move(*code),
      [reply = std::move(reply)](result<peer_status> x) {
        reply(x ? to_response(json::object{{"peer", to_json(*x)}})
                : to_response(x.error()));
      });
}

void control_api::disturb(actor_number id, const std::string& body,
                          control_reply reply) {
  if (!daemon_.fault_injection)
    return reply(to_response(control_refusal{
        403, "set [debug] fault-injection=true to disturb actors"}));
  auto what = parse_fault(body);
  if (!what)
    return reply(to_response(what.error()));
  if (auto done = backend_->disturb(id, *what); !done)
    return reply(to_response(done.error()));
  reply(to_response(json::object{{"actor", id}, {"fault", to_string(*what)}}));
}

} // namespace peapod

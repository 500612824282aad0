#pragma once

#include "hosts/common/control_backend.hpp"
#include "hosts/common/control_routes.hpp"
#include "hosts/common/feed_stream.hpp"
#include "hosts/common/status_json.hpp"
#include "hosts/net/control_server.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace peapod {

/// Answers what is asked on the control socket (docs/openapi.yaml).
class control_api : public std::enable_shared_from_this<control_api> {
public:
  /// `daemon.uptime` is counted from now on.
  control_api(daemon_info daemon, std::unique_ptr<control_backend> backend);

  /// Takes a request of the control socket: refuses what may be of a web page
  /// (`hosts/common/control_access.hpp`), and answers the rest.
  void serve(net::control_request ask, net::control_reply reply);

  /// Takes a request of this process itself; `reply` is called once, from any
  /// thread.
  void answer(net::control_request ask, net::control_reply reply);

  /// From now on answers say that the process is confined to the system calls
  /// that it needs; before requests come.
  void is_confined() {
    daemon_.confined = true;
  }

  /// From now on answers say what origins say of the clock, as `ask` tells
  /// from any thread; before requests come.
  void watch_clock(std::function<std::optional<clock_check::judgement>()> ask) {
    clock_ = std::move(ask);
  }

  /// The process that answers, now.
  daemon_info daemon() const;

private:
  void look(const control_call& call, net::control_reply reply);
  void follow(const control_call& call, net::control_reply reply);
  void act(const control_call& call, const std::string& body,
           net::control_reply reply);

  void answer_status(control_route what, net::control_reply reply);
  void answer_actors(net::control_reply reply);
  void answer_actor(actor_number id, net::control_reply reply);
  void answer_tree(net::control_reply reply);
  void answer_crashes(net::control_reply reply);
  void answer_pod(net::control_reply reply);
  void answer_metrics(net::control_reply reply);

  void kill(actor_number id, net::control_reply reply);
  void restart(actor_number id, net::control_reply reply);
  void disturb(actor_number id, const std::string& body,
               net::control_reply reply);

  void change_trust(const control_call& call, const std::string& body,
                    net::control_reply reply);

  std::string metrics(const result<pod_status>& status) const;

  daemon_info daemon_;
  std::chrono::steady_clock::time_point since_;
  std::unique_ptr<control_backend> backend_;
  std::function<std::optional<clock_check::judgement>()> clock_;
  loss_counter lost_ = std::make_shared<std::atomic<uint64_t>>(0);
};

} // namespace peapod

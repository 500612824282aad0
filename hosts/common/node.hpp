#pragma once

#include "actors/pod.hpp"
#include "core/identity.hpp"
#include "core/sharing_policy.hpp"
#include "hosts/common/config.hpp"

#include <functional>
#include <memory>
#include <string>

namespace peapod {

/// One device: its sockets, its actor system and its pod, in this process.
/// Several may live side by side. All of it is portable.
class node {
public:
  /// Opens everything that can fail at the start: the proxy, the port for
  /// peers, discovery and, with a path, the control socket. Errors name the
  /// address and what to do. `version` is what the control socket says.
  static result<std::unique_ptr<node>> open(const settings& x, identity self,
                                            log_sink log, std::string version);

  /// Stops what is still running.
  ~node();

  /// From now on the status says that this process is confined; before `start`.
  void is_confined();

  /// Starts the actors. `given_up` is called from any thread with the reason
  /// when the supervision tree ends by itself. `hung` is called from a thread
  /// of its own when a handler does not return: nothing can end it, and `stop`
  /// would wait for it without end.
  void start(std::function<void(std::string)> given_up = nullptr,
             std::function<void(std::string)> hung = nullptr);

  /// Answers requests for at most `drain`, says goodbye and stops. Blocks.
  void stop(duration drain = duration::zero());

  /// Where the proxy listens.
  endpoint proxy() const;

  /// Where this device listens for peers.
  endpoint transport() const;

  const device_id& id() const;

  /// The line or the power is like this now.
  void observe(const device_conditions& x);

  /// Keeps what was shared, and which lines sites use, for the next start; to
  /// be called every half minute or so, never on the io thread: it waits for
  /// the disk. `stop` does it, too.
  void save_state();

  /// The state of the pod as `GET /v1/status` gives it; blocks for at most a
  /// few seconds.
  std::string status_json();

private:
  class impl;
  explicit node(std::unique_ptr<impl> x);

  std::unique_ptr<impl> impl_;
};

} // namespace peapod

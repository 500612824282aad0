#pragma once

#include "actors/environment.hpp"
#include "actors/faults.hpp"
#include "actors/feed.hpp"
#include "actors/messages.hpp"
#include "actors/observation.hpp"
#include "core/sharing_policy.hpp"
#include "hosts/common/actors_json.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace peapod {

/// What the control API asks of a pod: the members of `pod` of the same names,
/// which tell about errors and threads. Tests answer from scripts.
class control_backend {
public:
  virtual ~control_backend() = default;

  virtual void status(std::function<void(result<pod_status>)> done) = 0;
  virtual void actors(std::function<void(std::vector<actor_row>)> done) = 0;
  virtual void actor(actor_number id,
                     std::function<void(result<actor_page>)> done) = 0;

  /// The actors of every member, this device first.
  virtual void members(std::function<void(std::vector<pod_member>)> done) = 0;

  virtual std::vector<crash_report> crashes() const = 0;
  virtual uint64_t crash_count() const = 0;

  /// How often actors of each name were restarted.
  virtual std::map<std::string, uint64_t> restarts() const = 0;
  virtual feed_ptr<pod_event> events(std::optional<uint64_t> since) = 0;
  virtual result<feed_ptr<message_record>> trace(actor_number id) = 0;
  virtual void kill(actor_number id,
                    std::function<void(result<void>)> done) = 0;
  virtual void restart(actor_number id,
                       std::function<void(result<actor_number>)> done) = 0;
  virtual result<void> disturb(actor_number id, const fault& what) = 0;

  virtual void change_trust(std::string who, bool trusted,
                            std::vector<std::string> code,
                            std::function<void(result<peer_status>)> done) = 0;

  virtual const proxy_counters& counters() const = 0;

  /// What is given to peers, and whether it is paused.
  virtual sharing_state sharing() const = 0;

  /// What is held of ranges that were fetched for peers.
  virtual const byte_budget& serving() const = 0;
};

} // namespace peapod

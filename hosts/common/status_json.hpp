#pragma once

#include "actors/environment.hpp"
#include "actors/messages.hpp"
#include "core/clock_check.hpp"
#include "core/sharing_policy.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <map>
#include <optional>
#include <string>

/// How the pod stands, as docs/openapi.yaml says it.
namespace peapod {

/// The process that answers.
struct daemon_info {
  std::string id; ///< of the device, in hexadecimal
  std::string name;
  std::string version;
  int64_t pid = 0;
  duration uptime{};
  bool fault_injection = false;
  std::string proxy;     ///< where its proxy listens, as in `127.0.0.1:3128`
  bool confined = false; ///< to the system calls that it needs
  /// What origins say of this device's clock.
  std::optional<clock_check::judgement> clock = std::nullopt;
};

/// How each source is called: `self`, `self:` and the name of an own line
/// besides the first, its name where only one device has it, else its id. No
/// two sources are called the same.
std::map<device_id, std::string> source_labels(const pod_status& status);

boost::json::object to_json(const daemon_info& x);

boost::json::object to_json(const peer_status& x);

boost::json::object to_json(const egress_label& x);

boost::json::object to_json(const line_status& x);

boost::json::array peers_json(const pod_status& status);

boost::json::array transfers_json(const pod_status& status);

/// The answer to `GET /v1/status`.
boost::json::object status_json(const daemon_info& daemon,
                                const pod_status& status,
                                const proxy_counters& counters,
                                const sharing_state& sharing);

/// `{"error": text}`
boost::json::object error_json(std::string_view text);

} // namespace peapod

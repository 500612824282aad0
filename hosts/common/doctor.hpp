#pragma once

#include "actors/ports.hpp"
#include "core/introduction.hpp"
#include "hosts/common/config.hpp"
#include "hosts/common/control_data.hpp"
#include "hosts/common/firewall_rules.hpp"
#include "hosts/net/interfaces.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What `peapod doctor` knows, and what follows from it. Nothing here asks
/// anybody: facts go in, findings come out.
namespace peapod {

// -- facts --------------------------------------------------------------------

/// What the operating system knows, as far as it tells this user.
struct system_facts {
  struct route {
    std::string interface;
    std::string gateway; ///< IPv4; empty: there is none
  };
  struct neighbour {
    std::string address; ///< IPv4
    std::string interface;
    bool answers = false; ///< it has told its hardware address
  };
  std::vector<route> ways_out;         ///< routes to everywhere
  std::vector<std::string> tunnels;    ///< interfaces of VPNs
  std::vector<neighbour> neighbours;   ///< that something was sent to lately
  std::optional<firewall_rules> rules; ///< nothing: not readable, or none
  std::string no_rules;          ///< why they, or some of them, are not known
  std::optional<bool> metered;   ///< the line, as NetworkManager says
  std::optional<bool> clock_set; ///< the kernel's clock follows a source
};

/// A datagram to the discovery group on one interface, heard by ourselves.
struct multicast_fact {
  std::string interface;
  std::string address; ///< that it was sent from
  bool heard = false;
  std::string failure; ///< of joining or sending; empty: it was sent

  bool is_v4() const {
    return address.find(':') == std::string::npos;
  }
};

/// A beacon that was heard.
struct heard_fact {
  device_id id;
  endpoint at;          ///< where the device takes connections
  uint8_t protocol = 1; ///< the highest that it speaks
};

/// An attempt to connect to a device.
struct dialled_fact {
  endpoint at;
  std::string id;              ///< whose address it is; empty: not known
  std::string name;            ///< what it is called, or nothing
  std::optional<error> failed; ///< nothing: it was there
};

/// A port that the daemon needs and cannot have.
struct taken_fact {
  std::string purpose; ///< as in `[proxy] listen`
  bool udp = false;
  endpoint at;
  error why;
  std::string holder; ///< as in `nginx (process 12)`; empty: not known
};

struct doctor_facts {
  std::string version; ///< of this program
  std::string config_file;
  std::string config_mistakes;    ///< lines; empty: there are none
  settings options;               ///< the defaults where the file is wrong
  std::optional<error> no_secret; ///< with `[trust] mode="secret"`
  std::optional<error> no_daemon; ///< why there is no `status`
  std::optional<control::status> status;
  std::vector<net::network_interface> interfaces;
  std::vector<multicast_fact> multicast;
  std::vector<heard_fact> heard; ///< this device left out
  duration listened{};           ///< how long for beacons
  std::vector<dialled_fact> dialled;
  std::vector<taken_fact> taken;
  std::string way_out; ///< the interface towards the internet; empty: none
  std::chrono::system_clock::time_point now{};
  /// When the newest file of this device and program was written, and which.
  std::chrono::system_clock::time_point newest{};
  std::string newest_file;
  system_facts system;
};

// -- findings -----------------------------------------------------------------

/// How much a finding matters.
enum class finding_severity : uint8_t {
  note,    ///< worth knowing
  warning, ///< the pod works, but less well than it could
  problem, ///< there is no pod or no speed-up because of it
};

/// `note`, `warning`, `problem`.
std::string_view to_string(finding_severity x);

/// Something that is in the way. Texts may hold what others have said.
struct finding {
  std::string id; ///< a word for programs, as in `port-taken`
  finding_severity severity = finding_severity::note;
  std::string text; ///< a sentence
  std::vector<std::string> evidence;
  std::string fix; ///< what to do about it
};

/// All findings: problems first, then warnings and notes, and among equals in
/// the order in which they are best seen to.
std::vector<finding> examine(const doctor_facts& x);

/// Whether a problem is among them.
bool has_problem(const std::vector<finding>& findings);

} // namespace peapod

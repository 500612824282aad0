#pragma once

#include "hosts/common/doctor.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace peapod {

/// How the operating system is asked. Members may be empty.
struct system_probe {
  /// Last of all, when neighbours were spoken to. Waits for a second at most.
  std::function<system_facts()> examine;
  /// Who has a port of this device; empty: not known.
  std::function<std::string(bool udp, uint16_t port)> holder_of;
  /// The file of this program; empty: not known.
  std::filesystem::path program;
};

/// How long things are waited for.
struct doctor_patience {
  duration listen = std::chrono::seconds(5); ///< for beacons
  duration dial = std::chrono::seconds(2);   ///< for each device
};

/// What the configuration and the command line say.
struct doctor_request {
  std::string version;     ///< of this program
  std::string config_file; ///< as it was named; empty: none
  std::string mistakes;    ///< of the file; empty: there are none
  settings options;        ///< the defaults where it is wrong
  std::filesystem::path socket;
  doctor_patience patience;
};

/// Finds out all facts: asks the daemon, sends a datagram to the discovery
/// group on each interface, listens for beacons, connects to every device that
/// is known and not connected. Changes nothing, and needs neither a daemon nor
/// root.
doctor_facts collect_facts(const doctor_request& what,
                           const system_probe& system);

} // namespace peapod

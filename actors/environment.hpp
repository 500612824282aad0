#pragma once

#include "actors/current.hpp"
#include "actors/interfaces.hpp"
#include "actors/kept_sites.hpp"
#include "actors/own_use.hpp"
#include "actors/spawn.hpp"
#include "actors/suspects.hpp"
#include "actors/wan_lines.hpp"
#include "core/address_policy.hpp"
#include "core/byte_budget.hpp"
#include "core/exit_choice.hpp"
#include "core/http_semantics.hpp"
#include "core/identity.hpp"
#include "core/peer_allowance.hpp"
#include "core/scheduler.hpp"
#include "core/trust_store.hpp"

#include <caf/actor_system.hpp>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// What the actors of one pod share: settings, ports and each other's handles.
namespace peapod {

class sharing_gate;

/// How serious a line of the log is.
enum class log_level { trace, debug, info, warn, error };

/// Takes a line of the log. Called from any thread.
using log_sink = std::function<void(log_level, const std::string&)>;

/// What the user decided, as far as actors care.
struct pod_config {
  std::string name; ///< what people call this device
  trust_mode trust = trust_mode::ask;
  bool legacy = false; ///< speak protocol 1 with those who speak no other
  /// With `legacy`: who may, besides everybody in mode open.
  std::vector<device_id> legacy_devices;
  /// How long people have to compare codes.
  duration waiting_timeout = std::chrono::minutes(10);
  bool discovery = true; ///< announce this device and hear others
  duration beacon_interval = std::chrono::seconds(4);
  std::vector<static_peer> static_peers;
  uint16_t transport_port = 45679; ///< as announced; set when listening
  pool_policy pool;
  scheduler_config scheduling;
  unsigned audit = 2;           ///< percent of peers' blocks that are sampled
  uint64_t share_rate = 0;      ///< bytes a second for all peers; 0: no limit
  bool share = true;            ///< fetch for peers at all
  bool own_first = true;        ///< own use goes before what peers want
  bool fault_injection = false; ///< actors may be disturbed from outside
  bool pod_view = false;        ///< members of the pod may see our actors
  uint64_t max_served_chunk = 8_MiB;    ///< largest range fetched for a peer
  uint64_t max_serving = 64_MiB;        ///< of such ranges, held for all peers
  std::vector<network> client_networks; ///< clients besides loopback
  size_t max_clients = 1024;            ///< client connections at a time
  size_t max_tunnels = 1024;            ///< of them, open tunnels
  tunnel_rules tunnels;
  /// How long a tunnel through a peer may last, quiet and in all.
  duration tunnel_idle = std::chrono::minutes(10);
  duration tunnel_total = std::chrono::hours(24);
  size_t share_tunnels = 64;      ///< open at a time for one peer; 0: none
  unsigned restart_intensity = 5; ///< restarts a supervisor allows in a period
};

/// What the pod needs from its host. Ports that can be opened again after a
/// crash are given as functions.
struct pod_ports {
  std::shared_ptr<http_client> http;
  /// The lines that ranges come over, by `http` alone if there are none here.
  std::vector<line_port> lines;
  /// Counts what comes over the line for own use, whoever carries it.
  std::shared_ptr<own_use> own = std::make_shared<own_use>();
  std::shared_ptr<stream_dialer> dialer;
  /// Requests that leave through this peer, in a tunnel of ours; null: none do.
  std::function<std::shared_ptr<http_client>(const device_id& peer)>
      http_through;
  /// For tunnels of peers.
  std::shared_ptr<tunnel_dialer> tunnels;
  /// The registrable domain of a host, or the host itself; null: itself.
  std::function<std::string(const std::string& host)> site_of;
  std::function<result<std::shared_ptr<http_acceptor>>()> listen_proxy;
  std::function<result<std::shared_ptr<stream_acceptor>>()> listen_peers;
  std::function<result<std::shared_ptr<discovery_port>>()> open_discovery;
  /// Called on the io thread. Null, or a null result: nobody tells.
  std::function<std::shared_ptr<network_watch>()> watch_network;
  random_source random;
  log_sink log;
  /// The least serious lines that `log` does something with.
  log_level log_from = log_level::trace;
  /// Who belongs to the pod. Beside the roster, which may crash; used on the io
  /// thread only.
  std::shared_ptr<trust_store> trust = std::make_shared<trust_store>();
  /// Puts it where the next start finds it. Called on the io thread, which
  /// waits for the disk: only when a person changes something, or a device that
  /// is trusted calls itself anew.
  std::function<result<void>(const trust_store&)> save_trust;
  /// What all devices of the pod know in mode secret (`pod_secret::psk`), or
  /// null.
  std::shared_ptr<const kept_secret<32>> psk;
  /// Our live actors as JSON, for members of the pod; `done` is called once,
  /// from any thread.
  std::function<void(std::function<void(std::string)>)> view;
};

/// How many of the kinds of `chunk_failure` there are, and success.
constexpr size_t chunk_outcomes = chunk_failures + 1;

/// What the pod has done since the start. Bytes are payload.
struct proxy_counters {
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> tunnels{0};
  std::atomic<uint64_t> pooled{0};
  std::atomic<uint64_t> pooling{0}; ///< bodies of them that are under way
  std::atomic<uint64_t> passed_through{0};
  std::atomic<uint64_t> active{0}; ///< client connections open now
  std::atomic<uint64_t> busy{0};   ///< of them, with a request being answered
  std::atomic<uint64_t> served_bytes{0}; ///< fetched for peers
  /// Bytes a second that peers may get now because of own use; 0: no limit.
  std::atomic<uint64_t> held_to{0};
  std::atomic<uint64_t> spine_bytes{0};  ///< of pooled bodies, by their spines
  std::atomic<uint64_t> own_bytes{0};    ///< by ranges over the own line
  std::atomic<uint64_t> peer_bytes{0};   ///< by ranges that peers brought
  std::atomic<uint64_t> wasted_bytes{0}; ///< that came and were not needed
  std::atomic<uint64_t> delivered_bytes{0}; ///< of pooled bodies, to clients
  /// Ranges that were asked for, by how that ended: index 0 is success, the
  /// others are 1 + `chunk_failure`.
  std::array<std::atomic<uint64_t>, chunk_outcomes> chunks{};
  std::atomic<uint64_t> samples{0};       ///< of peers, as the origin has them
  std::atomic<uint64_t> lies{0};          ///< samples that differed
  std::atomic<uint64_t> unchecked{0};     ///< samples that were not compared
  std::atomic<uint64_t> digests_right{0}; ///< bodies, by the origin's own hash
  std::atomic<uint64_t> digests_wrong{0};
  std::atomic<uint64_t> replaced{0};      ///< transfers that a crash replaced
  std::atomic<uint64_t> open_tunnels{0};  ///< now
  std::atomic<uint64_t> relayed{0};       ///< tunnels through peers
  std::atomic<uint64_t> relayed_bytes{0}; ///< of those, both ways
  std::atomic<uint64_t> bounced{
      0}; ///< of those, that went on over another line
  std::atomic<uint64_t> exit_tunnels{0}; ///< for peers, now
  std::atomic<uint64_t> turned_away{0};  ///< clients that got a 503
  std::atomic<uint64_t> made_room{0};    ///< kept-alive ones closed for others
};

/// Shared by all actors of one pod.
struct environment {
  pod_config config;
  pod_ports ports;
  std::shared_ptr<const identity> self;
  spawn_place io;      ///< for actors that own ports
  spawn_place workers; ///< for actors that think
  directory_ptr live;  ///< all of them, for those who look

  /// The name under which this device stands in `Via` (RFC 9110, 7.6.3): new
  /// in every process, so that it recognises itself in a loop and origins do
  /// not recognise the device.
  std::string via_name;

  /// Bounds what is held at once of ranges fetched for peers.
  std::shared_ptr<byte_budget> serving;

  /// URLs whose last download had bytes that could not be trusted.
  suspects suspected;

  /// What ranges come over: always the first, perhaps others.
  wan_lines lines;

  /// Which lines sites use, beyond a restart of `exits` or of the process.
  kept_sites sites;

  /// Says what is fetched for peers, and counts it.
  std::shared_ptr<sharing_gate> sharing;

  /// Says how fast; for the io thread.
  std::shared_ptr<peer_allowance> allowance;

  /// The same for what peers send through tunnels: the other direction.
  std::shared_ptr<peer_allowance> upward;

  proxy_counters counters;
  std::atomic<uint64_t> next_connection{1};
  std::atomic<uint64_t> next_tunnel{1};
  /// Peers that open tunnels; without one nobody asks `exits`.
  std::atomic<uint64_t> exits_standing{0};
  std::atomic<uint64_t> scheduler_starts{0}; ///< so that lease numbers differ

  current<scheduler_actor> scheduler;
  current<line_watcher_actor> line_watcher;
  current<roster_actor> roster;
  current<discovery_listener_actor> discovery;
  current<console_actor> console;
  current<exits_actor> exits;
  current<supervisor_actor> own_line;
  current<supervisor_actor> sessions;
  current<supervisor_actor> transfers;
  current<supervisor_actor> clients;
  current<supervisor_actor> relays;       ///< ends of tunnels through peers
  current<supervisor_actor> exit_tunnels; ///< ends of tunnels for peers
  current<proxy_acceptor_actor> proxy;

  /// Whether this source is one of this device's own lines.
  bool is_own(const device_id& source) {
    return source == self->device() || lines.other(source) != nullptr;
  }

  /// The id of one of them as a source.
  const device_id& id_of(const wan_line& x) {
    return &x == &lines.first() ? self->device() : x.id;
  }

  /// Lets go of all of them: handles keep actors beyond the actor system.
  void forget_actors();

  /// Whether a line of the log is written, for who makes up many of them.
  bool logs(log_level level) const {
    return ports.log && level >= ports.log_from;
  }

  void log(log_level level, const std::string& line) const {
    if (ports.log)
      ports.log(level, line);
  }

  /// Publishes an event about the actor that runs here.
  void publish(event_kind kind, std::string text, std::string peer = {},
               std::string transfer = {}) const;
};

using environment_ptr = std::shared_ptr<environment>;

/// The actors' clock as the core's time; virtual in tests.
template <class Self>
instant now_of(Self* self) {
  return instant{self->clock().now().time_since_epoch()};
}

} // namespace peapod

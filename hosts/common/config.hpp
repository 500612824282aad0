#pragma once

#include "actors/ports.hpp"
#include "core/address_policy.hpp"
#include "core/error.hpp"
#include "core/exit_choice.hpp"
#include "core/host_pattern.hpp"
#include "core/http_message.hpp"
#include "core/trust_store.hpp"
#include "core/types.hpp"
#include "core/upstream.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace peapod {

/// How much is written to the log.
enum class severity { trace, debug, info, warn, error, off };

/// What `pod.ini` and the command line say, with the defaults of what they do
/// not say. `config/pod.ini` explains every member.
struct settings {
  struct {
    std::string name;                ///< UTF-8, at most 32 bytes
    std::filesystem::path state_dir; ///< identity and trust
  } pod;
  struct {
    endpoint listen{"127.0.0.1", 3128};
    std::vector<network> allow;   ///< clients besides those on loopback
    bool system = false;          ///< the desktop's proxy while the daemon runs
    size_t max_clients = 1024;    ///< connections of clients at a time
    size_t max_tunnels = 1024;    ///< of them, open tunnels
    uint64_t max_header = 64_KiB; ///< bytes of a request's head
    duration tunnel_idle = std::chrono::minutes(10); ///< without a byte
    duration tunnel_total = std::chrono::hours(24);  ///< from its beginning
  } proxy;
  struct {
    bool enabled = true;
    std::string group = "239.255.60.60"; ///< IPv4 multicast
    uint16_t port = 45678;
    duration interval = std::chrono::seconds(4); ///< between two beacons
    std::vector<std::string> interfaces; ///< names or addresses; empty: all
    /// Names, `*` for any text, of interfaces that lead to no nearby device:
    /// those of containers, virtual machines and VPNs.
    std::vector<std::string> exclude{
        "docker*",    "podman*", "cni*",  "cali*",  "flannel*", "lxc*",
        "lxdbr*",     "veth*",   "br-*",  "virbr*", "vnet*",    "vmnet*",
        "vboxnet*",   "tun*",    "tap*",  "utun*",  "ppp*",     "wg*",
        "tailscale*", "zt*",     "ipsec*"};
    std::vector<static_peer> static_peers;
  } discovery;
  struct {
    endpoint listen{"::", 45679}; ///< IPv6 and IPv4
    bool legacy = false;          ///< also speak protocol 1
  } transport;
  struct {
    bool enabled = true;
    uint64_t min_size = 1_MiB;             ///< bytes of a body worth pooling
    uint64_t chunk_size = 256_KiB;         ///< bytes
    uint64_t memory = 64_MiB;              ///< bytes of payload held in all
    std::vector<host_pattern> never_hosts; ///< whose URLs no peer is shown
    bool share_credentials = false; ///< pool what is for this user alone, too
    unsigned audit = 2; ///< percent of peers' blocks that are sampled
  } pool;
  tunnel_rules tunnels;
  struct {
    bool enabled = true;
    std::vector<network> allow_private;
    std::vector<uint16_t> ports{80, 443};
    uint64_t max_rate = 0; ///< bytes per second; 0: no limit
    bool own_first = true; ///< own use of the line goes before
    uint64_t per_day = 0;  ///< bytes for all peers together; 0: no bound
    uint64_t per_month = 0;
    std::vector<host_pattern> never_hosts; ///< that nothing is fetched from
    std::vector<device_id> never_peers;    ///< who nothing is fetched for
    bool when_metered = false;             ///< share on a metered line, too
    bool on_battery = false;               ///< share on battery, too
    unsigned min_battery = 30;             ///< percent; below it pauses
    size_t tunnels = 64; ///< open at a time for one peer; 0: none
  } share;
  struct {
    std::vector<std::string> bind; ///< interface names or addresses; empty: any
    std::vector<size_t> weights;   ///< of each of them; empty: all alike
    upstream_route upstream;       ///< the proxy in between, and who needs none
    duration dns_cache = std::chrono::seconds(30); ///< 0: keep no answers
  } wan;
  struct {
    std::optional<host_port> stun; ///< who is asked for public addresses
  } egress;
  struct {
    std::filesystem::path socket;
    std::string group;     ///< whose members may use it, too; empty: nobody's
    bool pod_view = false; ///< show this device's actors to the pod's members
  } console;
  struct {
    bool seccomp = true; ///< make only the system calls that are needed
  } process;
  struct {
    bool fault_injection = false; ///< actors may be disturbed for a test
    duration hang_limit = std::chrono::seconds(30); ///< of one handler
  } debug;
  struct {
    trust_mode mode = trust_mode::ask;
    std::filesystem::path secret_file;     ///< the pod's secret
    std::vector<device_id> legacy_devices; ///< may still speak protocol 1
  } trust;
  struct {
    severity level = severity::info;
    std::filesystem::path file; ///< empty: standard error
  } log;
};

/// What the defaults depend on besides the program itself.
struct process_environment {
  /// The value of an environment variable.
  std::function<std::optional<std::string>(const char* name)> variable;
  std::string host_name;
  bool root = false;

  /// The one of this process.
  static process_environment of_process();
};

/// Reads `file`, then applies `overrides` (`proxy.listen=127.0.0.1:0`; quotes
/// around text may be left out, and a list may be written `a,b`). An empty
/// `file` reads none. Names and paths that are not set get their defaults from
/// `env`. Error: `bad_config` with one line for everything that is wrong:
/// `FILE:LINE: section.key: what is expected`.
result<settings> load_settings(const std::filesystem::path& file,
                               std::span<const std::string> overrides,
                               const process_environment& env);

/// The same from the text of a file, called `name` in errors.
result<settings> parse_settings(std::string_view text, std::string_view name,
                                std::span<const std::string> overrides,
                                const process_environment& env);

/// Where state is kept unless `[pod] state-dir` says otherwise:
/// `$STATE_DIRECTORY` (systemd), `/var/lib/peapod` for root,
/// `$XDG_STATE_HOME/peapod`, or `~/.local/state/peapod`.
std::filesystem::path default_state_dir(const process_environment& env);

/// Where the control socket is unless `[console] socket` says otherwise:
/// `control.sock` in `$RUNTIME_DIRECTORY` (systemd), `/run/peapod` for root,
/// `$XDG_RUNTIME_DIR/peapod`, or `state_dir`.
std::filesystem::path default_socket(const process_environment& env,
                                     const std::filesystem::path& state_dir);

/// Every key that may stand in a file, as `section.key`, sorted.
std::vector<std::string> setting_names();

} // namespace peapod

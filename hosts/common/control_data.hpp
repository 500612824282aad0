#pragma once

#include "core/error.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the control socket answers (docs/openapi.yaml) as plain data, for who
/// asks. All text is printable, numbers that are missing are 0, spans are in
/// seconds. Each `read_` function ends with `bad_http` when the answer is not
/// a JSON object.
namespace peapod::control {

struct message {
  std::string time; ///< RFC 3339
  std::optional<uint64_t> from;
  std::string from_name;
  uint64_t to = 0;
  std::string type;
  uint64_t size = 0;
  double took = 0;
  bool operator==(const message&) const = default;
};

struct actor {
  uint64_t id = 0;
  std::string name;
  std::optional<uint64_t> parent;
  std::string about;
  std::string summary;
  std::string restart;
  std::string runs_on;
  std::string state;
  bool answered = false;
  uint64_t mailbox = 0;
  uint64_t mailbox_peak = 0;
  uint64_t handled = 0;
  double rate = 0;
  double load = 0;
  double busy = 0;
  double longest = 0;
  double uptime = 0;
  uint64_t restarts = 0;
  std::vector<uint64_t> links;
};

/// One line of JSON shown as an outline.
struct outline_line {
  unsigned depth = 0;
  std::string key;   ///< a name, or a number in a list
  std::string value; ///< empty when lines below it have it
};

struct actor_page {
  control::actor actor;
  bool has_data = false;
  std::vector<outline_line> data;
  std::vector<message> recent; ///< oldest first
  std::string fault;
};

struct daemon {
  std::string id;
  std::string name;
  std::string version;
  uint64_t pid = 0;
  double uptime = 0;
  bool fault_injection = false;
  std::optional<bool> confined{}; ///< to the system calls that it needs
};

struct actor_list {
  control::daemon daemon;
  std::vector<actor> actors;
};

/// Whether something adds capacity.
struct line_label {
  std::string label; ///< as in `adds capacity`; empty when not told
  std::string as;    ///< how who is the same line is called, or empty
  std::string evidence;
};

/// One of the device's own lines.
struct own_line {
  std::string id;
  std::string name; ///< empty: the one that the system chooses
  bool up = false;
  std::string interface;
  std::string gateway;
  std::vector<std::string> public_addresses;
  uint64_t bytes_own = 0;
  uint64_t bytes_peers = 0;
  line_label line;
};

struct peer {
  std::string id;
  std::string name;
  std::string address;
  std::string state;
  std::string protocol;
  bool pauses = false;  ///< it says that it brings nothing at the moment
  double rate_down = 0; ///< bytes a second
  double rate_up = 0;
  uint64_t bytes_from = 0;
  uint64_t bytes_to = 0;
  std::string same_line;         ///< id of who shares its bottleneck, or empty
  std::string trust;             ///< as in `waiting`; empty of older daemons
  std::vector<std::string> code; ///< words to compare while it waits
  bool secure = false;
  line_label line{};
  std::string why{}; ///< why there is no session; empty of older daemons
};

/// The devices that a daemon knows.
struct known_peers {
  std::vector<peer> peers;
  bool crowded = false; ///< too many have waited to be let in lately
};

/// Cells of a body that lie side by side.
struct map_run {
  std::optional<std::string> source;
  uint64_t cells = 0;
};

struct transfer {
  std::string id;
  std::string url;
  std::string state;
  uint64_t total = 0;
  uint64_t delivered = 0;
  std::map<std::string, uint64_t> bytes; ///< by who brought them
  uint64_t wasted = 0;
  uint64_t hedged = 0;
  uint64_t rechecked = 0;
  std::string verified_by; ///< `validator`, `audit` or `digest`
  uint64_t samples = 0;
  uint64_t lies = 0;
  uint64_t unchecked = 0;
  std::vector<map_run> map;
};

/// What is given to others in a period.
struct quota {
  uint64_t used = 0;  ///< bytes
  uint64_t limit = 0; ///< bytes; 0: no bound
};

/// What is given to others now.
struct sharing {
  std::string state; ///< `on`, `paused` or `off`; empty when not told
  std::string why;   ///< unless it is on
  quota today;
  quota month;
  std::optional<bool> metered; ///< nothing: unknown
  std::optional<bool> on_battery;
  std::optional<uint64_t> battery; ///< percent; nothing without one
};

/// What the origins of late answers say of the device's clock.
struct clock {
  double behind = 0;  ///< seconds; negative: it is ahead
  uint64_t hosts = 0; ///< that say so, by their median
};

struct status {
  control::daemon daemon;
  uint64_t pod_size = 0;
  std::vector<peer> peers;
  bool crowded = false;        ///< as in `known_peers`
  std::vector<own_line> lines; ///< none of older daemons
  std::vector<transfer> transfers;
  std::map<std::string, uint64_t> proxy; ///< as in `requests`
  uint64_t served_bytes = 0;
  uint64_t held_to = 0; ///< bytes a second for others; 0: no limit
  control::sharing sharing;
  /// Nothing: too few have answered lately, or an older daemon.
  std::optional<control::clock> clock{};
};

struct node {
  uint64_t id = 0;
  std::string name;
  std::string about;
  std::string restart;
  uint64_t restarts = 0;
  std::string strategy; ///< empty for who supervises nobody
  std::vector<node> children;
};

struct crash {
  uint64_t seq = 0;
  std::string time;
  uint64_t actor = 0;
  std::string name;
  std::optional<uint64_t> parent;
  std::string about;
  std::string reason;
  double uptime = 0;
  uint64_t handled = 0;
  std::vector<message> recent; ///< the one that it crashed on is last
  bool has_data = false;
  std::vector<outline_line> data;
};

struct crash_list {
  uint64_t total = 0;
  std::vector<crash> crashes; ///< oldest first
};

struct event {
  uint64_t seq = 0;
  std::string time;
  std::string kind;
  std::optional<uint64_t> actor;
  std::string name;
  std::string about;
  std::string text;
};

/// A device of the pod and its actors.
struct member {
  std::string id;
  std::string name;
  bool self = false;
  std::string error; ///< why its actors are not shown; empty when they are
  std::vector<actor> actors;
};

result<status> read_status(std::string_view json);
result<actor_list> read_actors(std::string_view json);
result<actor_page> read_actor(std::string_view json);
result<node> read_tree(std::string_view json);
result<crash_list> read_crashes(std::string_view json);
result<known_peers> read_peers(std::string_view json);
/// The answer to `POST /v1/peers/{who}/trust` and `untrust`.
result<peer> read_peer(std::string_view json);
result<std::vector<transfer>> read_transfers(std::string_view json);
result<std::vector<member>> read_pod(std::string_view json);
result<event> read_event(std::string_view json);
result<message> read_message(std::string_view json);

/// What the daemon said in an answer that is no success: the sentence of its
/// `error` member, or its status.
std::string failure_text(unsigned status, std::string_view body);

} // namespace peapod::control

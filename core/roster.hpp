#pragma once

#include "core/dial_slots.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace peapod {

/// Where a device stands with us.
enum class peer_state {
  known,       ///< heard of
  dialling,    ///< a connection to it is being made
  waiting,     ///< a session stands; both sides must want it
  connected,   ///< a session stands
  backing_off, ///< waiting before the next attempt
  set_aside,   ///< connected, but it gets nothing to do for a while
};

/// Lower-case words for status.
std::string_view to_string(peer_state x);

/// The numbers by which a roster works.
struct roster_config {
  device_id self;
  /// Whether devices that speak protocol 1 only are taken as peers.
  bool legacy = true;
  /// With `legacy`, the only ones; nothing: all of them.
  std::optional<std::set<device_id>> legacy_devices = std::nullopt;
  /// Silence after which a device without a session is forgotten
  /// (PROTOCOL-v1, Discovery).
  duration forget_after = std::chrono::seconds(16);
  /// How long a foreign peer that was lost must not hear our beacons: more
  /// than 16 s (PROTOCOL-v1, Living with the reference daemon).
  duration foreign_quiet = std::chrono::seconds(17);
  /// How long the higher of two device ids leaves the first attempt to the
  /// lower one.
  duration yield_to_lower = std::chrono::seconds(1);
  /// How long the side that was dialled waits for the other to redial.
  duration yield_to_dialler = std::chrono::seconds(4);
  duration first_backoff = std::chrono::seconds(1);
  duration max_backoff = std::chrono::seconds(30);
  /// A session that ended sooner counts as a failed attempt.
  duration stable_after = std::chrono::seconds(10);
  /// An attempt that nobody reported on counts as failed.
  duration dial_timeout = std::chrono::seconds(30);
  /// After `reconnect`, so long attempts follow one another quickly.
  duration hurry = std::chrono::seconds(10);
  size_t max_devices = 256;
  /// Of them at one address, those that nobody vouches for.
  size_t max_strangers_here = 8;
  dial_slots::limits dials; ///< attempts at a time
};

/// Knows the devices on the local network; decides whom to dial and which of
/// two connections to a device stays. A machine without I/O: tell it what
/// happened, then drain `poll`.
///
/// Between two of our daemons both may connect; the connection that the lower
/// device id initiated survives. A foreign daemon never survives two completed
/// connections, so it is dialled at once and its own connections are refused
/// while we have one or are making one. It takes us back only after it has not
/// heard us for a while, but beacons are for everybody: they pause only when
/// no other foreign peer is connected, because that one would drop us for it;
/// our own daemons with a session do not mind, and new ones meet us that much
/// later. They pause for at most half of the time. A foreign peer for whose
/// sake they do not pause is dialled with backoff until it takes us back.
///
/// Anybody can invent devices. So the table is bounded, and who wants to be in
/// it displaces only who counts less: a device that was heard for the first
/// time no other than such; one that has proven its key all that have not; one
/// that we want as a peer, or that was one, everybody who is none. Devices with
/// a session stay. Strangers have a share of the table and of the attempts to
/// connect for each address.
class roster {
public:
  // -- actions ----------------------------------------------------------------

  /// Connect to a device, and report `session_established` or `dial_failed`.
  struct dial {
    std::optional<device_id> id; ///< nothing: whoever answers at the address
    std::string address;
    uint16_t port = 0;
    bool secure = false; ///< by protocol 2
    /// Whose connection it is, if that is known.
    std::optional<public_key> key = std::nullopt;
    /// Without `id`: the only device that may answer there.
    std::optional<device_id> expected = std::nullopt;

    bool operator==(const dial&) const = default;
  };

  /// End the session on a connection.
  struct drop {
    uint64_t connection = 0;
    std::string reason;

    bool operator==(const drop&) const = default;
  };

  /// The session with a device is the one on this connection; comes again when
  /// another connection takes its place.
  struct peer_up {
    device_id id;
    uint64_t connection = 0;

    bool operator==(const peer_up&) const = default;
  };

  /// There is no session with the device any more.
  struct peer_down {
    device_id id;
    std::string reason;
    bool was_peer = true; ///< both sides of it have wanted each other

    bool operator==(const peer_down&) const = default;
  };

  /// The device is no longer known.
  struct forgotten {
    device_id id;

    bool operator==(const forgotten&) const = default;
  };

  using action = std::variant<dial, drop, peer_up, peer_down, forgotten>;

  // -- facts ------------------------------------------------------------------

  /// What a beacon or the answer to one says.
  struct sighting {
    device_id id;
    public_key key;
    std::string address;
    uint16_t port = 0; ///< where the device listens
    std::string name;
    bool foreign = false; ///< without our extension
    uint8_t protocol = 1; ///< the highest that it speaks
    bool wanted = false;  ///< a person has let the device in
  };

  /// A session whose peer has proven its key by its first message.
  struct link {
    device_id id;
    public_key key;
    uint64_t connection = 0; ///< unique in this process
    bool initiated_by_us = false;
    std::string address; ///< with `initiated_by_us` as in `dial`
    uint16_t port = 0;   ///< with `initiated_by_us` as in `dial`
    std::string name;
    bool foreign = false;
    bool secure = false; ///< protocol 2
    bool waits = false;  ///< for the word that both sides want it
    bool wanted = false; ///< a person has let the device in
  };

  /// `random` draws the jitter.
  roster(roster_config config, random_source random);

  /// Keeps dialling an address where a device is expected, until it answers
  /// and whenever it is lost. With `expected`, no other one is taken there.
  void add_static(std::string address, uint16_t port, instant now,
                  std::optional<device_id> expected = std::nullopt);

  /// Whether the device is known now: there is room for it, and we would take
  /// it.
  bool beacon_heard(const sighting& x, instant now);
  void session_established(const link& x, instant now);

  /// Both sides of a session want it.
  void session_ready(device_id id, uint64_t connection);

  /// `what` is the action that failed, also when it failed in the handshake.
  void dial_failed(const dial& what, const error& why, instant now);

  /// Connections that are not the device's current one are ignored.
  void session_lost(device_id id, uint64_t connection, const error& why,
                    instant now);

  /// The device says that it leaves: it is forgotten until it is heard again.
  void goodbye(device_id id, uint64_t connection, instant now);

  /// This device has another address, or was asleep: how attempts ended before
  /// says nothing now. Whoever has no session is dialled at once, and soon
  /// again if that fails.
  void reconnect(instant now);

  /// The device gets nothing to do until then; for status only.
  void set_aside(device_id id, instant until);

  // -- queries ----------------------------------------------------------------

  /// Whether to answer a device that connected from `address` and claims to be
  /// `id`. An error is why not: close its connection without a byte. Errors:
  /// `policy_refused`, `limit_reached`.
  result<void> admit(device_id id, std::string_view address, instant now,
                     bool secure = false) const;

  /// Whether to answer the beacons of a device: not those of a foreign peer
  /// that was just lost.
  bool should_reply(device_id id, instant now) const;

  /// Whether to send our own beacons; see `roster` for when they pause.
  bool should_announce(instant now) const;

  /// A device, for status.
  struct entry {
    device_id id;
    public_key key;
    std::string name;
    std::string address; ///< empty when we have not learned where it listens
    uint16_t port = 0;
    bool foreign = false;
    bool secure = false;
    bool is_static = false;
    peer_state state = peer_state::known;
    std::optional<uint64_t> connection;
    instant last_seen{};
    std::string why{}; ///< why there is no session, if that is known
  };

  /// All known devices, in the order of their ids.
  std::vector<entry> list(instant now) const;

  // -- the machine ------------------------------------------------------------

  /// Drain this after every event until it is empty.
  std::optional<action> poll();

  /// When to call `expire` next.
  std::optional<instant> deadline() const;

  /// Time has passed; a spurious call is harmless.
  void expire(instant now);

private:
  /// Attempts to reach one device or address.
  struct attempts {
    std::optional<instant> in_flight; ///< since when
    dial_slots::ticket slot;          ///< while one is in flight
    std::optional<instant> next;
    std::optional<instant> last;
    size_t failures = 0;
    std::string why; ///< how the last attempt or session ended

    /// The one in flight has come to its end.
    void land() {
      in_flight.reset();
      slot.reset();
    }
  };

  struct session_info {
    uint64_t connection = 0;
    bool initiated_by_us = false;
    instant since{};
    bool waits = false;
    std::string remote; ///< the address at the other end
  };

  /// How much a device counts, least first.
  enum class standing {
    fresh,   ///< heard just now for the first time
    steady,  ///< heard for a while
    proven,  ///< has shown that it has the secret of its key
    vouched, ///< we want it as a peer, or it was one
  };

  struct device {
    public_key key;
    std::string name;
    std::string address;
    uint16_t port = 0;
    bool foreign = false;
    bool secure = false;    ///< speaks protocol 2; sticks once it has shown it
    bool confirmed = false; ///< had a session
    bool wanted = false;    ///< a person has let it in
    bool was_peer = false;  ///< both sides have wanted each other
    std::string place;      ///< `gate_name` of where it was met first
    instant first_seen{};
    instant last_seen{};
    instant place_heard{}; ///< when it was heard from `address` and `port`
    attempts tries;
    std::optional<session_info> session;
    std::optional<instant> quiet_until;
    std::optional<instant> set_aside_until;
  };

  struct static_peer {
    std::string address;
    uint16_t port = 0;
    std::optional<device_id> expected; ///< the only one that may answer
    std::optional<device_id> id;       ///< who answered last
    attempts tries;
  };

  using device_table = std::map<device_id, device>;

  bool takes_legacy(device_id id) const;
  device* find(device_id id);
  const device* find(device_id id) const;
  device* find_or_insert(device_id id, const std::string& address, standing who,
                         instant now);
  /// Whom a newcomer at `place` displaces; `end()` for nobody. Nothing: there
  /// is no room for it.
  std::optional<device_table::const_iterator>
  make_room(const std::string& place, standing who) const;
  static standing standing_of(const device& x);
  void move(device& x, const sighting& to, instant now);
  void schedule_first(device_id id, device& x, instant now);
  void schedule_after_loss(device_id id, device& x, session_info last,
                           const error& why, instant now);
  void clear_place(const link& of);
  void take_session(device_id id, device& x, const link& to, instant now);
  bool keeps_new(device_id id, const device& x, const link& to,
                 instant now) const;
  bool has_foreign_session() const;
  void pause_beacons(instant now);
  void settle(attempts& x) const;
  void fail(attempts& x, const error& why, instant now);
  void run_due(instant now);
  bool is_due(const attempts& x, instant now) const;
  bool is_hurried(instant now) const;
  void dial_device(device_id id, device& x, instant now);
  void dial_static(static_peer& x, instant now);
  bool start(attempts& x, dial what, bool vouched, instant now);
  void time_out(instant now);
  void forget_silent(instant now);
  bool is_silent(const device& x, instant now) const;
  bool is_reached_otherwise(const static_peer& x, instant now) const;
  bool is_static(device_id id) const;
  peer_state state_of(const device& x, instant now) const;

  roster_config config_;
  random_source random_;
  device_table devices_;
  dial_slots slots_;
  std::vector<static_peer> statics_;
  std::deque<action> actions_;
  std::optional<instant> pause_begin_;
  instant pause_end_{};
  std::optional<instant> hurry_end_;
};

} // namespace peapod

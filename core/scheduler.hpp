#pragma once

#include "core/connection_search.hpp"
#include "core/interval_set.hpp"
#include "core/origin_limits.hpp"
#include "core/shared_line.hpp"
#include "core/source_estimate.hpp"
#include "core/types.hpp"

#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace peapod {

/// Names one lease: the right of one source to bring one range.
using lease_id = uint64_t;

/// Why a source did not bring what it had leased.
enum class chunk_failure {
  unavailable, ///< it could not now: timeout, connection, 5xx
  refused,     ///< it may not or the origin refuses it: not again for this body
  mismatch,    ///< it sees another representation than we do
  integrity,   ///< its bytes did not have their hash
  cancelled,   ///< we called it off
  busy,        ///< the origin wants fewer requests, or later: 429, 503
};

/// How many kinds of failure there are.
constexpr size_t chunk_failures = 6;

/// Lower-case words for a failure.
std::string_view to_string(chunk_failure x);

/// Who can bring ranges: a peer, or a line of ours.
struct source_traits {
  bool own = false;     ///< this device's own line, which spines come over
  bool foreign = false; ///< a peer that speaks protocol 1 without extensions
  bool stops = false;   ///< it stops bringing what is called off, and streams
  bool line = false;    ///< another line of this device

  /// Whether it brings what it brings without another device in between.
  bool direct() const {
    return own || line;
  }

  /// Whether what it brings arrives as it comes, not range by range.
  bool streams() const {
    return direct() || stops;
  }
};

/// Bounds and sizes that the scheduler keeps to.
struct scheduler_config {
  uint64_t chunk_size =
      256_KiB;                ///< of which other sizes are multiples or parts
  uint64_t max_lease = 4_MiB; ///< largest lease
  uint64_t memory = 64_MiB;   ///< from what clients took to lease ends, in all
  duration quantum =
      std::chrono::milliseconds(250); ///< what a lease should take
  uint64_t first_lease = 1; ///< so that two schedulers name no lease alike

  /// Bytes that each client may have been given and not taken: all of them
  /// together may hold as many again as `memory` says.
  uint64_t in_flight() const;

  /// How many bodies fit into that at a time.
  size_t most_bodies() const;
};

/// How far a body has come that another scheduler looked after before.
struct body_progress {
  uint64_t spine = 0; ///< everything before it was read by the spine
  uint64_t taken = 0; ///< everything before it was taken by the client
  bool spine_alive = true;
  interval_set here; ///< what has arrived from anybody
};

/// Gives the ranges of every body to those who can bring them: the pull queue
/// of the pod. It sees no payload, and no clock but the one handed in.
///
/// A body begins with its *spine*: the client's own request, read from the
/// start. Sources take ranges ahead of it. When the spine arrives at what was
/// leased, the own line becomes a source like the others (`switch_spine`).
class scheduler {
public:
  // -- actions ----------------------------------------------------------------

  /// Let `source` bring `range`.
  struct grant {
    lease_id lease;
    device_id source;
    transfer_id transfer;
    byte_range range;
    bool hedge; ///< somebody else has the same range
    bool operator==(const grant&) const = default;
  };
  /// What `source` would bring is no longer needed.
  struct cancel {
    lease_id lease;
    device_id source;
    transfer_id transfer;
    bool operator==(const cancel&) const = default;
  };
  /// The spine need not read beyond `limit`, once the own line has shown with
  /// its first range that it can take over.
  struct switch_spine {
    transfer_id transfer;
    uint64_t limit;
    bool operator==(const switch_spine&) const = default;
  };
  /// Nobody is left who could bring what is missing, or it has changed.
  struct give_up {
    transfer_id transfer;
    std::string reason;
    bool operator==(const give_up&) const = default;
  };
  /// `source` has failed too often, or brought wrong bytes, and gets nothing
  /// until `until`.
  struct set_aside {
    device_id source;
    instant until;
    bool lied = false;
    bool operator==(const set_aside&) const = default;
  };
  /// A peer has the same bottleneck as another source, or has it no more.
  using same_line = shared_line::finding;

  using action =
      std::variant<grant, cancel, switch_spine, give_up, set_aside, same_line>;

  explicit scheduler(scheduler_config config = {})
    : config_(config), next_lease_(config.first_lease) {}

  // -- sources ----------------------------------------------------------------

  void source_joined(device_id source, source_traits traits, instant now);

  /// Its leases go back at once.
  void source_left(device_id source, instant now);

  /// `source` brought what the origin does not have; `dropped` is what of it is
  /// to be brought again. It gets nothing more of this body, and nothing at all
  /// for ten minutes, twice as long each time, whether it stays or comes back.
  void source_lied(device_id source, transfer_id transfer,
                   const std::vector<byte_range>& dropped, instant now);

  // -- bodies -----------------------------------------------------------------

  /// A body of `origin` (scheme, host and port) whose spine stands at
  /// `body.begin`; its head took so long, the `way`.
  void transfer_opened(transfer_id transfer, std::string origin,
                       byte_range body, instant now, duration way = {});

  /// A body that was opened before, with another scheduler.
  void transfer_resumed(transfer_id transfer, std::string origin,
                        byte_range body, body_progress so_far, instant now);

  /// Everything before `spine` was read by the spine; everything before
  /// `taken` has gone to the client and is not held any more.
  void progressed(transfer_id transfer, uint64_t spine, uint64_t taken,
                  instant now);

  /// The spine has ended: by our switch, or because it was lost.
  void spine_ended(transfer_id transfer, uint64_t spine, instant now);

  void transfer_closed(transfer_id transfer, instant now);

  // -- leases -----------------------------------------------------------------

  /// `upto` is how far the lease has been brought.
  void lease_progressed(lease_id lease, uint64_t upto, instant now);

  void lease_done(lease_id lease, instant now);

  /// `upto` is how far it came before it failed; `retry_after` is what a busy
  /// origin asked for.
  void lease_failed(lease_id lease, chunk_failure why, uint64_t upto,
                    instant now,
                    std::optional<duration> retry_after = std::nullopt);

  // -- machine ----------------------------------------------------------------

  std::optional<action> poll();

  /// When a lease becomes overdue or a source may be asked again.
  std::optional<instant> deadline() const;

  void expire(instant now);

  /// Nothing ran here for `away`: nobody is to blame for the silence meanwhile.
  void slept(duration away, instant now);

  // -- observers --------------------------------------------------------------

  /// Bytes a second that `source` has shown; nothing before the first sample.
  std::optional<double> rate(device_id source) const;

  /// Sources other than own lines.
  size_t peers() const;

  /// What is known of how origins treat the sources.
  const origin_limits& limits() const {
    return limits_;
  }

  /// Who is known to share a bottleneck.
  const shared_line& lines() const {
    return lines_;
  }

private:
  /// Failures in a row after which a source is set aside.
  static constexpr unsigned max_failures = 5;

  struct lease_state {
    device_id source;
    transfer_id transfer;
    byte_range range;
    uint64_t upto;
    instant granted;
    instant heard;  ///< when something of it came last, or `granted`
    instant due;    ///< when its last byte is expected
    uint64_t ahead; ///< bytes to come from the source when it was given
    bool hedge = false;
    bool overdue = false;
  };
  /// Something that is still coming, and nobody needs.
  struct ghost {
    uint64_t bytes;
    instant gone; ///< when it should have come
  };
  struct liar {
    unsigned times = 0;
    instant until{}; ///< it gets nothing before
  };
  struct source_state {
    source_traits traits;
    source_estimate estimate;
    std::set<lease_id> leases;
    /// What was called off, but some peers cannot be stopped from bringing.
    std::vector<ghost> ghosts;
    unsigned failures = 0; ///< in a row
    instant failed{};      ///< when it failed last
    instant resting_until{};
    instant heard{};      ///< when something came from it last
    uint64_t brought = 0; ///< bytes
    uint64_t leased = 0;  ///< bytes of leases that are to come
    /// How many requests at a time pay, for each origin.
    std::map<std::string, connection_search> searches;
    std::string origin; ///< that `estimate` is of
    /// What it has shown at other origins, the last one at the end.
    std::list<std::pair<std::string, source_estimate>> elsewhere;
  };
  struct body_state {
    std::string origin;
    instant opened;
    byte_range body;
    uint64_t spine;
    uint64_t taken;
    uint64_t claim_end;    ///< what the spine will read before the switch
    uint64_t frontier;     ///< nothing at or behind it was ever leased
    uint64_t lead;         ///< how far ahead of the spine leases begin
    interval_set returned; ///< below the frontier and open to everybody
    interval_set orphaned; ///< of it, what sources that went had leased
    interval_set done;
    std::set<lease_id> leases;
    std::set<device_id> excluded;
    rate_meter speed; ///< of all sources together
    rate_meter spine_speed;
    instant spine_heard{}; ///< when something of it came last
    instant heard{};       ///< when anything of the body came last
    uint64_t hedged = 0;   ///< bytes leased twice
    uint64_t served = 0; ///< where the next of its leases begins, as `served_`
    bool spine_alive = true;
    bool switching = false;
    bool own_refused = false;
    bool given_up = false;
    unsigned own_failures = 0; ///< since its last success
    instant own_failed{};      ///< when the last of them was
    std::optional<instant> hopeless_since;
  };

  // Who gets what.
  void assign(instant now);
  bool assign_one(device_id id, source_state& source, instant now);
  uint64_t next_turn(const body_state& body) const;
  void adopt_orphans(const transfer_id& id, body_state& body, instant now);
  void maybe_switch(const transfer_id& id, body_state& body, instant now);

  // Where the next range of a source is.
  std::optional<byte_range> next_range(const device_id& id,
                                       const source_state& source,
                                       const body_state& body,
                                       instant now) const;
  std::optional<byte_range> returned_range(const device_id& id,
                                           const source_state& source,
                                           const body_state& body,
                                           uint64_t size, uint64_t limit,
                                           instant now) const;
  uint64_t lease_size(const source_state& source, const body_state& body,
                      instant now) const;
  uint64_t first_size() const;
  bool in_time(const device_id& id, const source_state& source,
               const body_state& body, byte_range range, instant now) const;

  // What is brought twice.
  void hedge(const transfer_id& id, body_state& body, instant now);
  bool hedge_lease(const transfer_id& id, body_state& body, lease_id lease,
                   bool urgent, instant now);
  bool is_all_leased(const body_state& body) const;
  std::optional<std::pair<device_id, duration>> stand_in(const body_state& body,
                                                         byte_range range,
                                                         bool urgent,
                                                         instant now) const;
  std::optional<duration> soonest(const body_state& body, lease_id except,
                                  uint64_t offset, instant now) const;
  bool brings(const source_state& source, const body_state& body,
              uint64_t offset) const;
  void hedge_spine(const transfer_id& id, body_state& body, instant now);
  duration patience_for(const body_state& body, uint64_t offset) const;
  byte_range uncovered(const body_state& body, lease_id except,
                       byte_range range) const;
  duration remaining(const lease_state& lease, uint64_t bytes,
                     instant now) const;
  uint64_t meanwhile(const source_state& source, uint64_t bytes) const;
  duration time_beside(const source_state& source, uint64_t bytes) const;

  // What is tried out.
  void observe(instant now);
  void observe_connections(const device_id& id, source_state& source,
                           instant now);
  void observe_lines(instant now);
  bool is_calm() const;
  size_t usual_leases(const source_state& source) const;

  // Rules.
  bool may_serve(const device_id& id, const source_state& source,
                 const body_state& body, instant now) const;
  bool is_left_out(const device_id& id, const body_state& body,
                   instant now) const;
  bool origin_allows(const device_id& id, const source_state& source,
                     const body_state& body, instant now) const;
  size_t requests_to(const source_state& source,
                     const std::string& origin) const;
  bool is_idle_own(const device_id& id, const body_state& body) const;
  bool is_stalled(const source_state& source) const;
  bool is_resting(const source_state& source, instant now) const;
  size_t max_leases(const source_state& source) const;
  double share_of(const source_state& source) const;
  uint64_t window() const;
  uint64_t window_end(const body_state& body) const;
  uint64_t head(const body_state& body) const;
  uint64_t unassigned(const body_state& body) const;
  uint64_t backlog(const source_state& source) const;
  double pace(const body_state& body) const;
  duration time_of(const body_state& body, uint64_t bytes) const;
  duration time_to_play(const body_state& body, uint64_t offset) const;
  duration time_to_full(const body_state& body, uint64_t offset) const;
  duration time_to_end(const body_state& body) const;
  duration quantum_for(const source_state& source,
                       const body_state& body) const;
  instant overdue_at(const lease_state& lease) const;
  void abandon_silent(instant now);
  bool has_hope(const body_state& body, instant now,
                const device_id* but = nullptr) const;
  unsigned own_failures(body_state& body, instant granted, instant now);
  bool own_is_hopeless(const device_id& own, body_state& body, instant granted,
                       instant now);

  // Bookkeeping.
  uint64_t largest_lease() const;
  void turn_to(source_state& source, const std::string& origin, duration way);
  uint64_t reach_of_spine(const source_state& own) const;
  void give(device_id id, source_state& source, const transfer_id& transfer,
            body_state& body, byte_range range, bool hedge, instant now);
  void note_spine(body_state& body, uint64_t bytes, instant now);
  source_state* own_source();
  bool is_busy(const source_state& source) const;
  void call_off(lease_id lease, instant now);
  void note_silence(instant now);
  bool is_passed_over(const device_id& id, const source_state& source,
                      instant now) const;
  void take_back(lease_id lease, instant now);
  void reopen(body_state& body, byte_range range);
  void remove_source(const device_id& id, instant now);
  bool note_progress(lease_id lease, uint64_t upto, instant now);
  bool drop_rivals(const body_state& body, byte_range range, lease_id winner,
                   instant now);
  void note_failure(const device_id& id, source_state& source,
                    chunk_failure why, instant granted, instant now);
  void remember_lie(const device_id& id, source_state& source, instant now);
  instant note_lie(const device_id& id, instant now);
  void note_busy(const device_id& id, source_state& source, body_state& body,
                 std::optional<duration> retry_after, instant now);
  void check_hope(const transfer_id& id, body_state& body, instant now);

  scheduler_config config_;
  std::map<device_id, source_state> sources_;
  std::map<transfer_id, body_state> bodies_;
  std::map<lease_id, lease_state> leases_;
  std::map<device_id, liar> liars_;
  origin_limits limits_;
  shared_line lines_;
  instant observed_{}; ///< when what is tried out was looked at last
  lease_id next_lease_;
  uint64_t served_ = 0; ///< virtual time of fair queueing, in bytes
  std::deque<action> actions_;
};

} // namespace peapod

#pragma once

#include "core/scheduler.hpp"
#include "core/transfer.hpp"
#include "tests/sim/static_policy.hpp"

#include <chrono>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// A pod in a few hundred lines: the real scheduler and the real transfers;
/// simulated lines, origins and clients; a virtual clock.
namespace peapod::sim {

using namespace std::chrono_literals;

constexpr uint64_t megabyte = 1'000'000;

/// A megabit a second, in bytes a second.
constexpr double mbit = 125'000;

constexpr double unlimited = std::numeric_limits<double>::infinity();

/// The device that `name` stands for; 'o' is our own.
device_id device(char name);

/// The body that every origin serves: the byte at an offset follows from the
/// offset, and parts of it need no memory of their own.
slice content(byte_range range);

/// A time in seconds.
double seconds(duration x);

/// The place of a body among those of its pool.
size_t index_of(const transfer_id& id);

/// Where what a device was asked for has come.
enum class stage {
  queued, ///< the device brings others first
  asked,  ///< on its way to the origin and back
  wan,    ///< coming over the device's line
  lan,    ///< going over the network between the devices
};

/// What one device is asked to bring.
struct job {
  lease_id lease;
  size_t body;
  byte_range range;
  instant granted;
  stage where = stage::queued;
  instant since;   ///< when it came there
  double left = 0; ///< bytes, of its stage
  uint64_t told;   ///< offset that the transfer has
  instant told_at;
  bool cancelled = false;
  uint64_t recheck = 0; ///< what it compares; 0: it is a lease
  bool hurry = false;   ///< bytes wait for what it compares
};

/// How the origin treats the connections of one device.
struct origin_manners {
  double per_connection = unlimited; ///< bytes a second of each
  size_t max_connections = 1000;     ///< more are answered 503
  std::optional<duration> retry_after = std::nullopt; ///< said with it
};

/// A device and its internet connection.
struct line {
  char name = '?';
  source_traits traits;
  double rate = 0; ///< bytes a second
  duration latency{};
  /// A line with the same bottleneck, whose `rate` counts; 0: none.
  char shares = 0;
  origin_manners origin;
  bool present = true;
  bool frozen = false;
  /// How its answers go wrong, if they do.
  std::optional<chunk_failure> fails;
  bool lies = false; ///< no byte that it brings is right
  std::list<job> jobs;
  double spent = 0;   ///< bytes that came over the line
  double offered = 0; ///< bytes that it could have brought, alone
  instant joined;     ///< when it came; what is asked of it takes its way
  instant alone{}; ///< when it alone would have brought all bodies; 0: not yet
  unsigned grants = 0;
  unsigned turned_away = 0; ///< requests that the origin answered 503

  /// Whether a range arrives as it comes, instead of in one piece at its end.
  bool streams() const;
};

/// One pooled body and its client.
struct body {
  body(transfer_id id, uint64_t size, double client_rate, std::string origin,
       unsigned audit);

  /// Notes who brought a part.
  void paint(byte_range part, char name);

  transfer_id id;
  std::string origin;
  transfer core;
  std::string picture; ///< who brought the first byte of each 256 KiB
  interval_set asked;  ///< leased to somebody, not as a hedge
  double spine_at = 0; ///< offset that the spine has received
  bool spine_flows = true;
  bool spine_awaited = false;
  uint64_t told = 0;
  uint64_t told_taken = 0;
  double client_rate; ///< bytes a second
  double takes = 0;   ///< bytes that the client may take
  uint64_t untaken = 0;
  uint64_t received = 0; ///< bytes that the client has
  bool open = true;
  bool exact = true; ///< every byte was the right one
  std::string gave_up;
  std::string failed;
  instant opened;
  instant ended{};
  unsigned switches = 0;
  unsigned granted_twice = 0;
};

/// Runs it all, from one thing that happens to the next.
class pool {
public:
  explicit pool(scheduler_config config = {})
    : machine(config), config_(config) {}

  scheduler machine;
  /// Decides instead of the scheduler, if there is one.
  std::optional<static_policy> rival;
  instant now = instant{1s};
  std::map<char, line> lines;
  std::vector<body> bodies;
  std::vector<scheduler::action> history;
  unsigned beyond_window = 0;
  unsigned beyond_body = 0;
  /// The network between the devices: bytes a second, shared by all, and the
  /// time of a message.
  double lan_rate = unlimited;
  duration lan_latency{};
  /// Whether peers that are not foreign speak protocol 2: they pass on what
  /// comes as it comes, and stop when they are called off.
  bool secure = false;
  /// Percent of the blocks of peers that are sampled.
  unsigned audit = 2;
  /// Bytes that the own line brought only to compare them.
  uint64_t rechecked = 0;
  /// Bytes that all lines together could have brought so far.
  double offered = 0;
  /// No step is longer: clients and spines move on once a step.
  duration resolution = 1ms;

  line& join(char name, double rate, duration latency = 30ms,
             bool foreign = false);

  /// Leaves; what it was bringing is lost.
  void leave(char name);

  /// Returns the body's index.
  size_t open(uint64_t size, double client_rate = unlimited,
              std::string origin = "origin");

  void lose_spine(size_t index);

  /// Does something later.
  void at(instant when, std::function<void()> what) {
    script_.emplace(when, std::move(what));
  }

  /// Runs until all bodies have ended, at most for `limit`; returns whether
  /// they have.
  bool run(duration limit = 60s);

  void run_for(duration time);

  void step() {
    run_for(resolution);
  }

  bool idle() const;

  /// Bytes that came over all lines.
  double spent() const;

  /// Bytes of all bodies.
  double size() const;

private:
  template <class Tell>
  void tell(Tell what) {
    if (rival)
      what(*rival);
    else
      what(machine);
  }

  std::optional<scheduler::action> poll();
  double capacity() const;
  double capacity(const line& x) const;
  double alone(const line& x) const;
  duration way(const line& x) const;
  void step_until(instant limit);
  instant next_event(instant limit);
  void start_jobs();
  void share_lines();
  void share_link(double rate, const std::vector<size_t>& members,
                  const std::vector<double>& caps);
  void move(duration time);
  void settle();
  bool settle_job(line& x, job& j);
  bool settle_recheck(line& x, job& j);
  bool fetched(line& x, job& j);
  void arrive(line& x, job& j, uint64_t upto);
  bool end(const job& j, std::optional<chunk_failure> failure,
           std::optional<duration> retry_after = std::nullopt);
  size_t connections(const line& x) const;
  void step_body(body& b, duration time);
  void take(body& b);
  void read_spine(body& b);
  void close(body& b);
  void pump();
  void pump(body& b);
  void perform(body& b, transfer::deliver& x);
  void perform(body& b, transfer::read_spine& x);
  void perform(body& b, transfer::stop_spine& x);
  void perform(body& b, transfer::recheck& x);
  void perform(body& b, transfer::accuse& x);
  void perform(body& b, transfer::go_alone& x);
  void perform(body& b, transfer::abort& x);
  void perform(const scheduler::grant& x);
  void perform(const scheduler::cancel& x);
  void perform(const scheduler::switch_spine& x);
  void perform(const scheduler::give_up& x);
  void perform(const scheduler::set_aside& x);
  void perform(const scheduler::same_line& x);

  /// Something that bytes flow through: of a job, or of a spine.
  struct flow {
    double* bytes; ///< what is left of a job, or what a spine has received
    double* spent; ///< bytes of the line it comes over; none in the LAN
    double upto;   ///< bytes that it can still take
    double rate;
    bool counts_up; ///< it is a spine
  };

  scheduler_config config_;
  std::optional<instant> tick_; ///< when the scheduler looks at what is late
  std::multimap<instant, std::function<void()>> script_;
  std::vector<flow> flows_;
};

/// Bytes of the body by the bytes that the lines could have brought meanwhile.
double efficiency(const pool& x, const body& b, instant begin);

/// Bytes that came over some line in vain, by those of the body.
double waste(const pool& x, const body& b);

} // namespace peapod::sim

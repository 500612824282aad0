#pragma once

#include "core/rate_meter.hpp"
#include "core/types.hpp"

#include <optional>

namespace peapod {

/// What a source is expected to bring, from what it has brought: its goodput
/// while it has work, the shortest time that anything took, and from both the
/// size of its next lease. What bytes cost on the way between the devices is
/// part of it, because time counts until they are here.
class source_estimate {
public:
  /// Bounds of a lease's size, in bytes.
  struct bounds {
    uint64_t first; ///< until something has come
    uint64_t least;
    uint64_t most;
  };

  explicit source_estimate(bounds sizes) : sizes_(sizes), size_(sizes.first) {}

  /// It got work after it had none.
  void started(instant now) {
    meter_.started(now);
  }

  /// It has no work any more.
  void stopped(instant now) {
    meter_.stopped(now);
  }

  /// `bytes` have come.
  void arrived(uint64_t bytes, instant now) {
    meter_.arrived(bytes, now);
  }

  /// The same source at an origin of which nothing is known: its rate, but no
  /// way.
  source_estimate at_another_origin() const;

  /// So long took the head of what it is asked for next; nothing: not known.
  void expect(duration way) {
    head_ = way;
  }

  /// The first bytes of a lease are here, so long after it was given: of a
  /// source that streams this is its way, whatever else it brings.
  void answered(duration way);

  /// A lease of `bytes` is here that was given at `granted`, with `ahead` bytes
  /// to come before its last; a lease should take about `quantum`.
  void finished(uint64_t bytes, uint64_t ahead, instant granted,
                duration quantum, instant now);

  /// Leases should take about `quantum` by what has come without them.
  void resize(duration quantum);

  /// Nothing has come for so long, although `backlog` bytes are to come.
  void silent(uint64_t backlog, duration time);

  /// It brings nothing: it has to show anew what it can.
  void distrust(instant now);

  /// Bytes a second; nothing before the first sample.
  std::optional<double> rate() const {
    return meter_.rate();
  }

  /// The least that a lease takes, however small: the way to the origin and
  /// back, the way between the devices, the first byte.
  duration latency() const;

  /// The shortest time that any lease took.
  std::optional<duration> shortest() const {
    return shortest_;
  }

  /// Bytes of a lease that it would bring in about the time that its last
  /// ones were to take.
  uint64_t lease_size() const {
    return size_;
  }

  /// How long until `bytes` are here, those before it included. With nothing
  /// known, what a lease should take at most.
  duration time_for(uint64_t bytes) const;

private:
  void see(duration latency);

  /// Leases grow by no more than this at a time.
  static constexpr double max_growth = 4;

  bounds sizes_;
  uint64_t size_;
  rate_meter meter_;
  std::optional<duration> latency_; ///< as it was seen
  duration head_{};                 ///< how late the origin is now
  duration head_then_{};            ///< and was when that was seen
  std::optional<duration> shortest_;
  uint64_t shortest_bytes_ = 0; ///< that came in it
  bool answers_ = false;        ///< the way is known by its answers
};

} // namespace peapod

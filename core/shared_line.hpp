#pragma once

#include "core/types.hpp"

#include <deque>
#include <map>
#include <optional>
#include <span>

namespace peapod {

/// What a source has brought so far, for `shared_line`.
struct source_sample {
  device_id id;
  bool own = false;     ///< our own line
  bool busy = false;    ///< it has something to bring
  uint64_t brought = 0; ///< bytes since it came
};

/// Machine: finds out whether a peer has a line of its own. A peer behind the
/// same internet connection, or at an origin that gives all of us together no
/// more, adds nothing: what it brings, others would bring without it. So while
/// a long body is loaded, a peer gets nothing for a few seconds, and if
/// others become faster by about what it has brought, three times in a row, it
/// shares a bottleneck with the one that gains most.
class shared_line {
public:
  /// Two sources share a bottleneck; without `with`, no more.
  struct finding {
    device_id source;
    std::optional<device_id> with;
    bool operator==(const finding&) const = default;
  };

  /// Who gets nothing at the moment.
  std::optional<device_id> held() const {
    return held_;
  }

  /// Called again and again. `calm` tells that every source has as much to do
  /// as it can take, and will have for long, so that rates mean something.
  std::optional<finding> observe(std::span<const source_sample> sources,
                                 bool calm, instant now);

  /// With whom a source shares its line, as far as was found.
  std::optional<device_id> partner(const device_id& source) const;

  /// A source has gone; what was found about it stays.
  void left(const device_id& source);

private:
  /// What a source had brought at a moment when something came.
  struct point {
    instant at;
    uint64_t brought;
  };

  /// Bytes a second, and how much they have changed by themselves.
  struct pace {
    double rate = 0;
    double noise = 0;
  };

  struct verdict {
    unsigned votes = 0; ///< trials that speak for a shared line
    unsigned against = 0;
    std::optional<device_id> likely; ///< with whom, by the last such trial
    std::optional<device_id> with;   ///< as was found
    instant again{};                 ///< when it is looked at again
  };

  void note(std::span<const source_sample> sources, instant now);
  void begin(std::span<const source_sample> sources, instant now);
  std::optional<finding> end(instant now);
  std::optional<finding> judge(const device_id& id,
                               std::optional<device_id> partner, instant now);
  void let_go(instant now);
  double rate(const device_id& id, instant from, instant to) const;
  pace pace_before(const device_id& id, instant now) const;

  std::map<device_id, verdict> verdicts_;
  std::map<device_id, std::deque<point>> history_; ///< of late
  std::optional<device_id> held_;
  instant held_since_{};
  instant silent_since_{};          ///< when it had nothing left to bring
  std::map<device_id, pace> paces_; ///< before it was held
  instant next_{};
  instant calm_since_{};
};

} // namespace peapod

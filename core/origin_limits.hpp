#pragma once

#include "core/types.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peapod {

/// What is known of how an origin treats the requests of each source: how many
/// it takes at a time, when it wants to be asked again, and whom it refuses.
/// It outlives bodies and sessions, and forgets what may have changed.
class origin_limits {
public:
  /// What holds for one source at one origin.
  struct entry {
    std::optional<size_t> cap; ///< requests at a time
    instant raise_at{};        ///< when one more is tried
    instant rest_until{};      ///< not asked before; not set: no rest
    instant refused_at{};
    instant refused_until{}; ///< left out of new bodies before; as above
    unsigned refusals = 0;   ///< in a row
    unsigned complaints = 0; ///< in a row
    instant complained{};    ///< when the last one came
  };

  /// A source, and an origin: scheme, host and port.
  using key = std::pair<device_id, std::string>;

  /// The origin has turned a request away while `others` were under way to it
  /// from the same source (429, 503, a reset before the answer), and perhaps
  /// said after what time it wants to be asked again (RFC 9110, 10.2.3).
  void turned_away(const key& at, size_t others,
                   std::optional<duration> retry_after, instant now);

  /// The origin does not serve this source: the URL may be bound to another
  /// address (403, 404), or the source's policy forbids it. One URL says little
  /// about a host that serves many people, so this holds longer each time.
  void refused(const key& at, instant now);

  /// A request was answered well.
  void answered(const key& at, instant now);

  /// Whether the source may send one more request besides `active` ones.
  bool allows(const key& at, size_t active, instant now) const;

  /// Whether the source is not asked for a body that was opened at `opened`:
  /// since the refusal.
  bool leaves_out(const key& at, instant opened, instant now) const;

  /// How many requests at a time, if that is known.
  std::optional<size_t> cap(const key& at) const;

  /// When the first rest ends.
  std::optional<instant> deadline() const;

  /// Ends what is over.
  void expire(instant now);

  /// What is known now, for people to see.
  const std::map<key, entry>& entries() const {
    return entries_;
  }

private:
  void make_room(const key& at, instant now);

  std::map<key, entry> entries_;
};

} // namespace peapod

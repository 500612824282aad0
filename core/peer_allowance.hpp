#pragma once

#include "core/own_first.hpp"
#include "core/token_bucket.hpp"

#include <optional>

namespace peapod {

/// Says when and how much may be read for peers: never more than a fixed rate,
/// and no more than this device's own use leaves. Rates change, so who waits
/// asks again.
class peer_allowance {
public:
  /// `max_rate`: bytes a second, 0: no limit. `yields`: own use goes first.
  explicit peer_allowance(uint64_t max_rate = 0, bool yields = false);

  /// `own_total`: bytes that came for own use since the start of the process.
  /// To be called every 100 ms while peers are served.
  void look(uint64_t own_total, instant now);

  /// `bytes` for a peer have come over the line, read or not: what a
  /// connection's buffers hold has taken its part of the line already.
  void arrived(uint64_t bytes) {
    for_peers_ += bytes;
  }

  /// `bytes` have been read for a peer.
  void took(uint64_t bytes, instant now) {
    bucket_.take(bytes, now);
  }

  /// The place behind all that has been read: who comes now waits for it.
  double place() const {
    return bucket_.taken();
  }

  /// How long to wait before asking again whether what stands at `place` may
  /// be read, at most 100 ms; zero: it may.
  duration wait(double place, instant now);

  /// The most bytes to read at a time.
  size_t piece() const;

  /// Bytes a second for peers because of own use; nothing: it leaves enough.
  std::optional<double> held_to() const {
    return yields_ ? own_first_.limit() : std::nullopt;
  }

  /// What the line can bring and what own use wants of it.
  const own_first& line() const {
    return own_first_;
  }

private:
  double max_rate_;
  bool yields_;
  own_first own_first_;
  token_bucket bucket_;
  std::optional<uint64_t> own_total_;
  uint64_t for_peers_ = 0; ///< since the last look
};

} // namespace peapod

#pragma once

#include "core/types.hpp"

#include <map>
#include <string>

namespace peapod {

/// Bounds how many datagrams are looked at: of one source and in all. Anybody
/// on the local network can send any number of them from any address, so the
/// sources that are remembered are bounded too, those that do not fit share one
/// allowance, and half of what is taken in all is kept for those that do.
class datagram_gate {
public:
  /// A device announces itself five times in 2 s and then at most ten times a
  /// second, and answers others.
  struct limits {
    double per_second = 400; ///< in all
    double burst = 512;
    double source_per_second = 20;
    double source_burst = 40;
    size_t max_sources = 256;
    /// A source that was silent for so long may lose its place.
    duration remembered = std::chrono::seconds(30);
  };

  datagram_gate() : datagram_gate(limits{}) {}
  explicit datagram_gate(limits x);

  /// Whether to look at a datagram that came from `address`.
  bool admit(const std::string& address, instant now);

  /// How many sources are remembered.
  size_t sources() const {
    return sources_.size();
  }

private:
  /// What may still be taken: fills at a rate, up to a burst.
  struct allowance {
    double left = 0;
    instant at{};

    void fill(double per_second, double burst, instant now);
  };

  /// The allowance of a source: its own, or the one that the rest shares.
  allowance& of(const std::string& name, instant now);
  void forget_silent(instant now);

  limits limits_;
  allowance all_;
  allowance rest_;
  std::map<std::string, allowance> sources_; ///< by `gate_name`
  instant next_search_{}; ///< for silent sources, when there is no room
};

} // namespace peapod

#pragma once

#include "core/types.hpp"

#include <array>
#include <optional>

namespace peapod {

/// Lets the own use of a line go before what is fetched over it for peers.
///
/// Connections share a line evenly: beside peers, own use shows half of the
/// line also when it wants all of it. So peers give way for a second. What own
/// use then reaches is what it wants, and peers get what is left of the line.
/// Rates are in bytes a second.
class own_first {
public:
  /// So many bytes have come over the line since the last call; the first call
  /// only begins to count. To be called at least every 100 ms while anything is
  /// fetched for peers.
  void moved(uint64_t own, uint64_t for_peers, instant now);

  /// What may be read for all peers together; nothing: there is no own use,
  /// and no limit.
  std::optional<double> limit() const;

  /// The most that the line has brought lately, 0 if nothing yet.
  double peak() const {
    return peak_;
  }

  /// What own use is thought to want, 0 without own use.
  double wanted() const {
    return wanted_;
  }

private:
  enum class phase {
    idle,       // no own use
    giving_way, // to see what own use wants
    sharing,    // peers get what is left
    dipping,    // peers get less, to see whether own use is crowded
    probing, // peers get more, to see whether the line is faster than thought
  };

  /// What came in a fixed time, in bytes.
  struct bin {
    double own = 0;
    double for_peers = 0;
  };

  /// What came in a second.
  struct second {
    double own = 0;
    double for_peers = 0;
    double total() const {
      return own + for_peers;
    }
  };

  static constexpr duration bin_time = std::chrono::milliseconds(125);
  static constexpr size_t bins_a_second = 8;

  // -- measuring --------------------------------------------------------------
  void close_bin();
  double own_rate(size_t bins, size_t skipped = 0) const;
  second last_second(size_t skipped = 0) const;
  void remember_peak();
  void forget(duration time);
  double trickle() const;
  // -- deciding ---------------------------------------------------------------
  void decide(instant now);
  void give_way(instant now, std::optional<second> before);
  void look_while_giving_way(instant now);
  void look_while_sharing(instant now);
  void look_while_probing(instant now);
  void share(instant now);
  void dip(instant now);
  void look_while_dipping(instant now);
  void probe(instant now);
  bool may_probe(instant now) const;
  double floor() const;
  double left() const;

  std::array<bin, 2 * bins_a_second + 1> bins_; // the newest is not full yet
  size_t newest_ = 0;
  std::optional<instant> last_call_;
  instant bin_end_{};

  phase phase_ = phase::idle;
  instant since_{};     // of the phase
  instant last_use_{};  // own use was more than a trickle
  double measured_ = 0; // what own use reached when peers had given way
  double wanted_ = 0;
  std::optional<second> before_; // peers gave way
  double peak_ = 0;
  double peak_before_ = 0; // the probe
  double dip_limit_ = 0;
  instant next_dip_{};
  instant next_probe_{};
  duration probe_pause_ = std::chrono::seconds(10);
};

} // namespace peapod

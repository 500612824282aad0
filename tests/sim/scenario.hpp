#pragma once

#include "tests/sim/pool.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Random pods, each named by its seed.
namespace peapod::sim {

/// What happens to a device during a download.
enum class incident {
  none,
  leaves,     ///< and does not come back
  returns,    ///< leaves and comes back
  freezes,    ///< brings nothing for a while
  collapses,  ///< keeps a tenth of its rate
  fluctuates, ///< its rate changes all the time
};

/// One device of a scenario.
struct member {
  char name;
  double rate; ///< bytes a second
  duration latency;
  bool foreign;
  incident what;
  duration when; ///< after the download began
  duration length;
  bool refused = false; ///< by the origin: its address is not ours
};

/// A pod and what it downloads.
struct scenario {
  uint64_t seed;
  std::vector<member> members; ///< our own device first
  double lan_rate;             ///< bytes a second
  duration lan_latency;
  std::vector<uint64_t> sizes; ///< bytes of the bodies, which begin together
  origin_manners origin;       ///< towards each device
  unsigned audit = 2;          ///< percent of peers' blocks that are sampled
  bool secure = true; ///< whether peers that are not foreign speak protocol 2
};

/// What random pods may look like.
struct scenario_limits {
  size_t min_devices = 2;
  size_t max_devices = 64;
  bool incidents = true; ///< whether anything happens to devices
  bool origins = false;  ///< whether origins have limits of their own
  unsigned audit = 2;    ///< as in `scenario`
  bool secure = true;    ///< as in `scenario`
};

/// The pod of this seed; the same on every machine.
scenario make_scenario(uint64_t seed, scenario_limits limits = {});

/// In one line.
std::string describe(const scenario& x);

/// How a download of a scenario went.
struct outcome {
  bool complete = false;  ///< every body is whole
  bool exact = false;     ///< and every byte of it is right
  double efficiency = 0;  ///< bytes by what the lines could have brought
  double best_line = 0;   ///< how much longer the best line alone would take
  double picked_line = 0; ///< the line that was fastest when all began
  double own_line = 0;    ///< and the own line
  double waste = 0;       ///< bytes that came in vain, by those of the bodies
  duration time{};
  std::string problem; ///< why it is not complete
};

/// The device whose line is expected to be the fastest way to the origin, by
/// its average rate and before anything happens.
char picked_in_advance(const scenario& x);

/// Runs it under the scheduler, or under a fixed plan.
outcome run(const scenario& x, std::optional<fixed_plan> plan = std::nullopt);

/// Runs it under the scheduler and tells for each half second what was
/// leased, how far the client is, and how well each line was used.
std::string trace(const scenario& x);

} // namespace peapod::sim

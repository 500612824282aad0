#pragma once

#include <span>
#include <vector>

namespace peapod::sim {

/// What one connection gets of a link that `caps.size()` connections share
/// evenly: nobody more than its cap (bytes a second), and what somebody cannot
/// use goes to the others (max-min fairness, as many TCP connections with the
/// same round trip settle it).
std::vector<double> share(double rate, std::span<const double> caps);

} // namespace peapod::sim

#pragma once

#include "core/types.hpp"
#include "hosts/common/control_data.hpp"
#include "hosts/common/control_text.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace peapod::console {

/// An actor of the last answer, or one that has ended a moment ago.
struct seen_actor {
  control::actor actor;
  bool ended = false;
  instant since{}; ///< when it was seen first, or seen to have ended
};

/// How actors are put in order.
struct arrangement {
  control::sort_key key = control::sort_key::id;
  bool reversed = false;
  bool as_tree = true;
  std::string filter;
  std::set<uint64_t> folded; ///< whose descendants are not shown
};

/// A line of the arranged actors.
struct arranged_actor {
  const seen_actor* seen = nullptr;
  std::string guides;   ///< the branches to the left of its name
  size_t hidden = 0;    ///< how many descendants are folded away
  bool on_path = false; ///< shown only because of who is below it
};

/// The actors in the order in which they are shown: a sorted list, or a tree
/// whose siblings are sorted. What the filter does not match is left out,
/// except for the ancestors of what it matches.
std::vector<arranged_actor> arrange(const std::vector<seen_actor>& actors,
                                    const arrangement& how);

} // namespace peapod::console

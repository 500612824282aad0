#pragma once

#include "core/types.hpp"

#include <cstdint>
#include <string>

namespace peapod {

/// How an actor is disturbed, for tests and for the console with `[debug]
/// fault-injection`.
struct fault {
  enum class kind {
    none,
    crash,     ///< throw instead of handling a message
    drop,      ///< do not handle it
    delay,     ///< handle it later
    duplicate, ///< handle it twice
  };

  kind what = kind::none;
  uint64_t every = 1; ///< disturb each message whose number this divides
  uint64_t times = 1; ///< so often in all
  duration delay = std::chrono::milliseconds(100);
};

/// In words, as in `crash on every 3rd message`; empty for none.
std::string to_string(const fault& x);

} // namespace peapod

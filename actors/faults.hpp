#pragma once

#include "core/types.hpp"

#include <cstdint>
#include <string>
#include <string_view>

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
    hang,      ///< block its thread for `delay`, then handle it
  };

  kind what = kind::none;
  uint64_t every = 1; ///< disturb each message whose number this divides
  uint64_t times = 1; ///< so often in all
  duration delay = std::chrono::milliseconds(100);
};

/// In words, as in `crash on every 3rd message`; empty for none.
std::string to_string(const fault& x);

/// Decides which messages of one actor are disturbed.
class fault_plan {
public:
  fault_plan() = default;
  explicit fault_plan(const fault& plan) : plan_(plan) {}

  /// Counts a message; how it is to be disturbed, if it is.
  fault::kind next();

  /// What is left to be done.
  const fault& plan() const {
    return plan_;
  }

private:
  fault plan_;
  uint64_t seen_ = 0;
};

} // namespace peapod

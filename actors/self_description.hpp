#pragma once

#include "actors/actor_record.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <exception>
#include <functional>
#include <optional>
#include <string>

namespace cereal {
class JSONOutputArchive;
} // namespace cereal

/// What an actor's state may tell of itself. Each is optional:
///
///     std::string about() const;    // a peer's name, a URL's host
///     std::string summary() const;  // the state in a few words
///     void dump(cereal::JSONOutputArchive& to) const; // named values
///
/// They are called on the actor's own thread, also after its handler has
/// thrown. Payload and secrets are never told.
namespace peapod {

/// The JSON object that `write` fills.
std::string
json_of(const std::function<void(cereal::JSONOutputArchive&)>& write);

/// What `state` tells of itself; what it cannot tell is left empty.
template <class State>
self_description describe_self(const State& state, bool with_data) {
  self_description out;
  try {
    if constexpr (requires { state.about(); })
      out.about = state.about();
    if constexpr (requires { state.summary(); })
      out.summary = state.summary();
    if constexpr (requires(cereal::JSONOutputArchive & to) { state.dump(to); })
      if (with_data)
        out.data =
            json_of([&](cereal::JSONOutputArchive& to) { state.dump(to); });
  } catch (const std::exception& e) {
    out.summary = std::string{"cannot tell: "} + e.what();
  }
  return out;
}

/// An order to any actor, whatever its type: not one of its messages, and not
/// counted as one. Sent with high priority.
struct actor_control {
  /// Crash with these words.
  std::optional<std::string> crash;
  /// Describe yourself, on your own thread.
  std::function<void(actor_record&, self_description)> describe;
};

} // namespace peapod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::actor_control)

#pragma once

#include "hosts/common/control_data.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The full-screen console: a model of what the daemon says, pages that turn
/// it into lines, a screen that shows them, and a client that asks.
namespace peapod::console {

/// The daemon does not answer, and why.
struct connection_lost {
  std::string why;
};

/// The actor that was being watched cannot be seen, and why.
struct page_missing {
  uint64_t actor = 0;
  std::string why;
};

/// A watched actor handled a message.
struct message_traced {
  uint64_t actor = 0;
  control::message message;
};

/// Events were lost because they were read too slowly.
struct events_dropped {
  uint64_t count = 0;
};

/// What became of a wish of the user, in words.
struct wish_answered {
  bool granted = false;
  std::string text;
};

/// What the client tells the model.
using update =
    std::variant<control::actor_list, control::status, control::crash_list,
                 control::actor_page, std::vector<control::member>,
                 control::event, connection_lost, page_missing, message_traced,
                 events_dropped, wish_answered>;

/// How an actor is to be disturbed (docs/openapi.yaml, Fault).
struct disturbance {
  std::string action;
  uint64_t every = 1;
  uint64_t times = 1;
  double delay = 0.1; ///< seconds
};

/// What the user wants from the daemon; answers come as updates.
class wishes {
public:
  virtual ~wishes() = default;

  /// Asks for this actor's page and messages from now on, or for none.
  virtual void watch(std::optional<uint64_t> actor) = 0;
  virtual void kill(uint64_t actor) = 0;
  virtual void restart(uint64_t actor) = 0;
  /// Lets the device with this id into the pod, or out of it; `name` is for
  /// what is said of it, `code` are the words that were compared.
  virtual void trust(const std::string& id, const std::string& name,
                     bool trusted, const std::vector<std::string>& code) = 0;
  virtual void disturb(uint64_t actor, const disturbance& how) = 0;
};

} // namespace peapod::console

#pragma once

#include "actors/messages_chunks.hpp"
#include "actors/messages_peers.hpp"
#include "actors/messages_proxy.hpp"
#include "actors/messages_status.hpp"
#include "actors/messages_tunnels.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>

/// Every message that actors exchange. Requests are imperatives, facts are
/// past participles. None of them leaves the process.
namespace peapod {

/// A timer has run out; `generation` tells the current one from older ones.
struct tick {
  uint64_t generation = 0;
};

/// Begin: accept, listen, announce.
struct start_work {};

/// Say goodbye and end.
struct leave_pod {};

} // namespace peapod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::start_work)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::leave_pod)

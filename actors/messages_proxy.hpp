#pragma once

#include "actors/ports.hpp"
#include "core/error.hpp"
#include "core/http_message.hpp"
#include "core/types.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <memory>
#include <string>

/// What is said to a client's connection to the proxy.
namespace peapod {

/// The next bytes of a pooled body.
struct body_ready {
  slices bytes;
  bool last = false;
};

/// A pooled body cannot be completed.
struct body_failed {
  error why;
};

/// The origin's answer to the request for the rest of a body whose transfer
/// has crashed.
struct rest_answered {
  uint64_t step = 0;
  result<response_head> outcome;
};

/// A request's head has come from the client, or not. Here and below `step`
/// is the one that the connection had reached when it asked: answers to older
/// steps are stale.
struct head_received {
  uint64_t step = 0;
  result<request_head> outcome;
};

/// The origin's final head.
struct origin_answered {
  uint64_t step = 0;
  result<response_head> outcome;
  uint64_t attempt = 0; ///< to which of several lines, where they are tried
};

/// An interim (1xx) head of the origin.
struct interim_answered {
  uint64_t step = 0;
  response_head head;
  uint64_t attempt = 0; ///< as above
};

/// A head has gone to the client, or not.
struct head_written {
  uint64_t step = 0;
  result<void> outcome;
};

/// A piece of the body has gone to the client, or not.
struct body_written {
  uint64_t step = 0;
  uint64_t bytes = 0;
  bool last = false;
  result<void> outcome;
};

/// A pass-through body or a tunnel has ended.
struct relay_ended {
  uint64_t step = 0;
  result<relay_totals> outcome;
};

/// The client's request body has gone to the origin, or not.
struct request_relayed {
  uint64_t step = 0;
  result<relay_totals> outcome;
};

/// The origin has not said `100 Continue` in time.
struct continue_timeout {
  uint64_t step = 0;
};

/// The origin has not answered to a request whose body did not reach it, or
/// that went through a peer.
struct answer_overdue {
  uint64_t step = 0;
  error why;            ///< what befell the body
  bool at_exit = false; ///< it went through a peer
};

/// The client has gone while it was being answered.
struct client_gone {};

/// A client has connected to the proxy.
struct client_accepted {
  result<std::shared_ptr<http_server_stream>> outcome;
};

/// A client's request got a 503 because a limit is reached.
struct request_turned_away {
  std::string why;
};

} // namespace peapod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::body_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::body_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::rest_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::head_received)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::origin_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::interim_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::head_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::body_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::relay_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::request_relayed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::continue_timeout)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::answer_overdue)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::client_gone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::client_accepted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::request_turned_away)

#pragma once

#include "actors/proxy_connection.hpp"

/// A client's request of plain HTTP that may leave through a peer. What the
/// peer answers is no base for pooling: its word is all there is for it.
namespace peapod {

/// Whether a peer may see the request, and the user lets it: nothing but a GET
/// or a HEAD without a body, credentials, secrets or another protocol.
bool may_leave(const environment& env, const request_head& request);

/// Chooses the request's line, and then forwards it.
void choose_line(proxy_connection_state::self_pointer self);

/// Whether what came through the peer's line cannot be passed on; then the own
/// line has been asked instead.
bool came_home(proxy_connection_state::self_pointer self,
               const result<response_head>& outcome);

// -- what the connection does for it ------------------------------------------

/// Sends the request to the origin: through the peer `exit`, if one is set.
void forward(proxy_connection_state::self_pointer self);

} // namespace peapod

#pragma once

#include "actors/peer_session.hpp"

/// The tunnels of a session: between its link and their ends. What is handed
/// to the link is sent with the session's next pump.
namespace peapod {

/// Tells the exits that this peer opens tunnels, if it does.
void tell_exits(peer_session_state::self_pointer self);

// -- what our ends say --------------------------------------------------------

/// Asks the peer for a tunnel.
void ask_for_tunnel(peer_session_state::self_pointer self, open_relay& msg);

void pass_on(peer_session_state::self_pointer self, const relay_opened& msg);
void pass_on(peer_session_state::self_pointer self, const relay_bytes& msg);
void pass_on(peer_session_state::self_pointer self, const relay_credit& msg);
void pass_on(peer_session_state::self_pointer self, const relay_closed& msg);

// -- what the peer says -------------------------------------------------------

/// The peer wants a tunnel: one is begun, if the policy allows it.
void take_tunnel_request(peer_session_state::self_pointer self,
                         const tunnel_asked& x);

void take(peer_session_state::self_pointer self, const tunnel_stands& x);
void take(peer_session_state::self_pointer self, tunnel_brought& x);
void take(peer_session_state::self_pointer self, const tunnel_credited& x);
void take(peer_session_state::self_pointer self, tunnel_closed& x);

/// The session has ended: so have its tunnels.
void end_tunnels(peer_session_state& st);

} // namespace peapod

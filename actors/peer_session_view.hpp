#pragma once

#include "actors/peer_session.hpp"

/// The part of a session that shows live actors to members of the pod.
namespace peapod {

/// Somebody here wants to see the peer's actors.
void ask_for_view(peer_session_state::self_pointer self, ask_view& msg);

/// The peer answers.
void take_view(peer_session_state::self_pointer self, std::string text);

/// The peer asks. Nothing is shown unless `[console] pod-view` allows it; one
/// question at a time is answered.
void take_view_question(peer_session_state::self_pointer self);

/// Answers the question that waits, once the peer has taken enough of what it
/// was sent: answers are long, and asking for them costs nothing.
void look_for_peer(peer_session_state::self_pointer self);

/// What the peer has asked for is here.
void send_view(peer_session_state::self_pointer self, view_ready& msg);

/// Tells those who wait why they get nothing.
void drop_viewers(peer_session_state& st, const error& why);

} // namespace peapod

#pragma once

#include "actors/peer_session.hpp"

#include <string>

/// The half of a session that fetches for the peer. What it hands to the link
/// is sent with the session's next pump.
namespace peapod {

/// ` peer=... at=...`, for the end of a line of the log.
std::string label(const peer_session_state& st);

/// The peer asks for a range: it is fetched when its turn comes.
void take_request(peer_session_state::self_pointer self, range_ask ask);

/// The peer does not want it any more.
void call_off_served(peer_session_state::self_pointer self, ask_id id);

/// Tells the peer what we offer, if that has changed: so it does not wait for
/// what it would not get.
void tell_offers(peer_session_state::self_pointer self);

/// Tells the peer where our lines leave for the internet, if that is known and
/// has changed.
void tell_lines(peer_session_state::self_pointer self);

/// Fetches what waits, as far as the bounds allow.
void serve_queued(peer_session_state::self_pointer self);

/// A piece of a range has been fetched.
void add_served(peer_session_state::self_pointer self,
                const chunk_arrived& msg);

/// A range has been fetched, or not: the peer is answered.
void finish_served(peer_session_state::self_pointer self,
                   const chunk_settled& msg);

/// A fetcher that failed answers nothing any more: what it was asked for is
/// refused, so that the peer asks again.
void forget_lost_fetches(peer_session_state::self_pointer self);

/// Calls off whatever is being fetched for the peer.
void cancel_served(peer_session_state::self_pointer self);

/// Bytes that wait for the kernel to take them.
uint64_t bytes_unwritten(const peer_session_state& st);

/// Gives back what was reserved for writes that have left.
void give_back_sent(peer_session_state& st);

} // namespace peapod

#pragma once

#include "actors/ports.hpp"
#include "actors/proxy_connection.hpp"

#include <functional>
#include <optional>

/// A client's CONNECT: which line it leaves through, and how it goes on over
/// another one.
namespace peapod {

/// The request is a CONNECT.
void open_tunnel(proxy_connection_state::self_pointer self);

/// A peer's line is of no use: the own one takes over, and the client does not
/// notice.
void go_home(proxy_connection_state::self_pointer self, relay_bounced& msg);

/// It has ended, or could not be opened.
void conclude_tunnel(proxy_connection_state::self_pointer self,
                     const result<relay_totals>& outcome);

/// Which of several own lines carries what the connection wishes: the client
/// keeps one for each site, unless its tunnels are to be spread.
line_wish own_line_for(const proxy_connection_state& st);

/// Whether the choice of a line has anything to choose from.
bool may_use_peers(const environment& env);

/// Asks which line to use for what the connection wishes; `wanted`: the only
/// one that will do. `done` is not called when the connection has moved on.
void ask_exits(proxy_connection_state::self_pointer self,
               std::optional<device_id> wanted,
               std::function<void(const exit_chosen&)> done);

/// Tells the exits that the own line carries what the connection wishes.
void count_on_own_line(proxy_connection_state::self_pointer self);

// -- what the connection does for it ------------------------------------------

/// Answers with an error page and ends the connection behind it.
void answer(proxy_connection_state::self_pointer self, const error& why);

/// Ends the connection; with `abort` so that the client can see it.
void end_connection(proxy_connection_state::self_pointer self, bool abort);

} // namespace peapod

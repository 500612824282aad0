#pragma once

#include "core/http_message.hpp"

#include <cstdint>

/// Logins that hold for a connection instead of a request (NTLM, Negotiate;
/// RFC 4559, 6): whoever sends a request on it is taken for the user. The
/// connection to the origin then belongs to one connection of a client.
namespace peapod::net {

/// Whether a request's fields have the credentials of such a login.
bool logs_in_connection(const http_fields& fields);

/// A number for a client's connection that nothing else has.
uint64_t next_login_owner();

/// Notes in the fields of a request on its way through this process whose
/// connection it needs; 0: anybody's. What a client may have written there
/// goes.
void set_login_owner(http_fields& fields, uint64_t owner);

/// Takes that note out again; 0 without one.
uint64_t take_login_owner(http_fields& fields);

} // namespace peapod::net

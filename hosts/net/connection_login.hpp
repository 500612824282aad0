#pragma once

#include "core/http_message.hpp"

#include <cstdint>

/// Logins that hold for a connection instead of a request (NTLM, Negotiate;
/// RFC 4559, 6): whoever sends a request on it is taken for the user. The
/// connection to the origin then belongs to one connection of a client.
namespace peapod::net {

/// Whether a request's fields have the credentials of such a login.
bool logs_in_connection(const http_fields& fields);

/// A number for a client's connection that has no other, `request_head::login`.
uint64_t draw_login();

} // namespace peapod::net

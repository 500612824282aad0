#include "hosts/net/connection_login.hpp"

#include <sodium.h>

namespace peapod::net {

bool logs_in_connection(const http_fields& fields) {
  auto value = fields.find("Authorization");
  if (!value)
    return false;
  auto scheme = value->substr(0, value->find(' '));
  return equal_ignoring_case(scheme, "NTLM")
         || equal_ignoring_case(scheme, "Negotiate");
}

uint64_t draw_login() {
  uint64_t out = 0;
  while (out == 0)
    randombytes_buf(&out, sizeof out);
  return out;
}

} // namespace peapod::net

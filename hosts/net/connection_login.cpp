#include "hosts/net/connection_login.hpp"

#include <atomic>
#include <charconv>
#include <string>
#include <string_view>

namespace peapod::net {

namespace {

/// Its name is one of a secret, so that what is asked with it is not pooled.
constexpr const char* owner_field = "PeaPod-Session-Owner";

} // namespace

bool logs_in_connection(const http_fields& fields) {
  auto value = fields.find("Authorization");
  if (!value)
    return false;
  auto scheme = value->substr(0, value->find(' '));
  return equal_ignoring_case(scheme, "NTLM")
         || equal_ignoring_case(scheme, "Negotiate");
}

uint64_t next_login_owner() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

void set_login_owner(http_fields& fields, uint64_t owner) {
  if (fields.find(owner_field))
    fields.erase(owner_field);
  if (owner != 0)
    fields.add(owner_field, std::to_string(owner));
}

uint64_t take_login_owner(http_fields& fields) {
  auto text = fields.find(owner_field);
  if (!text)
    return 0;
  uint64_t owner = 0;
  std::from_chars(text->data(), text->data() + text->size(), owner);
  fields.erase(owner_field);
  return owner;
}

} // namespace peapod::net

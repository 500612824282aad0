#include "core/http_semantics.hpp"

#include <algorithm>

namespace peapod {

namespace {

/// Fields of one connection that senders do not always name in `Connection`
/// (RFC 9110, 7.6.1 and 11.7), and what is said to a PeaPod alone.
constexpr std::string_view connection_fields[] = {
    "Connection",
    "Keep-Alive",
    "PeaPod-Exit",
    "Proxy-Connection",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Authentication-Info",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
};

bool is_about_connection(std::string_view name) {
  return std::ranges::any_of(connection_fields, [name](auto x) {
    return x.size() == name.size() && equal_ignoring_case(x, name);
  });
}

/// Fields that a message cannot do without; a `Connection` that names one of
/// them is an attempt to smuggle.
bool is_essential(std::string_view name) {
  return equal_ignoring_case(name, "Host")
         || equal_ignoring_case(name, "Content-Length")
         || equal_ignoring_case(name, "Content-Range");
}

std::string_view until_blank(std::string_view x) {
  return x.substr(0, x.find_first_of(" \t"));
}

/// The received-by part of a member of `Via`: `1.1 name (comment)`.
std::string_view received_by(std::string_view member) {
  auto rest = member.substr(until_blank(member).size());
  auto begin = rest.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view{}
                                         : until_blank(rest.substr(begin));
}

/// The protocols of an `Upgrade` but HTTP/2, which cannot be read here.
std::string without_http2(const std::string& protocols) {
  std::string out;
  for (auto each : list_members(protocols))
    if (!equal_ignoring_case(each, "h2c"))
      out.append(out.empty() ? "" : ", ").append(each);
  return out;
}

} // namespace

void strip_hop_by_hop(http_fields& fields, upgrades what) {
  auto about_connection = [](auto& x) { return is_about_connection(x.name); };
  if (std::ranges::none_of(fields, about_connection))
    return;
  std::string upgrade;
  if (what == upgrades::require
      || (what == upgrades::keep && fields.has_token("Connection", "upgrade")))
    upgrade = without_http2(fields.joined("Upgrade"));
  auto connection = fields.joined("Connection");
  for (auto name : list_members(connection))
    if (!is_essential(name))
      fields.erase(name);
  for (auto name : connection_fields)
    fields.erase(name);
  if (!upgrade.empty()) {
    fields.add("Connection", "Upgrade");
    fields.add("Upgrade", std::move(upgrade));
  }
}

void add_via(http_fields& fields, unsigned version,
             std::string_view pseudonym) {
  std::string value = version == 10 ? "1.0 " : "1.1 ";
  fields.add("Via", value.append(pseudonym));
}

bool via_names(const http_fields& fields, std::string_view pseudonym) {
  for (auto& field : fields) {
    if (!equal_ignoring_case(field.name, "Via"))
      continue;
    for (auto member : list_members(field.value))
      if (auto name = received_by(member);
          !name.empty() && equal_ignoring_case(name, pseudonym))
        return true;
  }
  return false;
}

} // namespace peapod

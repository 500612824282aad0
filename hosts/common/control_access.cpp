#include "hosts/common/control_access.hpp"

#include "core/address_policy.hpp"
#include "core/http_message.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace peapod {

namespace {

constexpr std::string_view scheme = "http://";
constexpr std::string_view own_name = "peapod";

bool is_port(std::string_view text) {
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() <= 5 && std::ranges::all_of(text, is_digit);
}

/// The host of `host[:port]`, in brackets if it is an IPv6 address; empty when
/// it is malformed.
std::string_view host_of(std::string_view authority) {
  auto end = authority.starts_with('[') ? authority.find(']') : 0;
  if (end == std::string_view::npos)
    return {};
  auto colon = authority.find(':', end);
  if (colon == std::string_view::npos)
    return authority;
  return is_port(authority.substr(colon + 1)) ? authority.substr(0, colon)
                                              : std::string_view{};
}

/// 127.0.0.0/8, or ::1 in brackets (RFC 3986, 3.2.2).
bool is_loopback(std::string_view host) {
  static const auto v4 = *parse_network("127.0.0.0/8");
  if (host.starts_with('[') && host.ends_with(']'))
    return parse_ip(host.substr(1, host.size() - 2)) == parse_ip("::1");
  auto ip = parse_ip(host);
  return ip && ip->is_v4() && v4.contains(*ip);
}

bool means_this_machine(std::string_view authority) {
  auto host = host_of(authority);
  return equal_ignoring_case(host, own_name)
         || equal_ignoring_case(host, "localhost") || is_loopback(host);
}

/// The authority of a target in absolute form.
std::optional<std::string_view> authority_of(std::string_view target) {
  if (!target.starts_with(scheme))
    return std::nullopt;
  target.remove_prefix(scheme.size());
  return target.substr(0, target.find_first_of("/?#"));
}

std::optional<control_refusal> check_host(const net::control_request& x) {
  auto& hosts = x.from.hosts;
  if (hosts.size() != 1)
    return control_refusal{400, "a request has one Host, as in Host: peapod"};
  auto named = authority_of(x.target);
  if (means_this_machine(hosts.front())
      && (!named || means_this_machine(*named)))
    return std::nullopt;
  return control_refusal{403, "this is not the host that was asked for: use "
                              "http://peapod, or localhost"};
}

std::optional<control_refusal> check_page(const net::control_request& x) {
  auto& from = x.from;
  auto own = std::string{scheme} + from.hosts.front();
  bool of_others = from.origin && !equal_ignoring_case(*from.origin, own);
  bool from_others = from.fetch_site && *from.fetch_site != "same-origin"
                     && *from.fetch_site != "none";
  if (!of_others && !from_others)
    return std::nullopt;
  return control_refusal{403, "web pages may not use the control socket"};
}

/// A media type without its parameters (RFC 9110, 8.3.1).
std::string_view without_parameters(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t'))
    type.remove_suffix(1);
  return type;
}

std::optional<control_refusal> check_form(const net::control_request& x) {
  // Other methods change nothing: routes know GET, HEAD and POST.
  if (x.method != "POST"
      || equal_ignoring_case(without_parameters(x.from.content_type),
                             "application/json"))
    return std::nullopt;
  return control_refusal{403, "what changes something needs Content-Type: "
                              "application/json"};
}

} // namespace

std::optional<control_refusal> check_access(const net::control_request& x) {
  for (auto* check : {check_host, check_page, check_form})
    if (auto refused = check(x))
      return refused;
  return std::nullopt;
}

} // namespace peapod

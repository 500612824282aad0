#include "core/address_policy.hpp"
#include "core/http_message.hpp"

#include <algorithm>
#include <charconv>

namespace peapod {

namespace {

constexpr size_t max_host_size = 255;

error bad_url(std::string_view what) {
  return make_error(errc::bad_http, std::string{what});
}

std::string lower_case(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_alpha_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
         || (c >= 'A' && c <= 'Z');
}

/// Letters, digits and `-._~`: the other characters of a reg-name (RFC 3986,
/// 3.2.2) occur in no name that can be resolved, only in tricks.
bool is_host_character(char c) {
  return is_alpha_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/// What a user information may hold (RFC 3986, 3.2.1). Were others let through,
/// what is a user to us could be a host to another reader: `[::1]:@a`.
bool is_userinfo_character(char c) {
  constexpr std::string_view others = "-._~!$&'()*+,;=:%";
  return is_alpha_or_digit(c) || others.find(c) != std::string_view::npos;
}

bool is_control_or_space(char c) {
  auto x = static_cast<unsigned char>(c);
  return x <= 0x20 || x == 0x7f;
}

uint16_t default_port_of(std::string_view scheme) {
  return scheme == "https" ? 443 : 80;
}

bool is_ipv6_literal(std::string_view host) {
  return host.find(':') != std::string_view::npos;
}

std::string bracketed(const std::string& host) {
  return is_ipv6_literal(host) ? '[' + host + ']' : host;
}

result<uint16_t> parse_port(std::string_view digits) {
  uint32_t port = 0;
  auto end = digits.data() + digits.size();
  auto [ptr, ec] = std::from_chars(digits.data(), end, port);
  if (digits.size() > 5 || ec != std::errc{} || ptr != end || port == 0
      || port > 65535)
    return bad_url("the port is not a number from 1 to 65535");
  return static_cast<uint16_t>(port);
}

result<std::string> parse_host(std::string_view host) {
  if (host.empty())
    return bad_url("the host is missing");
  if (host.size() > max_host_size)
    return bad_url("the host is longer than 255 characters");
  if (!std::ranges::all_of(host, is_host_character))
    return bad_url("the host has a character that no host name has");
  return lower_case(host);
}

/// The part of an authority after its host: nothing, or a colon and a port.
result<uint16_t> parse_port_part(std::string_view part, uint16_t default_port) {
  if (part.empty() && default_port != 0)
    return default_port;
  if (part.empty() || part.front() != ':')
    return bad_url("a port is required");
  // An empty port stands for the default one (RFC 3986, 3.2.3).
  if (part.size() == 1 && default_port != 0)
    return default_port;
  return parse_port(part.substr(1));
}

result<host_port> parse_bracketed(std::string_view text,
                                  uint16_t default_port) {
  auto close = text.find(']');
  if (close == std::string_view::npos)
    return bad_url("an IPv6 address is not closed by a bracket");
  auto host = text.substr(1, close - 1);
  auto address = parse_ip(host);
  if (!address || address->is_v4() || host.find('%') != std::string_view::npos)
    return bad_url("what stands in brackets is not an IPv6 address");
  auto rest = text.substr(close + 1);
  if (!rest.empty() && rest.front() != ':')
    return bad_url("there is something between the host and the port");
  auto port = parse_port_part(rest, default_port);
  if (!port)
    return port.error();
  return host_port{lower_case(host), *port};
}

/// Whether a reference begins with a scheme (RFC 3986, 3.1).
bool has_scheme(std::string_view reference) {
  auto end = reference.find_first_of(":/?#");
  if (end == 0 || end == std::string_view::npos || reference[end] != ':')
    return false;
  auto scheme = reference.substr(0, end);
  return scheme.front() > '9' // a letter, of those that may be there
         && std::ranges::all_of(scheme, [](char c) {
              return is_alpha_or_digit(c) || c == '+' || c == '-' || c == '.';
            });
}

/// A path that begins with a slash without `.` and `..` (RFC 3986, 5.2.4).
std::string without_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    auto segment = path.substr(0, path.find('/', 1));
    path.remove_prefix(segment.size());
    if (segment == "/..")
      out.erase(std::min(out.rfind('/'), out.size()));
    else if (segment != "/.")
      out += segment;
    if (path.empty() && (segment == "/." || segment == "/.."))
      out += '/';
  }
  return out;
}

/// What a relative reference without a host makes of a path and a query.
std::string resolved_target(std::string_view base, std::string_view reference) {
  auto path = base.substr(0, base.find('?'));
  if (reference.empty())
    return std::string{base};
  if (reference.starts_with('?'))
    return std::string{path}.append(reference);
  if (reference.starts_with('/'))
    return std::string{reference};
  auto folder = std::string{path.substr(0, path.rfind('/') + 1)};
  return (folder.empty() ? std::string{"/"} : folder) + std::string{reference};
}

} // namespace

std::string url::authority() const {
  auto out = bracketed(host);
  if (port != default_port_of(scheme))
    out += ':' + std::to_string(port);
  return out;
}

std::string url::text() const {
  return scheme + "://" + authority() + target;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    auto octet = from_hex(text.substr(i + 1, 2));
    if (octet.size() != 1)
      return std::nullopt;
    out += static_cast<char>(octet.front());
    i += 2;
  }
  return out;
}

result<url> parse_url(std::string_view text) {
  if (std::ranges::any_of(text, is_control_or_space))
    return bad_url("the URL has a space or a control character");
  auto colon = text.find("://");
  if (colon == std::string_view::npos)
    return bad_url("the URL is not absolute");
  url out;
  out.scheme = lower_case(text.substr(0, colon));
  if (out.scheme != "http" && out.scheme != "https")
    return bad_url("the URL's scheme is neither http nor https");
  auto rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  auto authority = rest.substr(0, rest.find_first_of("/?"));
  auto target = rest.substr(authority.size());
  // Some clients take a backslash for a slash and would see another host.
  if (authority.find('\\') != std::string_view::npos)
    return bad_url("the URL has a backslash in its authority");
  if (auto at = authority.find('@'); at != std::string_view::npos) {
    if (!std::ranges::all_of(authority.substr(0, at), is_userinfo_character))
      return bad_url("the URL has a malformed user name or password");
    out.has_userinfo = true;
    authority.remove_prefix(at + 1);
  }
  auto where = parse_host_port(authority, default_port_of(out.scheme));
  if (!where)
    return where.error();
  out.host = std::move(where->host);
  out.port = where->port;
  out.target = target.starts_with('/') ? "" : "/";
  out.target += target;
  return out;
}

result<url> resolve_reference(const url& base, std::string_view reference) {
  reference = reference.substr(0, reference.find('#'));
  std::string text{reference};
  if (reference.starts_with("//"))
    text = base.scheme + ':' + text;
  else if (!has_scheme(reference))
    text = base.origin() + resolved_target(base.target, reference);
  auto out = parse_url(text);
  if (!out)
    return out;
  auto path = out->target.substr(0, out->target.find('?'));
  out->target.replace(0, path.size(), without_dot_segments(path));
  return out;
}

result<host_port> parse_host_port(std::string_view text,
                                  uint16_t default_port) {
  if (text.starts_with('['))
    return parse_bracketed(text, default_port);
  auto name = text.substr(0, text.find(':'));
  auto host = parse_host(name);
  if (!host)
    return host.error();
  auto port = parse_port_part(text.substr(name.size()), default_port);
  if (!port)
    return port.error();
  return host_port{std::move(*host), *port};
}

std::string to_string(const host_port& x) {
  return bracketed(x.host) + ':' + std::to_string(x.port);
}

} // namespace peapod

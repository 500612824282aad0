#include "core/upstream.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace peapod {

namespace {

error bad(std::string_view what) {
  return make_error(errc::bad_config, std::string{what});
}

// -- encodings ----------------------------------------------------------------

/// Base64 with padding (RFC 4648, 4).
std::string base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    auto n = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group =
          group << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k)
      out += k <= n ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

/// Replaces each `%XX` (RFC 3986, 2.1).
std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned byte = 0;
    auto hex = text.substr(i + 1, 2);
    auto end = hex.data() + hex.size();
    auto [ptr, ec] = std::from_chars(hex.data(), end, byte, 16);
    if (hex.size() != 2 || ec != std::errc{} || ptr != end)
      return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    auto u = static_cast<unsigned char>(c);
    return u < 0x20 || u == 0x7f;
  });
}

/// The credentials of Basic authentication; a user has no colon (RFC 7617, 2).
result<std::string> authorization_for(std::string_view userinfo) {
  auto colon = userinfo.find(':');
  auto user = unescaped(userinfo.substr(0, colon));
  auto password = colon == std::string_view::npos
                      ? std::optional<std::string>{""}
                      : unescaped(userinfo.substr(colon + 1));
  if (!user || !password || has_control(*user) || has_control(*password)
      || user->find(':') != std::string::npos)
    return bad("the user name or the password is malformed");
  return "Basic " + base64(*user + ":" + *password);
}

// -- targets ------------------------------------------------------------------

/// Whether `host` is `name` or ends in `.name`.
bool is_below(std::string_view host, std::string_view name) {
  if (!host.ends_with(name))
    return false;
  auto rest = host.size() - name.size();
  return rest == 0 || host[rest - 1] == '.';
}

/// A final dot makes a name absolute and means the same here.
std::string_view without_final_dot(std::string_view host) {
  while (host.ends_with('.'))
    host.remove_suffix(1);
  return host;
}

bool is_this_machine(std::string_view host) {
  static const network loopback[] = {*parse_network("127.0.0.0/8"),
                                     *parse_network("::1")};
  if (is_below(host, "localhost"))
    return true;
  auto ip = parse_ip(host);
  return ip && std::ranges::any_of(loopback, [&](auto& x) {
           return x.contains(*ip);
         });
}

bool covers(const no_proxy_entry& entry, std::string_view host, uint16_t port) {
  if (entry.everything)
    return true;
  if (entry.port != 0 && entry.port != port)
    return false;
  auto ip = parse_ip(host);
  if (entry.nets)
    return ip && entry.nets->contains(*ip);
  return !ip && is_below(host, entry.name);
}

} // namespace

result<upstream_proxy> parse_upstream(std::string_view text) {
  constexpr std::string_view scheme = "http://";
  if (!equal_ignoring_case(text.substr(0, scheme.size()), scheme))
    return bad("it does not begin with http://");
  auto authority = text.substr(scheme.size());
  if (authority.ends_with('/'))
    authority.remove_suffix(1);
  upstream_proxy out;
  if (auto at = authority.rfind('@'); at != std::string_view::npos) {
    auto secret = authorization_for(authority.substr(0, at));
    if (!secret)
      return secret.error();
    out.authorization = std::move(*secret);
    authority.remove_prefix(at + 1);
  }
  auto where = parse_host_port(authority);
  if (!where)
    return bad(where.error().detail);
  out.host = std::move(where->host);
  out.port = where->port;
  return out;
}

result<no_proxy_entry> parse_no_proxy(std::string_view text) {
  no_proxy_entry out;
  if (text == "*") {
    out.everything = true;
    return out;
  }
  if (auto nets = parse_network(text)) {
    out.nets = *nets;
    return out;
  }
  if (text.starts_with("*."))
    text.remove_prefix(1);
  if (text.starts_with('.'))
    text.remove_prefix(1);
  // With two defaults a port that was given can be told from none.
  constexpr uint16_t none = 1, another = 2;
  auto where = parse_host_port(text, none);
  auto again = parse_host_port(text, another);
  if (!where || !again)
    return bad("neither a host nor a network");
  out.port = where->port == again->port ? where->port : uint16_t{0};
  auto name = without_final_dot(where->host);
  if (auto ip = parse_network(name))
    out.nets = *ip;
  else
    out.name = std::string{name};
  if (!out.nets && out.name.empty())
    return bad("neither a host nor a network");
  return out;
}

const upstream_proxy* upstream_route::to(std::string_view host,
                                         uint16_t port) const {
  host = without_final_dot(host);
  if (!proxy || is_this_machine(host))
    return nullptr;
  for (auto& entry : except)
    if (covers(entry, host, port))
      return nullptr;
  return &*proxy;
}

} // namespace peapod

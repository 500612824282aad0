#include "core/upstream.hpp"

#include <algorithm>
#include <array>

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

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    auto u = static_cast<unsigned char>(c);
    return u < 0x20 || u == 0x7f;
  });
}

/// The credentials of Basic authentication; a user has no colon (RFC 7617, 2).
result<std::string> authorization_for(std::string_view userinfo) {
  auto colon = userinfo.find(':');
  auto user = percent_decoded(userinfo.substr(0, colon));
  auto password = colon == std::string_view::npos
                      ? std::optional<std::string>{""}
                      : percent_decoded(userinfo.substr(colon + 1));
  if (!user || !password || has_control(*user) || has_control(*password)
      || user->find(':') != std::string::npos)
    return bad("the user name or the password is malformed");
  return "Basic " + base64(*user + ":" + *password);
}

// -- targets ------------------------------------------------------------------

bool is_this_machine(std::string_view host) {
  static const network loopback[] = {*parse_network("127.0.0.0/8"),
                                     *parse_network("::1")};
  if (is_at_or_below(host, "localhost"))
    return true;
  auto ip = parse_ip(host);
  return ip && std::ranges::any_of(loopback, [&](auto& x) {
           return x.contains(*ip);
         });
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

const upstream_proxy* upstream_route::to(std::string_view host,
                                         uint16_t port) const {
  if (!proxy || (!always && is_this_machine(without_final_dots(host)))
      || covers(except, host, port))
    return nullptr;
  return &*proxy;
}

} // namespace peapod

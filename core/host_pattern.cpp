#include "core/host_pattern.hpp"

#include "core/http_message.hpp"

#include <algorithm>

namespace peapod {

namespace {

error meaningless() {
  return make_error(errc::bad_config, "neither a host nor a network");
}

} // namespace

bool is_at_or_below(std::string_view host, std::string_view name) {
  if (!host.ends_with(name))
    return false;
  auto rest = host.size() - name.size();
  return rest == 0 || host[rest - 1] == '.';
}

std::string_view without_final_dots(std::string_view host) {
  while (host.ends_with('.'))
    host.remove_suffix(1);
  return host;
}

bool host_pattern::covers(std::string_view host, uint16_t at) const {
  if (everything)
    return true;
  if (port != 0 && port != at)
    return false;
  host = without_final_dots(host);
  auto ip = parse_ip(host);
  if (nets)
    return ip && nets->contains(*ip);
  return !ip && is_at_or_below(host, name);
}

bool covers(const std::vector<host_pattern>& list, std::string_view host,
            uint16_t port) {
  return std::ranges::any_of(list,
                             [&](auto& x) { return x.covers(host, port); });
}

result<host_pattern> parse_host_pattern(std::string_view text) {
  host_pattern out;
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
    return meaningless();
  out.port = where->port == again->port ? where->port : uint16_t{0};
  auto name = without_final_dots(where->host);
  if (auto ip = parse_network(name))
    out.nets = *ip;
  else
    out.name = std::string{name};
  if (!out.nets && out.name.empty())
    return meaningless();
  return out;
}

} // namespace peapod

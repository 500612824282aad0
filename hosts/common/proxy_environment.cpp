#include "hosts/common/proxy_environment.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace peapod {

namespace {

/// Hosts that are not asked for through the proxy. Not every program knows
/// networks in this list; what it does not know it ignores.
constexpr std::string_view direct_hosts =
    "localhost,.localhost,.local,127.0.0.1,127.0.0.0/8,::1,10.0.0.0/8,"
    "172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,fc00::/7,fe80::/10";

constexpr std::array names{"http_proxy", "https_proxy", "no_proxy"};

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) {
    return static_cast<char>(std::toupper(c));
  });
  return text;
}

template <class Write>
std::string for_each_name(Write write) {
  std::string out;
  for (std::string name : names)
    out += write(name) + "\n" + write(upper(name)) + "\n";
  return out;
}

} // namespace

std::optional<shell_kind> parse_shell(std::string_view name) {
  auto slash = name.rfind('/');
  if (slash != std::string_view::npos)
    name = name.substr(slash + 1);
  if (name == "fish")
    return shell_kind::fish;
  constexpr std::array posix{"sh", "bash", "zsh", "dash", "ksh", "mksh", "ash"};
  if (std::ranges::find(posix, name) != posix.end())
    return shell_kind::posix;
  return std::nullopt;
}

std::string quoted(shell_kind shell, std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (shell == shell_kind::fish && (c == '\'' || c == '\\'))
      out += '\\';
    if (shell == shell_kind::posix && c == '\'')
      out += "'\\'";
    out += c;
  }
  return out + "'";
}

std::string proxy_exports(shell_kind shell, std::string_view url) {
  return for_each_name([&](const std::string& name) {
    auto direct = name == "no_proxy" || name == "NO_PROXY";
    auto value = quoted(shell, direct ? direct_hosts : url);
    return shell == shell_kind::fish ? "set -gx " + name + " " + value + ";"
                                     : "export " + name + "=" + value + ";";
  });
}

std::string proxy_unsets(shell_kind shell) {
  return for_each_name([&](const std::string& name) {
    return (shell == shell_kind::fish ? "set -e " : "unset ") + name + ";";
  });
}

} // namespace peapod

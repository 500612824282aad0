#include "hosts/common/config_keys.hpp"

#include "hosts/common/size_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace peapod {

namespace {

using namespace std::chrono_literals;
using value = caf::config_value;

/// The default port of `[transport] listen`, for peers given without one.
constexpr uint16_t transport_port = 45679;
constexpr uint16_t stun_port = 3478;

// -- reading one value --------------------------------------------------------

std::optional<std::string> read_text(const value& x) {
  if (auto* text = caf::get_if<std::string>(&x))
    return *text;
  return std::nullopt;
}

/// Text that neither is empty nor could break a log line or a path.
std::optional<std::string> read_plain(const value& x) {
  auto text = read_text(x);
  auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (!text || text->empty()
      || std::any_of(text->begin(), text->end(), control))
    return std::nullopt;
  return text;
}

std::optional<std::string> read_name(const value& x) {
  auto text = read_plain(x);
  return text && text->size() <= 32 ? text : std::nullopt;
}

std::optional<std::filesystem::path> read_path(const value& x) {
  auto text = read_plain(x);
  return text ? std::optional<std::filesystem::path>{*text} : std::nullopt;
}

std::optional<bool> read_flag(const value& x) {
  if (auto* flag = caf::get_if<bool>(&x))
    return *flag;
  return std::nullopt;
}

std::optional<uint16_t> read_port(const value& x) {
  auto* number = caf::get_if<value::integer>(&x);
  if (number == nullptr || *number < 1 || *number > 65535)
    return std::nullopt;
  return static_cast<uint16_t>(*number);
}

std::optional<size_t> read_count(const value& x) {
  auto* number = caf::get_if<value::integer>(&x);
  if (number == nullptr || *number < 1 || *number > 65536)
    return std::nullopt;
  return static_cast<size_t>(*number);
}

/// As `read_count`, or 0 for none.
std::optional<size_t> read_count_or_none(const value& x) {
  auto* number = caf::get_if<value::integer>(&x);
  return number != nullptr && *number == 0 ? size_t{0} : read_count(x);
}

std::optional<unsigned> read_percent(const value& x) {
  auto* number = caf::get_if<value::integer>(&x);
  if (number == nullptr || *number < 0 || *number > 100)
    return std::nullopt;
  return static_cast<unsigned>(*number);
}

/// A name, or `""` for none.
std::optional<std::string> read_optional_name(const value& x) {
  return read_text(x) == std::string{} ? std::string{} : read_name(x);
}

/// A path may be given as `""`, which means none.
std::optional<std::filesystem::path> read_optional_path(const value& x) {
  if (read_text(x) == std::string{})
    return std::filesystem::path{};
  return read_path(x);
}

template <uint64_t Min, uint64_t Max>
std::optional<uint64_t> read_size(const value& x) {
  auto text = read_text(x);
  auto size = text ? parse_size(*text) : std::nullopt;
  return size && *size >= Min && *size <= Max ? size : std::nullopt;
}

std::optional<uint64_t> read_quota(const value& x) {
  auto text = read_text(x);
  return text ? parse_size(*text) : std::nullopt;
}

std::optional<uint64_t> read_rate(const value& x) {
  auto text = read_text(x);
  return text ? parse_rate(*text) : std::nullopt;
}

std::optional<duration> read_span(const value& x, duration low, duration high) {
  auto* span = caf::get_if<caf::timespan>(&x);
  if (span == nullptr || *span < low || *span > high)
    return std::nullopt;
  return std::chrono::duration_cast<duration>(*span);
}

std::optional<duration> read_interval(const value& x) {
  return read_span(x, 100ms, 60s);
}

std::optional<duration> read_hang_limit(const value& x) {
  return read_span(x, 1s, 1h);
}

std::optional<duration> read_tunnel_idle(const value& x) {
  return read_span(x, 1s, 24h);
}

std::optional<duration> read_tunnel_total(const value& x) {
  return read_span(x, 1s, 24h * 365);
}

/// `a.b.c.d:port`, `[v6]:port`, or an address alone when there is a default.
std::optional<endpoint> parse_endpoint(std::string_view text,
                                       std::optional<uint16_t> default_port) {
  auto make = [](std::string_view host, uint16_t port) {
    auto known = parse_ip(host).has_value();
    return known ? std::optional<endpoint>{{std::string{host}, port}}
                 : std::nullopt;
  };
  if (default_port)
    if (auto bare = make(text, *default_port))
      return bare;
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  auto host = text.substr(0, colon);
  auto digits = text.substr(colon + 1);
  auto bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  if (bracketed != (host.find(':') != std::string_view::npos))
    return std::nullopt;
  uint16_t port = 0;
  auto* end = digits.data() + digits.size();
  auto [rest, ec] = std::from_chars(digits.data(), end, port);
  if (ec != std::errc{} || rest != end)
    return std::nullopt;
  return make(host, port);
}

std::optional<endpoint> read_listen(const value& x) {
  auto text = read_text(x);
  return text ? parse_endpoint(*text, std::nullopt) : std::nullopt;
}

/// `address:port` or an address alone, perhaps behind `ID@`.
std::optional<static_peer> read_peer(const value& x) {
  auto text = read_text(x);
  if (!text)
    return std::nullopt;
  static_peer out;
  std::string_view place = *text;
  if (auto at = place.find('@'); at != std::string_view::npos) {
    auto bytes = from_hex(place.substr(0, at));
    if (bytes.size() != device_id::size)
      return std::nullopt;
    out.id = device_id::from(bytes);
    place.remove_prefix(at + 1);
  }
  auto found = parse_endpoint(place, transport_port);
  if (!found || found->port == 0)
    return std::nullopt;
  out.at = std::move(*found);
  return out;
}

/// The name of an interface, in which `*` stands for any text. Linux allows
/// 15 bytes without spaces and slashes.
std::optional<std::string> read_interface_pattern(const value& x) {
  auto text = read_plain(x);
  auto fits = text && text->size() <= 32
              && text->find_first_of(" /") == std::string::npos;
  return fits ? text : std::nullopt;
}

std::optional<network> read_network(const value& x) {
  auto text = read_text(x);
  if (!text)
    return std::nullopt;
  auto parsed = parse_network(*text);
  return parsed ? std::optional<network>{*parsed} : std::nullopt;
}

/// `""` is none.
std::optional<std::optional<upstream_proxy>> read_upstream(const value& x) {
  auto text = read_text(x);
  if (!text)
    return std::nullopt;
  if (text->empty())
    return std::optional<upstream_proxy>{};
  auto parsed = parse_upstream(*text);
  if (!parsed)
    return std::nullopt;
  return std::optional<upstream_proxy>{*parsed};
}

/// `""` is none.
std::optional<std::optional<host_port>> read_stun(const value& x) {
  auto text = read_text(x);
  if (!text)
    return std::nullopt;
  if (text->empty())
    return std::optional<host_port>{};
  auto parsed = parse_host_port(*text, stun_port);
  if (!parsed)
    return std::nullopt;
  return std::optional<host_port>{*parsed};
}

std::optional<host_pattern> read_host_pattern(const value& x) {
  auto text = read_text(x);
  if (!text)
    return std::nullopt;
  auto parsed = parse_host_pattern(*text);
  return parsed ? std::optional<host_pattern>{*parsed} : std::nullopt;
}

std::optional<device_id> read_device(const value& x) {
  auto text = read_text(x);
  auto bytes = text ? from_hex(*text) : std::vector<uint8_t>{};
  return bytes.size() == device_id::size ? std::optional{device_id::from(bytes)}
                                         : std::nullopt;
}

/// Whether something goes on that is paused by default.
std::optional<bool> read_pause(const value& x) {
  auto text = read_text(x);
  return text == "share"   ? std::optional{true}
         : text == "pause" ? std::optional{false}
                           : std::nullopt;
}

std::optional<duration> read_dns_lifetime(const value& x) {
  return read_span(x, 0s, 1h);
}

std::optional<std::string> read_group(const value& x) {
  auto text = read_text(x);
  auto ip = text ? parse_ip(*text) : std::nullopt;
  auto multicast = ip && ip->is_v4() && (ip->bytes()[0] & 0xf0) == 0xe0;
  return multicast ? text : std::nullopt;
}

std::optional<trust_mode> read_trust_mode(const value& x) {
  using enum trust_mode;
  auto text = read_text(x);
  for (auto mode : {ask, secret, open})
    if (text == to_string(mode))
      return mode;
  return std::nullopt;
}

std::optional<device_id> read_device_id(const value& x) {
  auto bytes = from_hex(read_text(x).value_or(""));
  if (bytes.size() != device_id::size)
    return std::nullopt;
  return device_id::from(bytes);
}

std::optional<tunnel_mode> read_tunnel_mode(const value& x) {
  auto text = read_text(x);
  return text == "off"      ? std::optional{tunnel_mode::off}
         : text == "sticky" ? std::optional{tunnel_mode::sticky}
         : text == "spread" ? std::optional{tunnel_mode::spread}
                            : std::nullopt;
}

std::optional<severity> read_level(const value& x) {
  constexpr std::array<std::pair<std::string_view, severity>, 6> levels{{
      {"trace", severity::trace},
      {"debug", severity::debug},
      {"info", severity::info},
      {"warn", severity::warn},
      {"error", severity::error},
      {"off", severity::off},
  }};
  auto text = read_text(x);
  for (auto& [name, level] : levels)
    if (text == name)
      return level;
  return std::nullopt;
}

// -- the table ----------------------------------------------------------------

/// A key that holds one value: `read` understands it, `member` is its place.
template <class Read, class Member>
config_key single(std::string_view name, value_kind kind,
                  std::string_view expected, Read read, Member member) {
  return {name, kind, expected, [=](settings& s, const value& x) {
            auto parsed = read(x);
            if (parsed)
              member(s) = std::move(*parsed);
            return parsed.has_value();
          }};
}

/// A key that holds a list, each element of which `read` understands.
template <class Read, class Member>
config_key list(std::string_view name, value_kind kind,
                std::string_view expected, Read read, Member member) {
  return {name, kind, expected, [=](settings& s, const value& x) {
            auto* elements = caf::get_if<value::list>(&x);
            if (elements == nullptr)
              return false;
            std::remove_reference_t<decltype(member(s))> out;
            for (auto& element : *elements) {
              auto parsed = read(element);
              if (!parsed)
                return false;
              out.push_back(std::move(*parsed));
            }
            member(s) = std::move(out);
            return true;
          }};
}

#define PEAPOD_MEMBER(x)                                                       \
  [](settings & s) -> auto& {                                                  \
    return s.x;                                                                \
  }

constexpr auto flag_words = "true or false";
constexpr auto hosts_words =
    "a list of hosts, domains, addresses and networks such as "
    "[\"intranet.example\", \".corp.example:8080\", \"10.0.0.0/8\"]";
constexpr auto quota_words = "a size such as \"5GB\", or \"0\" for no bound";
constexpr auto pause_words = "\"pause\" or \"share\"";
constexpr auto networks_words =
    "a list of networks such as [\"10.0.0.0/8\", \"fd00::/8\"]";
constexpr auto interfaces_words =
    "a list of interface names or addresses such as [\"eth0\"]";

std::vector<config_key> make_keys() {
  using enum value_kind;
  std::vector<config_key> out{
      single("pod.name", text, "a text of 1 to 32 bytes", read_name,
             PEAPOD_MEMBER(pod.name)),
      single("pod.state-dir", text, "a folder such as \"/var/lib/peapod\"",
             read_path, PEAPOD_MEMBER(pod.state_dir)),
      single("proxy.listen", text,
             "an IP address and a port such as \"127.0.0.1:3128\"", read_listen,
             PEAPOD_MEMBER(proxy.listen)),
      list("proxy.allow", text_list, networks_words, read_network,
           PEAPOD_MEMBER(proxy.allow)),
      single("proxy.system", other, flag_words, read_flag,
             PEAPOD_MEMBER(proxy.system)),
      single("proxy.max-clients", other,
             "a number from 1 to 65536 such as 1024", read_count,
             PEAPOD_MEMBER(proxy.max_clients)),
      single("proxy.max-tunnels", other,
             "a number from 1 to 65536 such as 1024", read_count,
             PEAPOD_MEMBER(proxy.max_tunnels)),
      single("proxy.max-header", text,
             "a size from \"4KiB\" to \"64KiB\" such as \"64KiB\"",
             read_size<4_KiB, 64_KiB>, PEAPOD_MEMBER(proxy.max_header)),
      single("proxy.tunnel-idle", other,
             "a duration from 1s to 24h such as 10min", read_tunnel_idle,
             PEAPOD_MEMBER(proxy.tunnel_idle)),
      single("proxy.tunnel-total", other,
             "a duration from 1s to 8760h such as 24h", read_tunnel_total,
             PEAPOD_MEMBER(proxy.tunnel_total)),
      single("discovery.enabled", other, flag_words, read_flag,
             PEAPOD_MEMBER(discovery.enabled)),
      single("discovery.group", text,
             "an IPv4 multicast address such as \"239.255.60.60\"", read_group,
             PEAPOD_MEMBER(discovery.group)),
      single("discovery.port", other, "a port from 1 to 65535", read_port,
             PEAPOD_MEMBER(discovery.port)),
      single("discovery.interval", other,
             "a duration from 100ms to 60s such as 4s", read_interval,
             PEAPOD_MEMBER(discovery.interval)),
      list("discovery.interfaces", text_list, interfaces_words, read_plain,
           PEAPOD_MEMBER(discovery.interfaces)),
      list("discovery.exclude", text_list,
           "a list of interface names, * for any text, such as [\"docker*\"]",
           read_interface_pattern, PEAPOD_MEMBER(discovery.exclude)),
      list("discovery.static-peers", text_list,
           "a list of IP addresses, with or without a port, perhaps behind the "
           "id (32 hexadecimal digits) of the only device that may answer, "
           "such as [\"10.0.0.2\", \"10.0.0.3:45679\", \"ID@10.0.0.4\"]",
           read_peer, PEAPOD_MEMBER(discovery.static_peers)),
      single("transport.listen", text,
             "an IP address and a port such as \"[::]:45679\"", read_listen,
             PEAPOD_MEMBER(transport.listen)),
      single("transport.legacy", other, flag_words, read_flag,
             PEAPOD_MEMBER(transport.legacy)),
      single("pool.enabled", other, flag_words, read_flag,
             PEAPOD_MEMBER(pool.enabled)),
      single("pool.min-size", text,
             "a size from \"1B\" to \"1TiB\" such as \"1MiB\"",
             read_size<1, 1ull << 40>, PEAPOD_MEMBER(pool.min_size)),
      single("pool.chunk-size", text,
             "a size from \"16KiB\" to \"8MiB\" such as \"256KiB\"",
             read_size<16_KiB, 8_MiB>, PEAPOD_MEMBER(pool.chunk_size)),
      single("pool.memory", text,
             "a size from \"4MiB\" to \"64GiB\" such as \"64MiB\"",
             read_size<4_MiB, 64ull << 30>, PEAPOD_MEMBER(pool.memory)),
      single("pool.audit", other, "a number of percent from 0 to 100 such as 2",
             read_percent, PEAPOD_MEMBER(pool.audit)),
      list("pool.never-hosts", text_list, hosts_words, read_host_pattern,
           PEAPOD_MEMBER(pool.never_hosts)),
      single("pool.share-credentials", other, flag_words, read_flag,
             PEAPOD_MEMBER(pool.share_credentials)),
      single("share.enabled", other, flag_words, read_flag,
             PEAPOD_MEMBER(share.enabled)),
      list("share.allow-private", text_list, networks_words, read_network,
           PEAPOD_MEMBER(share.allow_private)),
      list("share.ports", number_list,
           "a list of ports from 1 to 65535 such as [80, 443]", read_port,
           PEAPOD_MEMBER(share.ports)),
      single("share.max-rate", text,
             "a rate such as \"10Mbit/s\" or \"1MiB/s\", or \"0\" for no limit",
             read_rate, PEAPOD_MEMBER(share.max_rate)),
      single("share.own-first", other, flag_words, read_flag,
             PEAPOD_MEMBER(share.own_first)),
      single("share.per-day", text, quota_words, read_quota,
             PEAPOD_MEMBER(share.per_day)),
      single("share.per-month", text, quota_words, read_quota,
             PEAPOD_MEMBER(share.per_month)),
      list("share.never-hosts", text_list, hosts_words, read_host_pattern,
           PEAPOD_MEMBER(share.never_hosts)),
      list("share.never-peers", text_list,
           "a list of device ids of 32 hexadecimal digits, as peapod peers "
           "shows them",
           read_device, PEAPOD_MEMBER(share.never_peers)),
      single("share.when-metered", text, pause_words, read_pause,
             PEAPOD_MEMBER(share.when_metered)),
      single("share.on-battery", text, pause_words, read_pause,
             PEAPOD_MEMBER(share.on_battery)),
      single("share.min-battery", other, "a percentage from 0 to 100",
             read_percent, PEAPOD_MEMBER(share.min_battery)),
      single("share.tunnels", other, "a number from 0 (none) to 65536",
             read_count_or_none, PEAPOD_MEMBER(share.tunnels)),
      single("tunnels.mode", text, "\"off\", \"sticky\" or \"spread\"",
             read_tunnel_mode, PEAPOD_MEMBER(tunnels.mode)),
      list("tunnels.home-hosts", text_list, hosts_words, read_host_pattern,
           PEAPOD_MEMBER(tunnels.home_hosts)),
      list("tunnels.ports", number_list,
           "a list of ports from 1 to 65535 such as [443]", read_port,
           PEAPOD_MEMBER(tunnels.ports)),
      single("tunnels.plain", other, flag_words, read_flag,
             PEAPOD_MEMBER(tunnels.plain)),
      list("wan.bind", text_list, interfaces_words, read_plain,
           PEAPOD_MEMBER(wan.bind)),
      list("wan.weights", number_list,
           "a list of numbers from 1 to 65536 such as [100, 20]", read_count,
           PEAPOD_MEMBER(wan.weights)),
      single("wan.upstream", text,
             "an HTTP proxy such as \"http://proxy.example:3128\" or "
             "\"http://user:password@10.0.0.1:8080\" (write %40 for @ and %3A "
             "for : in user and password), or \"\" for none",
             read_upstream, PEAPOD_MEMBER(wan.upstream.proxy)),
      list("wan.no-proxy", text_list, hosts_words, read_host_pattern,
           PEAPOD_MEMBER(wan.upstream.except)),
      single("wan.dns-cache", other,
             "a duration from 0s (keep nothing) to 60min such as 30s",
             read_dns_lifetime, PEAPOD_MEMBER(wan.dns_cache)),
      single("egress.stun", text,
             "a STUN server such as \"stun.example\" or "
             "\"stun.example:3478\", or \"\" for none",
             read_stun, PEAPOD_MEMBER(egress.stun)),
      single("console.socket", text,
             "a path such as \"/run/peapod/control.sock\"", read_path,
             PEAPOD_MEMBER(console.socket)),
      single("console.group", text,
             "the name of a group such as \"peapod\", or \"\" for none",
             read_optional_name, PEAPOD_MEMBER(console.group)),
      single("console.pod-view", other, flag_words, read_flag,
             PEAPOD_MEMBER(console.pod_view)),
      single("debug.fault-injection", other, flag_words, read_flag,
             PEAPOD_MEMBER(debug.fault_injection)),
      single("debug.hang-limit", other, "a duration from 1s to 60min",
             read_hang_limit, PEAPOD_MEMBER(debug.hang_limit)),
      single("process.seccomp", other, flag_words, read_flag,
             PEAPOD_MEMBER(process.seccomp)),
      single("trust.mode", text, "\"ask\", \"secret\" or \"open\"",
             read_trust_mode, PEAPOD_MEMBER(trust.mode)),
      single("trust.secret-file", text, "a file such as \"/etc/peapod/secret\"",
             read_path, PEAPOD_MEMBER(trust.secret_file)),
      list("trust.legacy-devices", text_list,
           "a list of device ids, 32 hexadecimal digits each, as peapod peers "
           "--json prints them",
           read_device_id, PEAPOD_MEMBER(trust.legacy_devices)),
      single("log.level", text,
             "\"trace\", \"debug\", \"info\", \"warn\", \"error\" or \"off\"",
             read_level, PEAPOD_MEMBER(log.level)),
      single(
          "log.file", text,
          "a file such as \"/var/log/peapod.log\", or \"\" for standard error",
          read_optional_path, PEAPOD_MEMBER(log.file)),
  };
  std::sort(out.begin(), out.end(),
            [](auto& x, auto& y) { return x.name < y.name; });
  return out;
}

#undef PEAPOD_MEMBER

} // namespace

std::span<const config_key> config_keys() {
  static const auto keys = make_keys();
  return keys;
}

} // namespace peapod

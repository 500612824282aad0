#include "hosts/net/discovery_choice.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace peapod::net {

namespace {

bool is_loopback_text(const std::string& address) {
  static const auto loopback = *parse_network("127.0.0.0/8");
  auto ip = parse_ip(address);
  return ip && ip->is_v4() && loopback.contains(*ip);
}

bool is_v4(const network_interface& x) {
  return x.address.find(':') == std::string::npos;
}

/// Whether `address` is one of `interface`; the loopback interface has all of
/// 127.0.0.0/8.
bool owns(const network_interface& interface, const std::string& address) {
  return interface.address == address || address_with_zone(interface) == address
         || (interface.loopback && is_v4(interface)
             && is_loopback_text(address));
}

/// The entry of `listed` that means `interface`.
const std::string* find_listed(const network_interface& interface,
                               const std::vector<std::string>& listed) {
  for (auto& entry : listed)
    if (entry == interface.name || owns(interface, entry))
      return &entry;
  return nullptr;
}

bool is_excluded(const network_interface& interface,
                 const std::vector<std::string>& patterns) {
  return std::ranges::any_of(
      patterns, [&](auto& x) { return matches_pattern(x, interface.name); });
}

/// The network that an address belongs to: its prefix without the rest.
std::optional<network> network_of(const std::string& address, unsigned length) {
  auto ip = parse_ip(address);
  if (!ip || length > 8 * ip->bytes().size())
    return std::nullopt;
  auto cut = [length](auto bytes) {
    for (unsigned bit = length; bit < 8 * bytes.size(); ++bit)
      bytes[bit / 8] &= static_cast<uint8_t>(~(0x80 >> bit % 8));
    return ip_address{bytes};
  };
  std::array<uint8_t, 4> v4{};
  std::array<uint8_t, 16> v6{};
  std::ranges::copy(ip->bytes(), ip->is_v4() ? v4.data() : v6.data());
  return network{ip->is_v4() ? cut(v4) : cut(v6), length};
}

/// The first and the last address of an IPv4 network are nobody's, unless it
/// has no others (RFC 3021).
bool is_nobodys(const ip_address& x, const network& in) {
  if (!x.is_v4() || in.length > 30)
    return false;
  uint32_t value = 0;
  for (auto byte : x.bytes())
    value = value << 8 | byte;
  auto hosts = uint32_t{0xffffffff} >> in.length;
  return (value & hosts) == 0 || (value & hosts) == hosts;
}

} // namespace

std::optional<std::string> discovery_source(const network_interface& interface,
                                            const discovery_config& config) {
  if (!interface.up || !(interface.multicast || interface.loopback))
    return std::nullopt;
  auto v4 = is_v4(interface);
  if (!v4 && !is_link_local(interface))
    return std::nullopt;
  auto* listed = find_listed(interface, config.interfaces);
  if (listed == nullptr
      && (!config.interfaces.empty() || interface.loopback
          || is_excluded(interface, config.exclude)))
    return std::nullopt;
  auto& own = config.listen.address;
  if (own == "0.0.0.0" && !v4)
    return std::nullopt;
  if (!own.empty() && own != "0.0.0.0" && own != "::")
    return owns(interface, own) ? std::optional{own} : std::nullopt;
  if (listed != nullptr && *listed != interface.name)
    return *listed;
  return address_with_zone(interface);
}

bool matches_pattern(std::string_view pattern, std::string_view name) {
  auto star = pattern.find('*');
  if (star == std::string_view::npos)
    return pattern == name;
  if (!name.starts_with(pattern.substr(0, star)))
    return false;
  name.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  // Each further piece at its first place leaves most for those behind it.
  while ((star = pattern.find('*')) != std::string_view::npos) {
    auto piece = pattern.substr(0, star);
    auto found = name.find(piece);
    if (found == std::string_view::npos)
      return false;
    name.remove_prefix(found + piece.size());
    pattern.remove_prefix(star + 1);
  }
  return name.ends_with(pattern);
}

bool may_be_near(const std::string& address,
                 std::span<const network_interface> all) {
  auto ip = parse_ip(address);
  return ip && (!is_public(*ip) || std::ranges::any_of(all, [&](auto& x) {
           auto found = network_of(x.address, x.prefix_length);
           return found && found->length > 0 && found->contains(*ip);
         }));
}

link::link(unsigned index, std::span<const network_interface> all) {
  for (auto& x : all) {
    if (x.index != index || (!is_v4(x) && !is_link_local(x)))
      continue;
    zone_ = x.name;
    auto& reached = x.peer.empty() ? x.address : x.peer;
    if (auto found = network_of(reached, x.prefix_length))
      networks_.push_back(*found);
  }
}

bool link::has(const std::string& source) const {
  auto ip = parse_ip(source);
  auto percent = source.find('%');
  auto zone = percent == std::string::npos ? zone_ : source.substr(percent + 1);
  return ip && zone == zone_ && std::ranges::any_of(networks_, [&](auto& x) {
           return x.contains(*ip) && !is_nobodys(*ip, x);
         });
}

} // namespace peapod::net

#pragma once

#include "core/error.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace peapod {

/// An IPv4 or IPv6 address as bytes in network order.
class ip_address {
public:
  ip_address() = default;

  /// An IPv4 address.
  explicit ip_address(std::array<uint8_t, 4> bytes);

  /// An IPv6 address.
  explicit ip_address(std::array<uint8_t, 16> bytes);

  bool is_v4() const {
    return size_ == 4;
  }

  /// 4 or 16 bytes.
  std::span<const uint8_t> bytes() const {
    return {bytes_.data(), size_};
  }

  /// The IPv4 address inside an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2),
  /// else the address itself.
  ip_address unmapped() const;

  auto operator<=>(const ip_address&) const = default;

private:
  std::array<uint8_t, 16> bytes_{};
  size_t size_ = 4;
};

/// Parses `a.b.c.d` (decimal, no leading zeros) or an IPv6 address (RFC 4291,
/// 2.2) without brackets. A `%zone` is accepted and dropped. Nothing for any
/// other text, host names included.
std::optional<ip_address> parse_ip(std::string_view text);

/// The addresses that share a prefix.
struct network {
  ip_address prefix;
  unsigned length = 0; ///< bits of the prefix that count

  bool operator==(const network&) const = default;

  /// Whether `address` has the prefix. An IPv4-mapped address counts as the
  /// IPv4 address inside it.
  bool contains(const ip_address& address) const;
};

/// Parses `10.0.0.0/8`, `fd00::/8`, or a single address. Errors: `bad_config`,
/// also when bits behind the prefix are set.
result<network> parse_network(std::string_view text);

/// Whether an address is reachable from anywhere on the internet, by the IANA
/// special-purpose address registries (RFC 6890). Addresses that have an IPv4
/// address embedded (mapped, compatible, 6to4, NAT64) count as that address.
/// Addresses where clouds answer with credentials of the machine never count.
bool is_public(const ip_address& address);

/// What this device fetches for its peers. The default is the public internet
/// on the ports of HTTP and HTTPS.
struct exit_policy {
  /// Not public, yet allowed by the user.
  std::vector<network> allow_private;
  /// Ports that may be dialled; none when empty.
  std::vector<uint16_t> ports{80, 443};

  /// Whether `port` at `address`, an IP address in text as it will be dialled,
  /// may be fetched for a peer. `own_addresses` are those of this device's
  /// interfaces: they are refused even when they are public, because what
  /// listens there may trust this device. Loopback addresses are a matter of
  /// `allow_private` alone. Errors: `policy_refused`.
  result<void> check(std::string_view address, uint16_t port,
                     std::span<const std::string> own_addresses) const;
};

} // namespace peapod

#include "core/address_policy.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>

namespace peapod {

namespace {

using v4_bytes = std::array<uint8_t, 4>;
using v6_bytes = std::array<uint8_t, 16>;

// -- text ---------------------------------------------------------------------

std::optional<unsigned> parse_decimal(std::string_view text, unsigned max) {
  unsigned out = 0;
  auto end = text.data() + text.size();
  auto [ptr, ec] = std::from_chars(text.data(), end, out);
  auto leading_zero = text.size() > 1 && text.front() == '0';
  if (ec != std::errc{} || ptr != end || leading_zero || out > max)
    return std::nullopt;
  return out;
}

std::optional<v4_bytes> parse_v4(std::string_view text) {
  v4_bytes out;
  for (size_t i = 0; i < out.size(); ++i) {
    auto dot = i + 1 < out.size() ? text.find('.') : text.size();
    if (dot == std::string_view::npos)
      return std::nullopt;
    auto octet = parse_decimal(text.substr(0, dot), 255);
    if (!octet)
      return std::nullopt;
    out[i] = static_cast<uint8_t>(*octet);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return out;
}

/// Appends one colon separated group; the last one may be an IPv4 address.
bool append_group(std::string_view group, bool last,
                  std::vector<uint8_t>& out) {
  if (last && group.find('.') != std::string_view::npos) {
    auto v4 = parse_v4(group);
    if (v4)
      out.insert(out.end(), v4->begin(), v4->end());
    return v4.has_value();
  }
  unsigned value = 0;
  auto end = group.data() + group.size();
  auto [ptr, ec] = std::from_chars(group.data(), end, value, 16);
  if (ec != std::errc{} || ptr != end || group.size() > 4)
    return false;
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
  return true;
}

/// The bytes of groups without `::`; empty text has none.
std::optional<std::vector<uint8_t>> parse_groups(std::string_view text,
                                                 bool may_end_in_v4) {
  std::vector<uint8_t> out;
  if (text.empty())
    return out;
  while (true) {
    auto colon = text.find(':');
    auto last = colon == std::string_view::npos;
    if (out.size() > 16
        || !append_group(text.substr(0, colon), last && may_end_in_v4, out))
      return std::nullopt;
    if (last)
      return out;
    text.remove_prefix(colon + 1);
  }
}

std::optional<v6_bytes> parse_v6(std::string_view text) {
  v6_bytes out{};
  auto gap = text.find("::");
  auto has_gap = gap != std::string_view::npos;
  auto head = parse_groups(text.substr(0, gap), !has_gap);
  auto tail = parse_groups(has_gap ? text.substr(gap + 2) : "", true);
  if (!head || !tail)
    return std::nullopt;
  auto size = head->size() + tail->size();
  // The gap stands for at least one group (RFC 4291, 2.2).
  if (has_gap ? size > 14 : size != 16)
    return std::nullopt;
  std::ranges::copy(*head, out.begin());
  std::ranges::copy_backward(*tail, out.end());
  return out;
}

// -- special ranges -----------------------------------------------------------

struct v4_range {
  v4_bytes prefix;
  unsigned length;
};

struct v6_range {
  v6_bytes prefix;
  unsigned length;
};

/// IANA IPv4 Special-Purpose Address Registry, multicast and class E.
constexpr v4_range special_v4[] = {
    {{0, 0, 0, 0}, 8},      {{10, 0, 0, 0}, 8},     {{100, 64, 0, 0}, 10},
    {{127, 0, 0, 0}, 8},    {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12},
    {{192, 0, 0, 0}, 24},   {{192, 0, 2, 0}, 24},   {{192, 88, 99, 0}, 24},
    {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15},  {{198, 51, 100, 0}, 24},
    {{203, 0, 113, 0}, 24}, {{224, 0, 0, 0}, 4},    {{240, 0, 0, 0}, 4},
};

/// The part of the IPv6 registry that lies inside global unicast: protocol
/// assignments with Teredo, and documentation.
constexpr v6_range special_v6[] = {
    {{0x20, 0x01}, 23},
    {{0x20, 0x01, 0x0d, 0xb8}, 32},
    {{0x3f, 0xff}, 20},
};

constexpr v6_range global_unicast_v6 = {{0x20}, 3};

/// Prefixes in front of an embedded IPv4 address, and where it starts.
struct embedding {
  v6_range range;
  size_t offset;
};

constexpr embedding embeddings[] = {
    {{{}, 96}, 12},                                         // compatible
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12}, // mapped
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12},       // translated
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},                   // NAT64
    {{{0x20, 0x02}, 16}, 2},                                // 6to4
};

/// Where clouds hand a machine its credentials: the link-local address of most
/// of them, Azure's, Alibaba's and Oracle's.
constexpr v4_bytes metadata_v4[] = {
    {169, 254, 169, 254}, {169, 254, 170, 2},   {169, 254, 170, 23},
    {168, 63, 129, 16},   {100, 100, 100, 200}, {192, 0, 0, 192},
};

/// The same over IPv6: Amazon's two and Google's.
constexpr v6_bytes metadata_v6[] = {
    {0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54},
    {0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x23},
    {0xfd, 0x20, 0, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54},
};

bool has_prefix(std::span<const uint8_t> bytes, std::span<const uint8_t> prefix,
                unsigned length) {
  auto whole = length / 8;
  if (!std::equal(prefix.begin(), prefix.begin() + whole, bytes.begin()))
    return false;
  auto rest = length % 8;
  auto mask = static_cast<uint8_t>(0xff00 >> rest);
  return rest == 0 || ((bytes[whole] ^ prefix[whole]) & mask) == 0;
}

template <class Range>
bool is_in(std::span<const uint8_t> bytes, const Range& range) {
  return has_prefix(bytes, range.prefix, range.length);
}

bool equals(const ip_address& address, std::span<const uint8_t> bytes) {
  return std::ranges::equal(address.bytes(), bytes);
}

/// The IPv4 address that packets to `address` end up at, if there is one.
std::optional<ip_address> embedded_v4(const ip_address& address) {
  auto bytes = address.bytes();
  for (auto& x : embeddings) {
    if (!is_in(bytes, x.range))
      continue;
    v4_bytes out;
    std::copy_n(bytes.begin() + x.offset, out.size(), out.begin());
    return ip_address{out};
  }
  return std::nullopt;
}

bool is_metadata(const ip_address& address) {
  auto same = [&](auto& bytes) { return equals(address, bytes); };
  if (address.is_v4())
    return std::ranges::any_of(metadata_v4, same);
  if (std::ranges::any_of(metadata_v6, same))
    return true;
  auto inner = embedded_v4(address);
  return inner && is_metadata(*inner);
}

bool is_loopback(const ip_address& address) {
  constexpr v6_bytes one = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address.is_v4() ? address.bytes()[0] == 127 : equals(address, one);
}

bool is_one_of(const ip_address& address, std::span<const std::string> texts) {
  return std::ranges::any_of(texts, [&](auto& text) {
    auto own = parse_ip(text);
    return own && own->unmapped() == address;
  });
}

} // namespace

ip_address::ip_address(std::array<uint8_t, 4> bytes) : size_(4) {
  std::ranges::copy(bytes, bytes_.begin());
}

ip_address::ip_address(std::array<uint8_t, 16> bytes)
  : bytes_(bytes), size_(16) {}

ip_address ip_address::unmapped() const {
  constexpr v6_bytes mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (is_v4() || !has_prefix(bytes(), mapped, 96))
    return *this;
  return ip_address{v4_bytes{bytes_[12], bytes_[13], bytes_[14], bytes_[15]}};
}

std::optional<ip_address> parse_ip(std::string_view text) {
  if (text.find(':') == std::string_view::npos) {
    auto v4 = parse_v4(text);
    return v4 ? std::optional{ip_address{*v4}} : std::nullopt;
  }
  auto zone = text.find('%');
  if (zone != std::string_view::npos && zone + 1 == text.size())
    return std::nullopt;
  auto v6 = parse_v6(text.substr(0, zone));
  return v6 ? std::optional{ip_address{*v6}} : std::nullopt;
}

bool network::contains(const ip_address& address) const {
  auto x = prefix.is_v4() ? address.unmapped() : address;
  return x.is_v4() == prefix.is_v4()
         && has_prefix(x.bytes(), prefix.bytes(), length);
}

result<network> parse_network(std::string_view text) {
  auto bad = [text](std::string_view why) {
    return make_error(errc::bad_config,
                      '"' + std::string{text} + "\" " + std::string{why});
  };
  auto slash = text.find('/');
  auto address = parse_ip(text.substr(0, slash));
  if (!address || text.find('%') != std::string_view::npos)
    return bad("is not a network as in 10.0.0.0/8");
  auto bits = static_cast<unsigned>(address->bytes().size() * 8);
  if (slash == std::string_view::npos)
    return network{*address, bits};
  auto length = parse_decimal(text.substr(slash + 1), bits);
  if (!length)
    return bad("has no valid prefix length after the slash");
  auto all = address->bytes();
  for (auto bit = *length; bit < bits; ++bit)
    if (all[bit / 8] & (0x80 >> bit % 8))
      return bad("has bits set behind its prefix");
  return network{*address, *length};
}

bool is_public(const ip_address& address) {
  if (is_metadata(address))
    return false;
  auto inside = [&](auto& range) { return is_in(address.bytes(), range); };
  if (address.is_v4())
    return std::ranges::none_of(special_v4, inside);
  if (auto inner = embedded_v4(address))
    return is_public(*inner);
  return inside(global_unicast_v6) && std::ranges::none_of(special_v6, inside);
}

result<void>
exit_policy::check(std::string_view address, uint16_t port,
                   std::span<const std::string> own_addresses) const {
  auto refuse = [&](std::string_view why) {
    return make_error(errc::policy_refused,
                      std::string{address} + ' ' + std::string{why});
  };
  auto parsed = parse_ip(address);
  if (!parsed)
    return refuse("is not an IP address");
  if (std::ranges::find(ports, port) == ports.end())
    return refuse("port " + std::to_string(port) + " is not in share.ports");
  auto ip = parsed->unmapped();
  if (is_metadata(ip))
    return refuse("hands out credentials of this machine");
  if (!is_loopback(ip) && is_one_of(ip, own_addresses))
    return refuse("is this device itself");
  auto allows = [&](auto& x) { return x.contains(ip); };
  if (!is_public(ip) && std::ranges::none_of(allow_private, allows))
    return refuse("is not a public address");
  return {};
}

} // namespace peapod

#include "core/handshake_gate.hpp"

#include "core/address_policy.hpp"

namespace peapod {

namespace {

/// Neighbours share the network of link-local addresses (RFC 4291, 2.5.6).
bool is_link_local(const ip_address& x) {
  auto bytes = x.bytes();
  return !x.is_v4() && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

} // namespace

std::string gate_name(const std::string& address) {
  auto ip = parse_ip(address);
  if (!ip)
    return address;
  auto x = ip->unmapped();
  auto bytes = x.bytes();
  return to_hex(x.is_v4() || is_link_local(x) ? bytes : bytes.first(8));
}

bool is_link_local(const std::string& address) {
  auto ip = parse_ip(address);
  return ip && is_link_local(ip->unmapped());
}

std::string waiting_place(const std::string& address) {
  if (!is_link_local(address))
    return gate_name(address);
  auto zone = address.find('%');
  return "link" + (zone == std::string::npos ? "" : address.substr(zone));
}

handshake_gate::ticket handshake_gate::enter(const std::string& address,
                                             instant now) {
  if (!second_ || now - *second_ >= std::chrono::seconds(1)) {
    second_ = now;
    begun_ = {};
  }
  auto name = gate_name(address);
  if (open_->in_all >= limits_.in_all || begun_.in_all >= limits_.per_second
      || open_->of(name) >= limits_.per_address
      || begun_.of(name) >= limits_.per_second_and_address)
    return nullptr;
  for (auto* x : {open_.get(), &begun_}) {
    ++x->in_all;
    ++x->by_address[name];
  }
  // The ticket may outlive the gate.
  auto leave = [open = open_, name](const void*) {
    --open->in_all;
    if (auto at = open->by_address.find(name); --at->second == 0)
      open->by_address.erase(at);
  };
  return {this, leave};
}

} // namespace peapod

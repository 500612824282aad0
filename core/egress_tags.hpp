#pragma once

#include "core/egress_map.hpp"
#include "core/types.hpp"

namespace peapod {

/// What two devices compare instead of telling each other their gateways and
/// public addresses: keyed hashes, each pair of devices with a key of its own.
/// So tags told to different devices do not fit each other. Whoever is told
/// some could try all IPv4 addresses, which is why only trusted devices are.
class egress_hasher {
public:
  /// For the devices with these keys, in any order.
  egress_hasher(const public_key& x, const public_key& y);

  /// The tags of one line.
  egress_tags tags_of(const egress_facts& x) const;

private:
  digest key_;
};

} // namespace peapod

#pragma once

#include "core/types.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Which lines and devices add capacity: what is known of where their traffic
/// leaves for the internet, put together.
namespace peapod {

// -- what is known ------------------------------------------------------------

/// Where a line leaves for the internet. What is empty is not known.
struct egress_facts {
  std::string interface;
  std::string gateway;     ///< the address of the next hop
  std::string gateway_mac; ///< its link-layer address, which identifies it
  std::string public_v4;   ///< as seen from outside
  std::string public_v6;

  bool operator==(const egress_facts&) const = default;
};

/// What two devices compare instead of telling such facts
/// (`core/egress_tags.hpp`). What is not known does not fit.
struct egress_tags {
  using tag = raw_id<struct egress_tag_tag, 16>;

  std::optional<tag> gateway;
  std::optional<tag> public_v4;
  std::optional<tag> public_v6;

  bool operator==(const egress_tags&) const = default;
};

/// A line of this device.
struct egress_line {
  device_id id; ///< as a source
  std::string name;
  egress_facts facts;
  bool up = true;
  bool rests = false;   ///< it has failed too often
  bool metered = false; ///< as the system says
  /// Who was measured to have the same bottleneck.
  std::optional<device_id> slows = std::nullopt;
};

/// A connected device.
struct egress_peer {
  device_id id;
  std::string name;
  bool pauses = false;  ///< it says that it brings nothing
  bool metered = false; ///< it says so
  /// Of its lines, as it says.
  std::vector<egress_tags> theirs{};
  /// Of our lines in their order, as it would see them.
  std::vector<egress_tags> ours{};
  std::optional<device_id> slows = std::nullopt;
};

// -- what follows -------------------------------------------------------------

enum class egress_kind {
  adds,      ///< it adds capacity, as far as is known
  same_line, ///< it leaves where somebody else does
  metered,   ///< what it brings costs
  paused,    ///< it brings nothing at the moment
};

/// As in `"adds capacity"`.
std::string_view to_string(egress_kind x);

struct egress_label {
  egress_kind kind = egress_kind::adds;
  std::optional<device_id> as; ///< with `same_line`
  std::string as_name;         ///< the same for people
  std::string evidence;        ///< why, for people

  bool operator==(const egress_label&) const = default;
};

/// `adds capacity`, `same line as NAME`, ...
std::string text_of(const egress_label& x);

/// A label for each line and each peer. What was measured is stronger than what
/// addresses say, a public address stronger than a gateway. Whoever comes first
/// in `lines` is what later ones are compared with, and peers with all of them.
std::map<device_id, egress_label>
make_egress_map(const std::vector<egress_line>& lines,
                const std::vector<egress_peer>& peers);

} // namespace peapod

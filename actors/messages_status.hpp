#pragma once

#include "core/egress_map.hpp"
#include "core/error.hpp"
#include "core/part_map.hpp"
#include "core/transfer.hpp"
#include "core/types.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <optional>
#include <string>
#include <vector>

/// How the pod stands, for those who ask.
namespace peapod {

struct peer_status {
  device_id id;
  std::string name;
  std::string address;
  std::string state;
  std::string protocol;
  uint64_t bytes_from = 0;
  uint64_t bytes_to = 0;
  double rate_down = 0; ///< bytes a second from it, lately
  double rate_up = 0;   ///< bytes a second to it, lately
  /// Who has the same bottleneck, so that both bring what one would.
  std::optional<device_id> same_line = std::nullopt;
  /// How it stands with us: `trusted`, `waiting` for a person to let it in,
  /// `stranger`, `open` (everybody is let in) or `insecure` (speaks what has no
  /// real confidentiality).
  std::string trust = {};
  std::vector<std::string> code = {}; ///< words to compare while it waits
  std::string why = {};               ///< why there is no session, or empty
  bool secure = false;  ///< its session has authentication and confidentiality
  bool pauses = false;  ///< it says that it brings nothing at the moment
  bool tunnels = false; ///< tunnels may leave through it
  /// Whether it adds capacity, of one that is connected.
  std::optional<egress_label> line = std::nullopt;
};

/// One of this device's own lines.
struct line_status {
  device_id id; ///< as a source
  std::string name;
  bool up = true;
  egress_facts facts;
  egress_label line;
  uint64_t own_bytes = 0;  ///< of ranges for own downloads
  uint64_t peer_bytes = 0; ///< of ranges for peers
};

struct transfer_status {
  transfer_id id;
  std::string url;
  std::string state; ///< `running`, `done` or `failed: why`
  uint64_t total = 0;
  uint64_t delivered = 0;
  transfer_ledger ledger;
  std::vector<part_map::run> map; ///< who brought which part
  rung verified_by = rung::validator;
};

struct pod_status {
  device_id id;
  std::string name;
  std::vector<peer_status> peers;
  std::vector<transfer_status> transfers;
  std::vector<line_status> lines;
  bool crowded = false; ///< as in `peer_list`
};

/// Ask for the pod's state.
struct get_status {};

/// Ask the roster for the devices it knows.
struct list_peers {};

/// The devices that the roster knows, and what this one has to leave by.
struct peer_list {
  std::vector<peer_status> peers;
  std::vector<line_status> lines; ///< our own
  /// Lately more devices than there is room for have waited to be let in.
  bool crowded = false;
};

/// Let a device into the pod, or out of it. `who` is as in `find_device`. Who
/// is let in is named by its whole id, or by the words that a person has
/// compared, too.
struct change_trust {
  std::string who;
  bool trusted = true;
  std::vector<std::string> code = {}; ///< the words, or nothing
};

/// How the device stands now. Errors: those of `find_device`,
/// `trust_store::trust` and of saving; `mismatch` when its session shows other
/// words, or none and its id is not whole.
struct trust_change {
  result<peer_status> outcome;
};

/// A transfer tells how it stands.
struct transfer_reported {
  transfer_status status;
};

} // namespace peapod

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::pod_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::get_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::list_peers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::peer_list)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::change_trust)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::trust_change)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(peapod::transfer_reported)

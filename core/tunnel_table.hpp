#pragma once

#include "core/wire2_message.hpp"

#include <cstdint>
#include <map>

namespace peapod {

/// Names a tunnel within one link: its number on the wire, which both sides
/// share.
using tunnel_number = uint32_t;

/// The tunnels of one session as both sides see them on the wire (PROTOCOL,
/// Protocol 2, Tunnels): who may still say what, and how much. What a peer does
/// against that is its fault; what it says of a tunnel that has just ended here
/// is not.
class tunnel_table {
public:
  /// What a message of the peer is.
  enum class verdict {
    good,
    late,  ///< of a tunnel that is not there any more: forget it
    wrong, ///< the peer misbehaves
  };

  /// We ask for a tunnel, or the peer does (`ours` is false). False when the
  /// number is in use.
  bool add(tunnel_number id, bool ours);

  /// We have connected to what the peer asked for; false: it is not there.
  bool accept(tunnel_number id);

  // -- what the peer says -----------------------------------------------------

  verdict opened(tunnel_number id);
  verdict data(tunnel_number id, uint64_t bytes);
  verdict credit(tunnel_number id, uint64_t bytes);
  verdict closed(tunnel_number id, wire2::tunnel_end how);

  // -- what we say; false: it is not to be sent -------------------------------

  bool send(tunnel_number id, uint64_t bytes);
  bool grant(tunnel_number id, uint64_t bytes);
  bool close(tunnel_number id, wire2::tunnel_end how);

  bool contains(tunnel_number id) const {
    return tunnels_.contains(id);
  }

  size_t size() const {
    return tunnels_.size();
  }

private:
  struct tunnel {
    bool ours = false;
    bool opened = false;
    bool we_ended = false;
    bool peer_ended = false;
    uint64_t may_send = wire2::initial_tunnel_credit;
    uint64_t may_come = wire2::initial_tunnel_credit;
  };

  using iterator = std::map<tunnel_number, tunnel>::iterator;

  void forget_if_over(iterator i);

  std::map<tunnel_number, tunnel> tunnels_;
};

} // namespace peapod

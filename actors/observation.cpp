#include "actors/observation.hpp"

namespace peapod {

std::string_view to_string(activity x) {
  switch (x) {
    case activity::idle:
      return "idle";
    case activity::busy:
      return "busy";
    case activity::hanging:
      return "hanging";
  }
  return "unknown";
}

std::string_view to_string(event_kind x) {
  switch (x) {
    case event_kind::spawned:
      return "spawned";
    case event_kind::down:
      return "down";
    case event_kind::crashed:
      return "crashed";
    case event_kind::restarted:
      return "restarted";
    case event_kind::gave_up:
      return "gave_up";
    case event_kind::hanging:
      return "hanging";
    case event_kind::peer_up:
      return "peer_up";
    case event_kind::peer_down:
      return "peer_down";
    case event_kind::transfer_opened:
      return "transfer_opened";
    case event_kind::transfer_progress:
      return "transfer_progress";
    case event_kind::transfer_done:
      return "transfer_done";
    case event_kind::transfer_failed:
      return "transfer_failed";
    case event_kind::transfer_replaced:
      return "transfer_replaced";
    case event_kind::lease_lost:
      return "lease_lost";
    case event_kind::lease_moved:
      return "lease_moved";
    case event_kind::line_shared:
      return "line_shared";
    case event_kind::overloaded:
      return "overloaded";
    case event_kind::peer_trusted:
      return "peer_trusted";
    case event_kind::peer_untrusted:
      return "peer_untrusted";
    case event_kind::source_lied:
      return "source_lied";
    case event_kind::digest_wrong:
      return "digest_wrong";
  }
  return "unknown";
}

} // namespace peapod

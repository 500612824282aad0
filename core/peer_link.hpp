#pragma once

#include "core/egress_map.hpp"
#include "core/error.hpp"
#include "core/pairing.hpp"
#include "core/representation.hpp"
#include "core/scheduler.hpp"
#include "core/session.hpp"
#include "core/tunnel_table.hpp"
#include "core/types.hpp"

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// One peer at the other end of a connection, whatever protocol it speaks.
namespace peapod {

/// Names a range within one link: ours and those of the peer are counted
/// separately.
using ask_id = uint64_t;

/// Asks for a range of a body.
struct range_ask {
  ask_id id = 0;
  transfer_id transfer; ///< protocol 1 only
  byte_range range;
  std::string url;
  /// What the range must be a part of; protocol 1 may leave it out.
  std::optional<representation> expected;
};

/// Why a range that the peer has asked for does not come.
struct range_refusal {
  wire2::fetch_failure why = wire2::fetch_failure::internal;
  std::string text; ///< for people
  std::optional<duration> retry_after = std::nullopt;
};

// -- what happens on a link ---------------------------------------------------
// Besides these: `write_bytes`, `peer_identified` and, as the last one,
// `session_closed`, as of a `session`.

/// Who the peer is has been proven. Answer with `peer_link::trust`.
struct link_opened {
  device_id device;
  public_key key;
  std::string name;         ///< as the peer calls itself
  bool secure = false;      ///< protocol 2
  bool foreign = false;     ///< protocol 1 without our extension
  bool has_views = false;   ///< it shows its actors
  bool has_tunnels = false; ///< it opens tunnels for us
};

/// Both sides want each other: ranges may be asked for.
struct link_ready {};

/// What people are to compare on both screens before they trust.
struct code_known {
  pairing_code code;
};

/// The peer wants a range: `bring` and `finish` it, or `refuse`.
struct range_asked {
  range_ask what;
};

/// The peer does not want a range any more: forget it.
struct ask_called_off {
  ask_id id = 0;
};

/// Bytes of a range that we have asked for, in order.
struct range_arrived {
  ask_id id = 0;
  uint64_t offset = 0;
  slice bytes;
  /// The peer says which version they are of, and it is the one asked for.
  bool has_version = true;
};

/// A range that we have asked for is here, or does not come.
struct range_ended {
  ask_id id = 0;
  std::optional<chunk_failure> failure;
  std::string reason{}; ///< in words, when it failed
  std::optional<duration> retry_after{};
};

/// The peer asks for our live actors.
struct view_asked {};

/// The peer's live actors as JSON. Not to be trusted.
struct view_shown {
  std::string text;
};

/// What the peer offers at the moment has changed.
struct offers_changed {
  wire2::sharing offers;
};

/// The peer tells where its lines leave for the internet.
struct egress_shown {
  std::vector<egress_tags> lines;
};

/// The peer says that it leaves.
struct peer_left {};

/// The peer wants a tunnel: `accept_tunnel` or `end_tunnel` it.
struct tunnel_asked {
  tunnel_number id = 0;
  host_port target;
};

/// A tunnel that we asked for stands.
struct tunnel_stands {
  tunnel_number id = 0;
};

/// Bytes of a tunnel, in order. Say with `take_from_tunnel` when they have gone
/// on.
struct tunnel_brought {
  tunnel_number id = 0;
  slice bytes;
};

/// So much more may be sent through a tunnel.
struct tunnel_credited {
  tunnel_number id = 0;
  uint64_t bytes = 0;
};

/// The peer sends nothing more through a tunnel (`finished`), or the tunnel is
/// no more (anything else).
struct tunnel_closed {
  tunnel_number id = 0;
  wire2::tunnel_end how = wire2::tunnel_end::reset;
  std::string detail; ///< as the peer says it
};

using link_event =
    std::variant<write_bytes, peer_identified, link_opened, link_ready,
                 code_known, range_asked, ask_called_off, range_arrived,
                 range_ended, view_asked, view_shown, offers_changed,
                 egress_shown, peer_left, tunnel_asked, tunnel_stands,
                 tunnel_brought, tunnel_credited, tunnel_closed,
                 session_closed>;

/// A peer behind a connection, without the connection: call it, then drain
/// `poll`. Whatever the peer sends ends in an event.
class peer_link {
public:
  virtual ~peer_link() = default;

  // -- the connection ---------------------------------------------------------

  /// The connection is there.
  virtual void start(instant now) = 0;

  /// Bytes from the connection, in any portions.
  virtual void receive(const slice& bytes, instant now) = 0;

  /// Answers `peer_identified`.
  virtual void admit(bool yes, instant now) = 0;

  /// Whether the peer belongs to our pod; may change from no to yes. Without
  /// trust a link of protocol 2 waits, and one of protocol 1 closes.
  virtual void trust(bool yes, instant now) = 0;

  /// Ends the link; tells the peer why, if the protocol can.
  virtual void leave(wire2::goodbye_reason why, error reason) = 0;

  /// When to call `expire` next.
  virtual std::optional<instant> deadline() const = 0;

  /// Time has passed; a spurious call is harmless.
  virtual void expire(instant now) = 0;

  virtual bool is_closed() const = 0;

  /// Whether it speaks protocol 2.
  virtual bool is_secure() const = 0;

  // -- what we want -----------------------------------------------------------

  /// Asks for a range; `range_ended` comes exactly once, unless it is called
  /// off. Errors: `connection_closed` when the link is not ready,
  /// `limit_reached` when the peer has too much to do already or the ask has
  /// no room in a message, `policy_refused` for what such a peer cannot bring.
  virtual result<void> ask(const range_ask& x) = 0;

  /// The range is not wanted any more; no event of it follows.
  virtual void call_off(ask_id id) = 0;

  /// Asks for the peer's live actors. Errors: `not_allowed` when it has none
  /// to show, `connection_closed` when the link is not ready.
  virtual result<void> ask_view() = 0;

  // -- what the peer wants ----------------------------------------------------

  /// The next bytes of a range that the peer has asked for; `found` is the
  /// origin's version.
  virtual void bring(ask_id id, unsigned status, const representation& found,
                     uint64_t offset, const slice& bytes) = 0;

  /// All of the range was brought.
  virtual void finish(ask_id id) = 0;

  /// The range does not come.
  virtual void refuse(ask_id id, const range_refusal& x) = 0;

  /// Answers `view_asked`.
  virtual void show_view(std::string text) = 0;

  /// Tells the peer what we offer from now on.
  virtual void offer(const wire2::sharing& x) = 0;

  /// Tells a peer that is ready where our lines leave for the internet, if its
  /// protocol has a word for it.
  virtual void show_egress(const std::vector<egress_tags>&) {}

  // -- tunnels ----------------------------------------------------------------
  // Only with protocol 2; without it there are none, and nothing is said.

  /// Asks the peer for a tunnel: `tunnel_stands` or `tunnel_closed` follows.
  /// Errors: `not_allowed` when it opens none, `connection_closed` when the
  /// link is not ready, `policy_refused` for a target that no message has room
  /// for.
  virtual result<tunnel_number> open_tunnel(const host_port& target) {
    static_cast<void>(target);
    return make_error(errc::not_allowed, "it opens no tunnels");
  }

  /// What the peer asked for stands.
  virtual void accept_tunnel(tunnel_number id) {
    static_cast<void>(id);
  }

  /// Sends bytes, for which there must be credit: `initial_tunnel_credit` and
  /// what `tunnel_credited` has told.
  virtual void send_through_tunnel(tunnel_number id, const slice& bytes) {
    static_cast<void>(id), static_cast<void>(bytes);
  }

  /// So many bytes of `tunnel_brought` have gone on: others may come.
  virtual void take_from_tunnel(tunnel_number id, uint64_t bytes) {
    static_cast<void>(id), static_cast<void>(bytes);
  }

  /// We send nothing more (`finished`), or the tunnel is no more.
  virtual void end_tunnel(tunnel_number id, wire2::tunnel_end how,
                          std::string detail) {
    static_cast<void>(id), static_cast<void>(how), static_cast<void>(detail);
  }

  // -- events -----------------------------------------------------------------

  /// Drain this after every call until it is empty.
  std::optional<link_event> poll() {
    if (events_.empty())
      return std::nullopt;
    auto out = std::move(events_.front());
    events_.pop_front();
    return out;
  }

protected:
  void emit(link_event x) {
    events_.push_back(std::move(x));
  }

private:
  std::deque<link_event> events_;
};

} // namespace peapod

#pragma once

#include "core/egress_map.hpp"
#include "core/http_message.hpp"
#include "core/representation.hpp"
#include "core/types.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The messages of protocol 2, each of which travels in a record of its own
/// (PROTOCOL, Protocol 2, Messages). Their bytes are in `wire2_codec.hpp`.
namespace peapod::wire2 {

/// Names a fetch or a tunnel within one session. Both kinds share the numbers:
/// the initiator of the session opens even ones, the responder odd ones, so
/// that one number never means two things.
enum class exchange_id : uint32_t {};

// -- limits -------------------------------------------------------------------

// The longest of each text and list, in bytes or entries. All of them together
// fit into one record.
constexpr size_t max_url_size = 8 * 1024; ///< 8,000 at least (RFC 9110, 4.1)
constexpr size_t max_etag_size = 1024;
constexpr size_t max_date_size = 64; ///< an HTTP-date has at most 33
constexpr size_t max_fields = 16;
constexpr size_t max_field_name_size = 64;
constexpr size_t max_field_value_size = 2 * 1024;
constexpr size_t max_detail_size = 256; ///< a sentence for a log
constexpr size_t max_host_size = 255;   ///< a name of DNS (RFC 1035, 2.3.4)

constexpr size_t max_egress_lines = 8; ///< of one device

/// The bytes that each side of a tunnel may send before it gets credit.
constexpr uint32_t initial_tunnel_credit = 512 * 1024;

/// The least urgent of 8 levels, 0 being the most urgent one (RFC 9218, 4.1).
constexpr uint8_t max_urgency = 7;

// -- liveness -----------------------------------------------------------------

/// Are you there?
struct ping {
  uint64_t token = 0;

  bool operator==(const ping&) const = default;
};

/// Here I am; says the token of the `ping`.
struct pong {
  uint64_t token = 0;

  bool operator==(const pong&) const = default;
};

// -- ranges of bodies ---------------------------------------------------------

/// Asks the peer to bring a range of a representation.
struct fetch {
  exchange_id id{};
  std::string url;         ///< absolute, UTF-8
  byte_range range;        ///< not empty
  representation expected; ///< what the range must be a part of
  /// Request fields that select the representation: `Accept`,
  /// `Accept-Encoding`, `User-Agent`...
  std::vector<http_field> fields;
  /// After this the range is of no use; 0 when there is no such time. At most
  /// 2^32 - 1 ms.
  std::chrono::milliseconds deadline{0};
  uint8_t urgency = 3; ///< 0 to `max_urgency`; 3 is the default of RFC 9218

  bool operator==(const fetch&) const = default;
};

/// What the origin answered; comes before the first `part`.
struct fetch_head {
  exchange_id id{};
  uint16_t status = 0; ///< 100 to 599
  representation found;
  byte_range range; ///< not empty

  bool operator==(const fetch_head&) const = default;
};

/// Some bytes of a range. They share the storage that they were received in.
struct part {
  exchange_id id{};
  uint64_t offset = 0; ///< in the representation
  slice bytes;         ///< not empty

  bool operator==(const part& other) const;
};

/// All parts of a range were sent.
struct fetch_done {
  exchange_id id{};
  digest hash; ///< SHA-256 of the range

  bool operator==(const fetch_done&) const = default;
};

/// Why a range does not come. A number that a reader does not know means
/// `internal`.
enum class fetch_failure : uint16_t {
  internal = 0,
  policy_refused = 1, ///< nothing that this device fetches for others
  origin_refused = 2, ///< the origin's status says so
  mismatch = 3,       ///< the origin has another representation
  throttled = 4,      ///< the origin wants fewer requests, or later
  quota = 5,          ///< what this device gives away is used up
  not_now = 6,        ///< may be asked again
};

/// A range does not come, or not all of it.
struct fetch_failed {
  exchange_id id{};
  fetch_failure code = fetch_failure::internal;
  std::optional<std::chrono::seconds> retry_after; ///< at most 2^32 - 1 s
  std::string detail;                              ///< UTF-8, for people

  bool operator==(const fetch_failed&) const = default;
};

/// The range is not wanted any more.
struct cancel {
  exchange_id id{};

  bool operator==(const cancel&) const = default;
};

/// The sender of this takes so many bytes more of a fetch or a tunnel.
struct credit {
  exchange_id id{};
  uint32_t bytes = 0; ///< not 0

  bool operator==(const credit&) const = default;
};

// -- tunnels ------------------------------------------------------------------

/// Asks the peer to connect to a TCP port and to relay its bytes.
struct open_tunnel {
  exchange_id id{};
  std::string host;  ///< a name or an address without brackets, not empty
  uint16_t port = 0; ///< not 0

  bool operator==(const open_tunnel&) const = default;
};

/// The connection stands.
struct tunnel_opened {
  exchange_id id{};

  bool operator==(const tunnel_opened&) const = default;
};

/// Some bytes of a tunnel. They share the storage that they were received in.
struct tunnel_data {
  exchange_id id{};
  slice bytes; ///< not empty

  bool operator==(const tunnel_data& other) const;
};

/// How a tunnel ends. A number that a reader does not know means `reset`.
enum class tunnel_end : uint16_t {
  finished = 0,       ///< the sender sends nothing more; the other may
  reset = 1,          ///< the connection broke, or is not wanted any more
  policy_refused = 2, ///< nowhere that this device connects to for others
  unreachable = 3,    ///< the connection could not be made
};

/// A tunnel, or the sender's direction of it, has ended.
struct close_tunnel {
  exchange_id id{};
  tunnel_end how = tunnel_end::finished;
  std::string detail; ///< UTF-8, for people

  bool operator==(const close_tunnel&) const = default;
};

// -- the session --------------------------------------------------------------

/// What a device offers to others at the moment.
struct sharing {
  bool on = true;                     ///< or paused
  std::optional<uint64_t> rate_limit; ///< bytes per second
  std::optional<uint64_t> left_today; ///< bytes
  bool metered = false;               ///< its line is paid for by the byte
  std::optional<uint8_t> battery;     ///< percent; nothing when it has none

  bool operator==(const sharing&) const = default;
};

/// Why a session ends. A number that a reader does not know means
/// `unspecified`.
enum class goodbye_reason : uint16_t {
  unspecified = 0,
  leaving = 1,    ///< the device stops
  duplicate = 2,  ///< another session of the same two devices stays
  refused = 3,    ///< the device is not admitted
  misbehaved = 4, ///< the receiver broke the protocol
};

/// The session ends; nothing follows.
struct goodbye {
  goodbye_reason reason = goodbye_reason::unspecified;
  std::string detail; ///< UTF-8, for people

  bool operator==(const goodbye&) const = default;
};

// -- pairing ------------------------------------------------------------------

/// What each side of a pairing draws at random.
using pairing_nonce = raw_id<struct pairing_nonce_tag, 32>;

/// Binds the sender to its nonce (PROTOCOL, Protocol 2, Pairing).
struct pairing_commit {
  digest commitment;

  bool operator==(const pairing_commit&) const = default;
};

/// The nonce that the sender has committed to.
struct pairing_reveal {
  pairing_nonce nonce;

  bool operator==(const pairing_reveal&) const = default;
};

// -- membership ---------------------------------------------------------------

/// The receiver belongs to the sender's pod: it may ask from now on. Who gets
/// none waits for a person (PROTOCOL, Protocol 2, Trust).
struct welcome {
  bool operator==(const welcome&) const = default;
};

// -- views --------------------------------------------------------------------

/// Asks for the live actors of a device that has `capability_view`.
struct view_question {
  bool operator==(const view_question&) const = default;
};

/// A piece of the answer, which is JSON of at most `max_view_size` bytes.
struct view_piece {
  slice bytes; ///< not empty
  bool last = false;

  bool operator==(const view_piece& other) const;
};

// -- lines --------------------------------------------------------------------

/// Where the sender's lines leave for the internet, to be compared with the
/// receiver's (`egress_hasher`). Comes again when that changes.
struct egress {
  std::vector<egress_tags> lines;

  bool operator==(const egress&) const = default;
};

// -- all of them --------------------------------------------------------------

/// The tag of the first alternative of `message`. Lower ones are protocol 1's.
constexpr uint32_t first_tag = 16;

/// Any message; the tags on the wire follow the order of the alternatives.
using message =
    std::variant<ping, pong, fetch, fetch_head, part, fetch_done, fetch_failed,
                 cancel, credit, open_tunnel, tunnel_opened, tunnel_data,
                 close_tunnel, sharing, goodbye, pairing_commit, pairing_reveal,
                 welcome, view_question, view_piece, egress>;

/// The tag of a message on the wire.
constexpr uint32_t tag_of(const message& x) {
  return first_tag + static_cast<uint32_t>(x.index());
}

/// The message's name, as in `"fetch_head"`.
std::string_view name_of(const message& x);

/// Which bound of the comments above `x` breaks, as a sentence; empty when it
/// breaks none.
std::string_view broken_bound(const message& x);

/// As above, of the sharing state by itself.
std::string_view broken_bound(const sharing& x);

} // namespace peapod::wire2

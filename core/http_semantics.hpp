#pragma once

#include "core/error.hpp"
#include "core/host_pattern.hpp"
#include "core/http_message.hpp"
#include "core/representation.hpp"
#include "core/types.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What requests and responses mean for pooling (RFC 9110, 9111, 9112): total
/// functions over heads, without I/O.
namespace peapod {

// -- lists --------------------------------------------------------------------

/// The members of a comma separated list (RFC 9110, 5.6.1) without white space
/// around them; empty ones are skipped, quoted strings kept whole. They point
/// into `value`.
std::vector<std::string_view> list_members(std::string_view value);

// -- ranges -------------------------------------------------------------------

/// What a `Range` field asks for (RFC 9110, 14.2).
struct range_request {
  enum class form {
    span,       ///< `first-last`, both included
    from,       ///< `first-`
    suffix,     ///< `-count`
    multiple,   ///< more than one range: to be passed on as it is
    other_unit, ///< a unit other than bytes: to be passed on as it is
  };
  form kind = form::from;
  uint64_t first = 0; ///< with `span` and `from`
  uint64_t last = 0;  ///< with `span`
  uint64_t count = 0; ///< with `suffix`, in bytes

  bool operator==(const range_request&) const = default;
};

/// Parses the value of a `Range` field; nothing when it is malformed or has
/// offsets beyond 64 bits.
std::optional<range_request> parse_range(std::string_view value);

/// The bytes that a single range selects from a body of `total` bytes; nothing
/// when it selects none (RFC 9110, 15.5.17) or is not a single range of bytes.
std::optional<byte_range> resolve(const range_request& range, uint64_t total);

/// A `Content-Range` field (RFC 9110, 14.4).
struct content_range {
  std::optional<byte_range>
      range;                     ///< nothing in the unsatisfied form `*/total`
  std::optional<uint64_t> total; ///< nothing when it is `*`

  bool operator==(const content_range&) const = default;
};

/// Parses the value of a `Content-Range` field in bytes; nothing when it is
/// malformed or contradicts itself.
std::optional<content_range> parse_content_range(std::string_view value);

/// The value of a `Range` field that asks for `range`, which is not empty.
std::string range_value(byte_range range);

// -- representations ----------------------------------------------------------

/// Validators and total length of the representation that a response is, or is
/// a part of. A malformed or repeated entity tag counts as none.
representation representation_of(const response_head& response);

/// Whether an entity tag is well formed and not weak (RFC 9110, 8.8.3).
bool is_strong(std::string_view etag);

/// Whether ranges of this representation can be told from those of another
/// one: by a strong entity tag, or else by `Last-Modified`. A weak entity tag
/// alone does not promise the same bytes (RFC 9110, 8.8.1).
bool has_usable_validator(const representation& x);

/// Whether `got` is the representation that was expected. Everything that
/// `expected` has must be there and agree: a strong entity tag decides; next
/// to a weak one, or without one, `Last-Modified` does, and the opaque parts
/// of weak tags must be the same. The total lengths must be the same. Nothing
/// expected is met by anything.
bool same_representation(const representation& expected,
                         const representation& got);

// -- eligibility --------------------------------------------------------------

/// What the user allows to be pooled.
struct pool_policy {
  bool enabled = true;
  uint64_t min_size = 1_MiB; ///< of the body, in bytes
  /// Pool what is meant for this user alone, too: responses to requests with
  /// credentials, and responses marked as personal.
  bool share_credentials = false;
  /// Hosts whose URLs no peer is shown, whatever else is allowed.
  std::vector<host_pattern> never_hosts;
};

/// A response whose body may be fetched in ranges, by several devices.
struct eligible {
  byte_range body;    ///< what the response carries of the representation
  uint64_t total = 0; ///< bytes of the whole representation
  representation version;

  bool operator==(const eligible&) const = default;
};

/// Why a response streams through untouched.
enum class ineligible {
  disabled,          ///< the user switched pooling off
  never_host,        ///< the user shows peers nothing of this host
  method,            ///< not a GET without a body
  range_form,        ///< the request's `Range` is not one range of bytes
  status,            ///< neither 200 nor 206
  content_range,     ///< a 206 that is not the range that was asked for
  unknown_length,    ///< no `Content-Length`, or no total
  no_ranges,         ///< the origin does not say that it serves ranges
  too_small,         ///< below `pool.min-size`
  no_validator,      ///< two versions could not be told apart
  encoded,           ///< a content coding without a strong entity tag
  varies,            ///< `Vary: *`
  credentials,       ///< a cookie or an authorization on the request
  secret_in_url,     ///< user information or a signature in the URL
  personal_response, ///< `Set-Cookie` or `Cache-Control: private`
};

/// Lower-case words for the log and the console.
std::string_view to_string(ineligible x);

/// What `judge` decides.
using eligibility = std::variant<eligible, ineligible>;

/// Decides whether the body of `response` may be pooled. `no-store` does not
/// forbid it: peers pass bytes on and store nothing (RFC 9111, 5.2.2.5).
/// `Proxy-Authorization` does not either: it is for this proxy, and ends here
/// (RFC 9110, 11.7.2).
eligibility judge(const request_head& request, const response_head& response,
                  const pool_policy& policy);

/// Why peers may not see a request, if they may not: the user says so, or it
/// carries something that is for the origin alone.
std::optional<ineligible> withheld(const request_head& request,
                                   const pool_policy& policy);

/// Whether a URL grants access to whoever knows it: it has user information, or
/// a parameter that is or may be a secret (docs/SECURITY.md, What never leaves).
bool carries_secret(const url& x);

// -- range requests -----------------------------------------------------------

/// Whether what authenticates the user goes along.
enum class credentials { drop, keep };

/// A request for a part of what `original` asked for. With `credentials::keep`,
/// fit only for this device's own connection, all of its fields are kept but
/// those about ranges and conditions, the connection and the body; with `drop`
/// only those that select a representation (RFC 9110, 12.5) and `User-Agent`.
/// `If-Range` is set when `expected` has a strong entity tag (RFC 9110,
/// 13.1.5).
request_head make_range_request(const request_head& original, byte_range range,
                                const representation& expected,
                                credentials what = credentials::keep);

/// The request by which a device fetches for a peer, from nothing but the URL.
request_head make_peer_request(const url& target, byte_range range,
                               const representation& expected);

/// Checks the answer to one of the requests above before a byte of its body is
/// used. Errors: `mismatch` when it is not exactly the range `asked` of the
/// representation `expected` (a 200 among them); `bad_http` when a 206 breaks
/// RFC 9110; `origin_refused` for other statuses, with the seconds or the date
/// of a `Retry-After` in the detail.
result<void> check_range_response(const response_head& response,
                                  byte_range asked,
                                  const representation& expected);

/// How long a `Retry-After` asks to wait, at most a year; a date counts from
/// the response's `Date` on, and for nothing without one (RFC 9110, 10.2.3).
std::optional<std::chrono::seconds> retry_after(const response_head& response);

// -- forwarding ---------------------------------------------------------------

/// Whether an upgrade of the protocol is passed on.
enum class upgrades {
  drop,
  keep,   ///< if `Connection` names it
  require ///< also if it does not: of a 426, which says so by its status
};

/// Removes the fields that concern one connection (RFC 9110, 7.6.1):
/// `Connection` and what it names, and those that old implementations forget
/// to name. An `Upgrade` that stays is named by `Connection`.
void strip_hop_by_hop(http_fields& fields, upgrades what = upgrades::drop);

/// Adds this proxy to `Via` (RFC 9110, 7.6.3); `version` is 10 or 11.
void add_via(http_fields& fields, unsigned version, std::string_view pseudonym);

/// Whether a message passed a proxy called `pseudonym`, compared without case:
/// answered with 508 when it is our own.
bool via_names(const http_fields& fields, std::string_view pseudonym);

} // namespace peapod

#pragma once

#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace peapod {

/// What went wrong, by who can do something about it. Codes from
/// `peer_misbehaved` on are the doing of a remote party; the ones before are
/// ours or the machine's.
enum class errc {
  /// A configuration or command line is not what is expected.
  bad_config,
  /// The operating system refused something; the detail holds its words.
  io_failed,
  /// An address or port is taken.
  address_in_use,
  /// The operating system forbids it to this user.
  permission_denied,
  /// A bound on memory, descriptors or connections is reached.
  limit_reached,
  /// The operation was called off by us.
  cancelled,
  /// There never was such a thing.
  not_found,
  /// There was such a thing, and it has ended.
  gone,
  /// It is not to be done here, whoever asks.
  not_allowed,
  /// A bug of ours: an exception where there should be none.
  internal,
  /// A deadline passed.
  timed_out,
  /// There is no such name.
  dns_failed,
  /// No name server had an answer: it has failed, or none was heard of in time.
  dns_unanswered,
  /// Nobody listens at the address.
  connection_refused,
  /// No way leads to the address.
  unreachable,
  /// The address did not answer in time.
  connect_timed_out,
  /// The other side closed or reset the connection.
  connection_closed,
  /// A TLS handshake failed.
  tls_failed,
  /// The certificate is not one for this host, or not trusted.
  certificate_refused,
  /// The upstream proxy refused to pass it on.
  upstream_refused,
  /// It would come back to ourselves.
  loop_detected,
  /// Our policy forbids to do this for somebody else.
  policy_refused,
  /// Bytes, a frame or a message that break the protocol.
  peer_misbehaved,
  /// A message that does not authenticate or has a wrong hash.
  integrity_failed,
  /// An HTTP message that breaks RFC 9112.
  bad_http,
  /// A response that is not the representation we asked for: another
  /// validator, total length or Content-Range.
  mismatch,
  /// The origin answered with a status that is of no use.
  origin_refused,
};

/// Lower-case words for a code, fit for a log line.
std::string_view to_string(errc code);

/// An error value: a code to act on and a sentence a user can act on.
struct error {
  errc code = errc::io_failed;
  std::string detail;

  bool operator==(const error&) const = default;
};

/// `"code: detail"`.
std::string to_string(const error& x);

/// Called by `result::value()` on an error; reaching it is a bug of ours.
[[noreturn]] inline void
throw_exception_from_error(const error& x, const boost::source_location&) {
  throw std::logic_error("unchecked result: " + to_string(x));
}

/// A value or an error.
template <class T>
using result = boost::system::result<T, error>;

/// Shorthand to return an error from a function that returns a `result`.
inline error make_error(errc code, std::string detail = {}) {
  return {code, std::move(detail)};
}

/// What ends a session whose peer broke the protocol; `detail` says how.
inline error misbehaved(std::string detail) {
  return make_error(errc::peer_misbehaved, std::move(detail));
}

} // namespace peapod

#include "core/error.hpp"

namespace peapod {

std::string_view to_string(errc code) {
  switch (code) {
    case errc::bad_config:
      return "bad configuration";
    case errc::io_failed:
      return "input/output failed";
    case errc::address_in_use:
      return "address in use";
    case errc::permission_denied:
      return "permission denied";
    case errc::limit_reached:
      return "limit reached";
    case errc::cancelled:
      return "cancelled";
    case errc::not_found:
      return "not found";
    case errc::gone:
      return "gone";
    case errc::not_allowed:
      return "not allowed";
    case errc::internal:
      return "internal error";
    case errc::timed_out:
      return "timed out";
    case errc::dns_failed:
      return "name resolution failed";
    case errc::dns_unanswered:
      return "name resolution failed for now";
    case errc::connection_refused:
      return "connection refused";
    case errc::unreachable:
      return "address unreachable";
    case errc::connect_timed_out:
      return "connecting timed out";
    case errc::connection_closed:
      return "connection closed";
    case errc::tls_failed:
      return "TLS failed";
    case errc::certificate_refused:
      return "certificate refused";
    case errc::upstream_refused:
      return "upstream proxy refused";
    case errc::loop_detected:
      return "loop detected";
    case errc::policy_refused:
      return "refused by policy";
    case errc::peer_misbehaved:
      return "peer broke the protocol";
    case errc::integrity_failed:
      return "integrity check failed";
    case errc::bad_http:
      return "malformed HTTP";
    case errc::mismatch:
      return "another representation";
    case errc::origin_refused:
      return "origin refused";
  }
  return "unknown error";
}

std::string to_string(const error& x) {
  std::string out{to_string(x.code)};
  if (!x.detail.empty())
    out += ": " + x.detail;
  return out;
}

} // namespace peapod

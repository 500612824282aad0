#include "hosts/get/get_exit.hpp"

namespace peapod {

namespace {

get_exit exit_of(errc code) {
  switch (code) {
    case errc::certificate_refused:
    case errc::tls_failed:
      return get_exit::tls;
    case errc::origin_refused:
    case errc::bad_http:
      return get_exit::http;
    case errc::io_failed:
    case errc::permission_denied:
      return get_exit::file;
    case errc::integrity_failed:
      return get_exit::checksum;
    case errc::mismatch:
      return get_exit::changed;
    case errc::bad_config:
      return get_exit::usage;
    case errc::cancelled:
      return get_exit::interrupted;
    case errc::timed_out:
    case errc::dns_failed:
    case errc::dns_unanswered:
    case errc::connection_refused:
    case errc::unreachable:
    case errc::connect_timed_out:
    case errc::connection_closed:
    case errc::upstream_refused:
    case errc::loop_detected:
    case errc::policy_refused:
      return get_exit::network;
    default:
      return get_exit::failed;
  }
}

} // namespace

std::string words_for(const error& why) {
  if (why.detail.empty())
    return std::string{to_string(why.code)};
  switch (why.code) {
    // Sentences that need no more words.
    case errc::bad_config:
    case errc::io_failed:
    case errc::permission_denied:
    case errc::origin_refused:
      return why.detail;
    // The only proxy that these commands use.
    case errc::upstream_refused:
      return "the daemon refused: " + why.detail;
    default:
      return to_string(why);
  }
}

get_failure as_failure(const error& why) {
  return {exit_of(why.code), words_for(why)};
}

bool may_pass(const error& why) {
  switch (why.code) {
    case errc::timed_out:
    case errc::dns_unanswered:
    case errc::unreachable:
    case errc::connect_timed_out:
    case errc::connection_closed:
    case errc::upstream_refused:
      return true;
    default:
      return false;
  }
}

} // namespace peapod

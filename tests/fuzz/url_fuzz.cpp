// A URL or an authority has the host and port that another parser of the
// same standard finds in it, and is the same when it is written and read again.

#include "core/address_policy.hpp"
#include "core/http_message.hpp"
#include "tests/fuzz/check.hpp"

#include <boost/url/authority_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

using namespace peapod;

namespace {

bool is_host(std::string_view host) {
  auto control = [](unsigned char c) { return c <= 0x20 || c == 0x7f; };
  return !host.empty() && host.size() <= 255
         && std::ranges::none_of(host, control)
         && host.find_first_of("/?#@\\%[]") == host.npos
         && (host.find(':') == host.npos || parse_ip(host));
}

/// `other` is a `url_view` or `authority_view` of Boost.URL.
template <class View>
void check_same(const View& other, std::string_view host, uint16_t port) {
  std::string_view theirs{other.encoded_host_address().data(),
                          other.encoded_host_address().size()};
  check(equal_ignoring_case(theirs, host), "another parser sees another host");
  check(other.port().empty() || other.port_number() == port,
        "another parser sees another port");
}

void check_url(std::string_view text) {
  auto x = parse_url(text);
  check(x || x.error().code == errc::bad_http, "another code");
  if (!x)
    return;
  check(is_host(x->host) && x->port != 0, "no host or no port");
  check(x->scheme == "http" || x->scheme == "https", "another scheme");
  check(x->target.starts_with('/') && x->target.find('#') == text.npos,
        "not a target in origin form");
  auto again = parse_url(x->text());
  check(again && again->text() == x->text() && again->host == x->host
            && again->port == x->port && !again->has_userinfo,
        "a URL changes when it is parsed again");
  auto other = boost::urls::parse_uri({text.data(), text.size()});
  // Boost 1.81 ends an authority behind `1.2.3.4` or `[::]`, whatever follows.
  if (other && (other->encoded_path().empty() || other->is_path_absolute()))
    check_same(*other, x->host, x->port);
}

void check_authority(std::string_view text, uint16_t default_port) {
  auto x = parse_host_port(text, default_port);
  check(x || x.error().code == errc::bad_http, "another code");
  if (!x)
    return;
  check(is_host(x->host) && x->port != 0, "no host or no port");
  check(parse_host_port(to_string(*x)).value() == *x,
        "an authority changes when it is parsed again");
  if (auto other = boost::urls::parse_authority({text.data(), text.size()}))
    check_same(*other, x->host, x->port);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in{reinterpret_cast<const char*>(data), size};
  check_url(in);
  check_authority(in, 0);
  check_authority(in, 80);
  return 0;
}

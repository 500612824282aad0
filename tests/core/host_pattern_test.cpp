#define CAF_SUITE host_pattern

#include "core/host_pattern.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

bool meant(std::initializer_list<const char*> list, std::string_view host,
           uint16_t port = 80) {
  std::vector<host_pattern> out;
  for (auto text : list)
    out.push_back(parse_host_pattern(text).value());
  return covers(out, host, port);
}

} // namespace

CAF_TEST(a name means the host and all below it) {
  for (auto text : {"corp.example", ".corp.example", "*.corp.example",
                    "Corp.Example", "corp.example."}) {
    CAF_CHECK(meant({text}, "corp.example"));
    CAF_CHECK(meant({text}, "www.corp.example", 443));
    CAF_CHECK(meant({text}, "www.corp.example."));
    CAF_CHECK(!meant({text}, "notcorp.example"));
    CAF_CHECK(!meant({text}, "corp.example.org"));
    CAF_CHECK(!meant({text}, "192.0.2.1"));
  }
}

CAF_TEST(one of several is enough and none of none) {
  CAF_CHECK(meant({"a.example", "b.example"}, "b.example"));
  CAF_CHECK(!meant({"a.example", "b.example"}, "c.example"));
  CAF_CHECK(!meant({}, "a.example"));
  CAF_CHECK(meant({"*"}, "a.example"));
}

CAF_TEST(an address in another form is the same address) {
  CAF_CHECK(meant({"192.0.2.0/24"}, "::ffff:192.0.2.9"));
  CAF_CHECK(meant({"2001:db8::/32"}, "2001:DB8::1"));
  CAF_CHECK(meant({"[2001:db8::1]:8080"}, "2001:db8:0::1", 8080));
  CAF_CHECK(!meant({"[2001:db8::1]:8080"}, "2001:db8::1", 80));
}

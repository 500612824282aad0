#define CAF_SUITE http_semantics_forwarding

#include "tests/core/http_semantics_fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::test;

CAF_TEST(fields of one connection are not passed on) {
  http_fields fields{{"Host", "a"},
                     {"Connection", "close, X-One, host"},
                     {"connection", "x-two"},
                     {"X-One", "1"},
                     {"X-Two", "2"},
                     {"X-Three", "3"},
                     {"Keep-Alive", "1"},
                     {"Proxy-Connection", "close"},
                     {"Proxy-Authorization", "x"},
                     {"Proxy-Status", "x"},
                     {"PeaPod-Exit", "own"},
                     {"TE", "trailers"},
                     {"Trailer", "X"},
                     {"Transfer-Encoding", "chunked"},
                     {"Upgrade", "h2c"}};
  strip_hop_by_hop(fields);
  CAF_CHECK(
      fields
      == (http_fields{{"Host", "a"}, {"X-Three", "3"}, {"Proxy-Status", "x"}}));
}

CAF_TEST(an upgrade is passed on only when asked for and announced) {
  http_fields fields{{"Connection", "keep-alive, Upgrade"},
                     {"Upgrade", "websocket"}};
  auto kept = fields;
  strip_hop_by_hop(kept, upgrades::keep);
  CAF_CHECK(
      kept
      == (http_fields{{"Connection", "Upgrade"}, {"Upgrade", "websocket"}}));
  strip_hop_by_hop(fields);
  CAF_CHECK_EQUAL(fields.size(), 0u);
  http_fields unannounced{{"Upgrade", "websocket"}};
  strip_hop_by_hop(unannounced, upgrades::keep);
  CAF_CHECK_EQUAL(unannounced.size(), 0u);
}

CAF_TEST(an answer that demands an upgrade keeps it however it is announced) {
  for (const auto* connection : {"close", "Upgrade", "close, upgrade"}) {
    http_fields fields{{"Connection", connection},
                       {"Upgrade", "websocket, h2c"},
                       {"Upgrade", "IRC/6.9"}};
    strip_hop_by_hop(fields, upgrades::require);
    CAF_CHECK(fields
              == (http_fields{{"Connection", "Upgrade"},
                              {"Upgrade", "websocket, IRC/6.9"}}));
  }
  for (http_fields none : {http_fields{{"Connection", "upgrade"}},
                           http_fields{{"Upgrade", "h2c"}}}) {
    strip_hop_by_hop(none, upgrades::require);
    CAF_CHECK_EQUAL(none.size(), 0u);
  }
}

CAF_TEST(a proxy recognizes itself in via) {
  http_fields fields{{"Via", "1.0 fred, HTTP/1.1 other (peapod-1)"}};
  CAF_CHECK(!via_names(fields, "peapod-1"));
  add_via(fields, 11, "peapod-1");
  CAF_CHECK(via_names(fields, "PeaPod-1"));
  CAF_CHECK(!via_names(fields, "peapod"));
  CAF_CHECK(via_names(fields, "other"));
  CAF_CHECK(!via_names({{"Via", "1.1"}}, ""));
  CAF_CHECK_EQUAL(fields.joined("Via"),
                  "1.0 fred, HTTP/1.1 other (peapod-1), 1.1 peapod-1");
  http_fields old;
  add_via(old, 10, "p");
  CAF_CHECK_EQUAL(old.joined("Via"), "1.0 p");
}

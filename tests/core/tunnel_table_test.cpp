#define CAF_SUITE tunnel_table

#include "core/tunnel_table.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using verdict = tunnel_table::verdict;
using wire2::tunnel_end;

namespace {

constexpr uint64_t window = wire2::initial_tunnel_credit;

struct tunnel_table_fixture {
  tunnel_table_fixture() {
    table.add(2, true);
    table.add(3, false);
  }

  tunnel_table table;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(tunnel_table_tests, tunnel_table_fixture)

CAF_TEST(a number means one tunnel) {
  CAF_CHECK(!table.add(2, true));
  CAF_CHECK(!table.add(2, false));
  CAF_CHECK(table.add(4, true));
  CAF_CHECK_EQUAL(table.size(), 3u);
}

CAF_TEST(nothing goes through a tunnel that is not open) {
  CAF_CHECK(!table.send(2, 1));
  CAF_CHECK(!table.send(3, 1));
  CAF_CHECK(table.data(2, 1) == verdict::wrong);
  CAF_CHECK(table.data(3, 1) == verdict::wrong);
  CAF_CHECK(table.credit(3, 1) == verdict::wrong);
  CAF_CHECK(!table.close(2, tunnel_end::finished));
  CAF_CHECK(table.closed(3, tunnel_end::finished) == verdict::wrong);
}

CAF_TEST(who was asked opens a tunnel once) {
  CAF_CHECK(table.opened(2) == verdict::good);
  CAF_CHECK(table.opened(2) == verdict::wrong);
  CAF_CHECK(table.opened(3) == verdict::wrong);
  CAF_CHECK(table.accept(3));
  CAF_CHECK(!table.accept(3));
  CAF_CHECK(!table.accept(2));
}

CAF_TEST(nobody sends more than there is credit for) {
  table.opened(2);
  CAF_CHECK(table.send(2, window));
  CAF_CHECK(!table.send(2, 1));
  CAF_CHECK(table.credit(2, 10) == verdict::good);
  CAF_CHECK(!table.send(2, 11));
  CAF_CHECK(table.send(2, 10));
  CAF_CHECK(table.data(2, window) == verdict::good);
  CAF_CHECK(table.data(2, 1) == verdict::wrong);
  CAF_CHECK(table.grant(2, 5));
  CAF_CHECK(table.data(2, 5) == verdict::good);
  CAF_CHECK(!table.grant(2, 0));
}

CAF_TEST(credit beyond all bounds is refused) {
  table.opened(2);
  CAF_CHECK(table.credit(2, UINT32_MAX) == verdict::wrong);
  CAF_CHECK(table.credit(2, UINT32_MAX - window) == verdict::good);
}

CAF_TEST(each direction ends by itself) {
  table.opened(2);
  CAF_CHECK(table.close(2, tunnel_end::finished));
  CAF_CHECK(!table.send(2, 1));
  CAF_CHECK(!table.close(2, tunnel_end::finished));
  CAF_CHECK(table.data(2, 1) == verdict::good);
  CAF_CHECK(table.contains(2));
  CAF_CHECK(table.closed(2, tunnel_end::finished) == verdict::good);
  CAF_CHECK(!table.contains(2));
}

CAF_TEST(nothing follows the end of a direction) {
  table.accept(3);
  CAF_CHECK(table.closed(3, tunnel_end::finished) == verdict::good);
  CAF_CHECK(table.data(3, 1) == verdict::wrong);
  CAF_CHECK(table.closed(3, tunnel_end::finished) == verdict::wrong);
  CAF_CHECK(!table.grant(3, 1));
  CAF_CHECK(table.send(3, 1));
}

CAF_TEST(a tunnel that broke is forgotten and what comes of it is late) {
  table.opened(2);
  CAF_CHECK(table.close(2, tunnel_end::reset));
  CAF_CHECK(!table.contains(2));
  CAF_CHECK(table.data(2, 1) == verdict::late);
  CAF_CHECK(table.credit(2, 1) == verdict::late);
  CAF_CHECK(table.opened(2) == verdict::late);
  CAF_CHECK(table.closed(2, tunnel_end::reset) == verdict::late);
  CAF_CHECK(!table.close(2, tunnel_end::reset));
  CAF_CHECK(table.closed(3, tunnel_end::policy_refused) == verdict::good);
  CAF_CHECK(!table.contains(3));
}

CAF_TEST_FIXTURE_SCOPE_END()

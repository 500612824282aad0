#define CAF_SUITE busy_origin

#include "tests/actors/scripted_peer.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

const hello_extension ours{1, 0, "friend"};
constexpr uint16_t busy = 5;
constexpr uint16_t unavailable = 3;

struct busy_origin_fixture : pod_fixture {
  device_ptr x = add_device();

  busy_origin_fixture() {
    go_online(*x);
    server->size = 4'000'000;
  }

  representation version() const {
    return {server->etag, {}, server->size};
  }

  /// The codes of the nacks that a peer got.
  static std::vector<uint16_t> codes(const scripted_peer& peer) {
    std::vector<uint16_t> out;
    for (auto& y : peer.got<nack>())
      out.push_back(y.reason ? y.reason->code : 0);
    return out;
  }

  /// The origin answers `status`, perhaps with a `Retry-After`.
  void answer(unsigned status, const std::string& retry_after = {}) {
    server->status = status;
    server->twist = [retry_after](auto&, response_head& head, auto&) {
      if (!retry_after.empty())
        head.fields.add("Retry-After", retry_after);
    };
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(busy_origin_tests, busy_origin_fixture)

CAF_TEST(
    peers are told that an origin is busy and it rests as long as it asks) {
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  answer(429, "5");
  peer.ask({0, 1000}, version());
  pass(100ms);
  CAF_CHECK_EQUAL(codes(peer), std::vector<uint16_t>{busy});
  CAF_CHECK_EQUAL(server->requests.size(), 1u);
  // Nobody troubles it before its time.
  answer(0);
  server->twist = nullptr;
  pass(4s);
  peer.ask({0, 1000}, version());
  pass(100ms);
  CAF_CHECK_EQUAL(codes(peer), (std::vector<uint16_t>{busy, busy}));
  CAF_CHECK_EQUAL(server->requests.size(), 1u);
  pass(1s);
  peer.ask({0, 1000}, version());
  pass(100ms);
  CAF_CHECK_EQUAL(peer.got<chunk_data>().size(), 1u);
}

CAF_TEST(a service that is out of order is not called busy) {
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  answer(503);
  peer.ask({0, 1000}, version());
  pass(100ms);
  CAF_CHECK_EQUAL(codes(peer), std::vector<uint16_t>{unavailable});
}

CAF_TEST(an origin that turns a second request away is busy) {
  x->wan->rate = 1000;
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  peer.ask({0, 100'000}, version());
  pass(100ms);
  answer(503);
  peer.ask({100'000, 200'000}, version());
  pass(100ms);
  CAF_CHECK_EQUAL(codes(peer), std::vector<uint16_t>{busy});
}

CAF_TEST(a peer whose origin is busy stays a good peer) {
  scripted_peer peer{*this, *x, ours};
  unsigned asked = 0;
  peer.on_request = [&](const chunk_request& ask) {
    ++asked;
    peer.send(nack{ask.transfer, ask.range, nack_reason{busy, "later"}});
  };
  pass(1500ms);
  x->wan->rate = 400'000;
  auto client = connect(*x);
  client->ask(get_file());
  CAF_CHECK(pass_until([&] { return client->complete; }, 30s));
  CAF_CHECK(is_content(client->body, {0, server->size}));
  // Asked for less and less, and never set aside.
  CAF_CHECK(asked > 1);
  CAF_CHECK_LESS(asked, 12u);
  auto all = status(*x).peers;
  CAF_REQUIRE_EQUAL(all.size(), 1u);
  CAF_CHECK_EQUAL(all[0].state, "connected");
}

CAF_TEST_FIXTURE_SCOPE_END()

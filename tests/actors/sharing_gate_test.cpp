#define CAF_SUITE sharing_gate

#include "actors/sharing.hpp"

#include "tests/actors/scripted_peer.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

/// A device that shares under rules, and a peer that asks it.
struct sharing_gate_fixture : pod_fixture {
  device_ptr x = add_device();
  std::unique_ptr<scripted_peer> peer;
  uint32_t today = 20260110;

  void start(sharing_config config, bool foreign = false) {
    server->size = 4'000'000;
    x->wan->rate = 1'000'000;
    go_online(*x);
    use(std::move(config));
    peer = std::make_unique<scripted_peer>(
        *this, *x,
        foreign ? std::nullopt
                : std::optional{hello_extension{1, 0, "friend"}});
    pass(1500ms);
  }

  void use(sharing_config config) {
    x->env->sharing = std::make_shared<sharing_gate>(
        std::move(config), quota_usage{}, [this] {
          return local_time{today, today / 100, 1h, 24h, instant{}};
        });
  }

  static sharing_config with_quota(uint64_t per_day) {
    sharing_config out;
    out.limits = {per_day, 0};
    return out;
  }

  static sharing_config without_host(const char* host) {
    sharing_config out;
    out.never_hosts = {*parse_host_pattern(host)};
    return out;
  }

  void ask(byte_range range) {
    peer->ask(range, representation{server->etag, {}, server->size});
  }

  uint64_t used() const {
    return x->env->sharing->state().used.day_bytes;
  }

  size_t brought() const {
    return peer->got<chunk_data>().size();
  }

  /// Code and text of the only nack.
  std::pair<unsigned, std::string> refusal() {
    auto all = peer->got<nack>();
    CAF_REQUIRE_EQUAL(all.size(), 1u);
    CAF_REQUIRE(all[0].reason.has_value());
    return {all[0].reason->code, all[0].reason->text};
  }

  /// Every request to the origin is redirected once, to `where`.
  void redirect_to(std::string where) {
    server->twist = [where](const request_head& ask, response_head& head,
                            byte_range& range) {
      if (ask.target.host != "origin.example")
        return;
      head.status = 302;
      head.fields.set("Location", where);
      range = {};
    };
  }
};

constexpr unsigned refused = 1, unavailable = 3;

} // namespace

CAF_TEST_FIXTURE_SCOPE(sharing_gate_tests, sharing_gate_fixture)

// -- accounts -----------------------------------------------------------------

CAF_TEST(what was fetched for a peer counts) {
  start(with_quota(100'000));
  ask({0, 60'000});
  pass(200ms);
  CAF_CHECK_EQUAL(brought(), 1u);
  CAF_CHECK_EQUAL(used(), 60'000u);
}

CAF_TEST(a peer is told not now when the quota of the day is used up) {
  start(with_quota(100'000));
  ask({0, 60'000});
  pass(200ms);
  ask({60'000, 120'000});
  pass(200ms);
  CAF_CHECK_EQUAL(brought(), 1u);
  CAF_CHECK(refusal()
            == std::pair(unavailable, std::string{"not now: the quota of the "
                                                  "day is used up"}));
  today = 20260111;
  ask({60'000, 120'000});
  pass(200ms);
  CAF_CHECK_EQUAL(brought(), 2u);
  CAF_CHECK_EQUAL(used(), 60'000u);
}

CAF_TEST(ranges side by side do not exceed the quota) {
  start(with_quota(100'000));
  for (uint64_t i = 0; i < 4; ++i)
    ask({i * 40'000, (i + 1) * 40'000});
  pass(500ms);
  CAF_CHECK_EQUAL(brought(), 2u);
  CAF_CHECK_EQUAL(peer->got<nack>().size(), 2u);
  CAF_CHECK_EQUAL(used(), 80'000u);
}

CAF_TEST(what has come of a range counts when its peer leaves) {
  start(with_quota(1'000'000));
  ask({0, 1'000'000});
  pass(400ms);
  CAF_CHECK_EQUAL(used(), 0u);
  peer->stream->close();
  settle();
  pass(100ms);
  CAF_CHECK(used() > 300'000 && used() < 500'000);
  CAF_CHECK_EQUAL(x->wan->exchanges.size(), 0u);
  // The rest may be given to others.
  auto left = x->env->sharing->offers({}).left_today;
  CAF_CHECK(left == 1'000'000 - used());
}

CAF_TEST(a range that the origin refuses costs nothing) {
  start(with_quota(100'000));
  server->status = 404;
  ask({0, 60'000});
  pass(100ms);
  CAF_CHECK(refusal().first == refused);
  CAF_CHECK_EQUAL(used(), 0u);
  CAF_CHECK(x->env->sharing->offers({}).left_today == uint64_t{100'000});
}

// -- pauses -------------------------------------------------------------------

CAF_TEST(a pause lets ranges that have begun come to their end) {
  start({});
  ask({0, 500'000});
  pass(100ms);
  x->env->sharing->observe({true, {}, {}, {}});
  ask({500'000, 600'000});
  CAF_CHECK(refusal()
            == std::pair(unavailable,
                         std::string{"not now: the connection is metered"}));
  pass(1s);
  CAF_CHECK_EQUAL(brought(), 1u);
  x->env->sharing->observe({false, {}, {}, {}});
  ask({500'000, 600'000});
  pass(500ms);
  CAF_CHECK_EQUAL(brought(), 2u);
}

CAF_TEST(a foreign daemon is not told but let go) {
  start({}, true);
  x->env->sharing->observe({{}, true, {}, {}});
  peer->ask({0, 1000});
  pass(100ms);
  CAF_CHECK(peer->got<nack>().empty());
  CAF_CHECK(peer->is_closed());
}

// -- what is refused for good -------------------------------------------------

CAF_TEST(a peer that the user has left out is refused) {
  start({});
  sharing_config config;
  config.never_peers = {peer->id()};
  use(config);
  ask({0, 1000});
  CAF_CHECK(refusal()
            == std::pair(refused, std::string{"this device does not share"}));
  CAF_CHECK(server->requests.empty());
}

CAF_TEST(a host that is never fetched from is not even asked) {
  start(without_host("example"));
  ask({0, 1000});
  CAF_CHECK(refusal().first == refused);
  CAF_CHECK(server->requests.empty());
}

CAF_TEST(a redirect to such a host is not followed) {
  start(without_host("inner.example"));
  redirect_to("http://www.inner.example/file");
  ask({0, 1000});
  pass(100ms);
  CAF_CHECK(refusal().first == refused);
  CAF_CHECK_EQUAL(server->requests.size(), 1u);
  CAF_CHECK_EQUAL(used(), 0u);
}

CAF_TEST(a redirect to another host is followed and counts once) {
  start(without_host("inner.example"));
  redirect_to("http://mirror.example/file");
  ask({0, 1000});
  pass(100ms);
  CAF_CHECK_EQUAL(brought(), 1u);
  CAF_CHECK_EQUAL(server->requests.size(), 2u);
  CAF_CHECK_EQUAL(used(), 1000u);
}

CAF_TEST(a redirect relative to where it was found is followed) {
  start({});
  server->twist = [](const request_head& ask, response_head& head,
                     byte_range& range) {
    if (ask.target.target.starts_with("/moved/"))
      return;
    head.status = 302;
    head.fields.set("Location", "moved/file?a=b");
    range = {};
  };
  ask({0, 1000});
  pass(100ms);
  CAF_CHECK_EQUAL(brought(), 1u);
  CAF_REQUIRE_EQUAL(server->requests.size(), 2u);
  CAF_CHECK_EQUAL(server->requests[1].target.text(),
                  "http://origin.example/moved/file?a=b");
}

CAF_TEST(no redirect leads from https to http) {
  start({});
  for (auto scheme : {"http", "https"}) {
    redirect_to(std::string{scheme} + "://mirror.example/file");
    chunk_request ask;
    ask.range = {0, 1000};
    ask.url = "https://origin.example/file";
    ask.expected = representation{server->etag, {}, server->size};
    peer->send(ask);
    pass(100ms);
  }
  CAF_CHECK_EQUAL(brought(), 1u);
  CAF_CHECK_EQUAL(refusal().first, refused);
  CAF_REQUIRE_EQUAL(server->requests.size(), 3u);
  CAF_CHECK_EQUAL(server->requests[2].target.text(),
                  "https://mirror.example/file");
}

CAF_TEST_FIXTURE_SCOPE_END()

#define CAF_SUITE crash

#include "tests/actors/tree_fixture.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

constexpr uint64_t rate = 2'000'000;

struct crash_fixture : tree_fixture {
  /// A pod of three with a download that has begun.
  std::shared_ptr<browser> begin_download(uint64_t size = 8'000'000) {
    for (int i = 0; i < 3; ++i)
      add_device()->wan->rate = rate;
    form_pod();
    server->size = size;
    auto out = download(*devices[0]);
    pass(600ms);
    CAF_REQUIRE(!out->complete);
    return out;
  }

  bool completes(const std::shared_ptr<browser>& x, duration limit = 10s) {
    return pass_until([&] { return x->complete; }, limit)
           && is_content(x->body, {0, server->size});
  }

  tree& mine() {
    return *devices[0];
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(crash_tests, crash_fixture)

CAF_TEST(chunks of a session that crashes are leased again within 100 ms) {
  auto client = begin_download();
  crash(first(mine(), "peer_session"));
  pass(100ms);
  CAF_CHECK(count_events(mine(), event_kind::lease_lost) > 0);
  CAF_CHECK(count_events(mine(), event_kind::lease_moved) > 0);
  CAF_CHECK(completes(client, 4s));
  auto crashes = mine().actors->crashes();
  CAF_REQUIRE_EQUAL(crashes.size(), 1u);
  CAF_CHECK_EQUAL(crashes[0].name, "peer_session");
  CAF_CHECK_EQUAL(crashes[0].reason, "crashed by a test");
  CAF_CHECK(!crashes[0].recent.empty());
  CAF_REQUIRE(crashes[0].data.has_value());
  CAF_CHECK(crashes[0].data->find("\"open\": true") != std::string::npos);
}

CAF_TEST(nothing is fetched any more for a session that has crashed) {
  auto client = begin_download();
  auto& theirs = *devices[1];
  CAF_REQUIRE(!theirs.wan->exchanges.empty());
  for (auto& session : all(theirs, "peer_session"))
    crash(session);
  pass(20ms);
  CAF_CHECK(theirs.wan->exchanges.empty());
  CAF_CHECK(completes(client));
}

CAF_TEST(a session that crashed is dialled again within a second) {
  for (int i = 0; i < 2; ++i)
    add_device();
  form_pod();
  // Chance decides the delay, so one crash would prove little.
  for (int i = 0; i < 200; ++i) {
    // The session counts as stable; the roster's tick is anywhere.
    pass(11s + random() % 50 * 5ms, 50ms);
    auto dialled = net.wires.size();
    crash(first(mine(), "peer_session"));
    CAF_CHECK_EQUAL(net.wires.size(), dialled);
    CAF_CHECK(pass_until([&] { return net.wires.size() > dialled; }, 1s));
    CAF_CHECK(
        pass_until([&] { return !all(mine(), "peer_session").empty(); }, 1s));
  }
}

CAF_TEST(a transfer that crashes is replaced from where the client is) {
  auto client = begin_download();
  auto before = client->body.size();
  CAF_REQUIRE(before > 0);
  crash(first(mine(), "transfer"));
  CAF_CHECK(completes(client));
  CAF_CHECK(!client->aborted);
  CAF_CHECK_EQUAL(count_events(mine(), event_kind::transfer_replaced), 1u);
  CAF_CHECK_EQUAL(count_events(mine(), event_kind::transfer_opened), 2u);
}

CAF_TEST(a second crash lets the rest of the body pass through) {
  auto client = begin_download();
  crash(first(mine(), "transfer"));
  pass(300ms);
  crash(first(mine(), "transfer"));
  CAF_CHECK(completes(client));
  CAF_CHECK(!client->aborted);
  CAF_CHECK_EQUAL(count_events(mine(), event_kind::transfer_replaced), 2u);
  CAF_CHECK_EQUAL(count_events(mine(), event_kind::transfer_opened), 2u);
  CAF_CHECK(all(mine(), "transfer").empty());
}

CAF_TEST(a crash before the first byte loses nothing) {
  for (int i = 0; i < 2; ++i)
    add_device()->wan->rate = rate;
  form_pod();
  server->size = 4'000'000;
  auto client = download(mine());
  crash(first(mine(), "transfer"));
  CAF_CHECK(completes(client));
}

CAF_TEST(a body that has changed is not continued after a crash) {
  auto client = begin_download();
  auto kept = client->body;
  server->etag = "\"v2\"";
  crash(first(mine(), "transfer"));
  pass(200ms);
  CAF_CHECK(client->aborted);
  CAF_CHECK(!client->complete);
  CAF_CHECK(is_content(client->body, {0, client->body.size()}));
  CAF_CHECK(client->body.size() >= kept.size());
}

CAF_TEST(what a crashed transfer had brought ends as failed in the status) {
  begin_download();
  crash(first(mine(), "transfer"));
  pass(1s);
  bool failed = false;
  mine().actors->status([&](result<pod_status> x) {
    CAF_REQUIRE(x);
    for (auto& y : x->transfers)
      failed |= y.state == "failed: it has crashed";
  });
  pass(100ms);
  CAF_CHECK(failed);
}

CAF_TEST(a download survives the crash of the scheduler) {
  auto client = begin_download();
  auto old = first(mine(), "scheduler")->id;
  crash(first(mine(), "scheduler"));
  auto successor = first(mine(), "scheduler");
  CAF_REQUIRE(successor != nullptr);
  CAF_CHECK(successor->id != old);
  CAF_CHECK(completes(client, 5s));
  CAF_CHECK_EQUAL(count_events(mine(), event_kind::transfer_replaced), 0u);
  // Peers still help the next one.
  auto next = download(mine());
  CAF_CHECK(pass_until([&] { return next->complete; }, 2500ms));
}

CAF_TEST(a scheduler may crash again and again) {
  auto client = begin_download();
  for (int i = 0; i < 4; ++i) {
    crash(first(mine(), "scheduler"));
    pass(400ms);
  }
  CAF_CHECK(completes(client));
}

CAF_TEST(a download survives the crash of everything that is restarted) {
  auto client = begin_download(12'000'000);
  for (auto name : {"wan_fetcher", "discovery_listener", "peer_acceptor",
                    "proxy_acceptor", "roster", "console"}) {
    CAF_MESSAGE(name);
    auto old = first(mine(), name);
    crash(old);
    pass(20ms);
    auto successor = first(mine(), name);
    CAF_REQUIRE(successor != nullptr);
    CAF_CHECK(successor->id != old->id);
    CAF_CHECK(!client->aborted);
  }
  CAF_CHECK(completes(client));
}

CAF_TEST(a client connection that crashes costs only its client) {
  auto client = begin_download();
  auto other = download(mine());
  pass(100ms);
  auto connections = all(mine(), "proxy_connection");
  CAF_REQUIRE_EQUAL(connections.size(), 2u);
  crash(connections[0]);
  pass(50ms);
  CAF_CHECK(client->aborted);
  CAF_CHECK(!client->complete);
  CAF_CHECK(completes(other));
  CAF_CHECK(all(mine(), "transfer").empty());
}

CAF_TEST(a fetcher that fails for good takes the program down) {
  add_device();
  for (int i = 0; i < 2000 && mine().gave_up.empty(); ++i) {
    if (auto who = first(mine(), "wan_fetcher"))
      crash(who);
    pass(50ms);
  }
  CAF_REQUIRE_EQUAL(mine().gave_up.size(), 1u);
  CAF_CHECK(mine().gave_up[0].find("root_supervisor gives up")
            != std::string::npos);
  CAF_CHECK(count_events(mine(), event_kind::gave_up, "wan_supervisor") >= 5);
  // What is counted for the metrics outlives the supervisors that counted.
  CAF_CHECK(mine().env().live->restarts().at("wan_fetcher") > 5);
  CAF_CHECK(mine().env().live->records().empty());
}

CAF_TEST(an exception outside of actors restarts what uses sockets) {
  add_device()->wan->rate = rate;
  auto scheduler = first(mine(), "scheduler")->id;
  auto acceptor = first(mine(), "proxy_acceptor")->id;
  mine().actors->io_failed("thrown by a test");
  pass(50ms);
  CAF_CHECK_EQUAL(first(mine(), "scheduler")->id, scheduler);
  CAF_REQUIRE(first(mine(), "proxy_acceptor") != nullptr);
  CAF_CHECK(first(mine(), "proxy_acceptor")->id != acceptor);
  server->size = 1000;
  CAF_CHECK(completes(download(mine())));
}

CAF_TEST(a port that fails by a bug crashes the actor that waits for it) {
  add_device()->wan->rate = rate;
  mine().wan->fails = make_error(errc::internal, "a bug in a port");
  auto client = download(mine());
  pass(50ms);
  CAF_CHECK(client->aborted);
  auto crashes = mine().actors->crashes();
  CAF_REQUIRE_EQUAL(crashes.size(), 1u);
  CAF_CHECK_EQUAL(crashes[0].name, "proxy_connection");
  CAF_CHECK_EQUAL(crashes[0].reason, "a bug in a port");
}

CAF_TEST_FIXTURE_SCOPE_END()

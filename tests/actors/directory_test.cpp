#define CAF_SUITE directory

#include "tests/actors/tree_fixture.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

struct directory_fixture : tree_fixture {
  tree& mine() {
    return *devices[0];
  }

  std::shared_ptr<tree> add_disturbable() {
    pod_config config;
    config.fault_injection = true;
    auto out = add_device(config);
    out->wan->rate = 2'000'000;
    return out;
  }

  std::vector<actor_row> rows() {
    std::optional<std::vector<actor_row>> out;
    mine().actors->actors([&](auto xs) { out = std::move(xs); });
    CAF_REQUIRE(pass_until([&] { return out.has_value(); }, 1s));
    return *out;
  }

  result<actor_page> page(actor_number id) {
    std::optional<result<actor_page>> out;
    mine().actors->actor(id, [&](auto x) { out = std::move(x); });
    CAF_REQUIRE(pass_until([&] { return out.has_value(); }, 1s));
    return *out;
  }

  result<void> kill(actor_number id) {
    std::optional<result<void>> out;
    mine().actors->kill(id, [&](auto x) { out = x; });
    CAF_REQUIRE(pass_until([&] { return out.has_value(); }, 15s));
    return *out;
  }

  result<actor_number> restart(actor_number id) {
    std::optional<result<actor_number>> out;
    mine().actors->restart(id, [&](auto x) { out = x; });
    CAF_REQUIRE(pass_until([&] { return out.has_value(); }, 20s));
    return *out;
  }

  actor_number id_of(const std::string& name) {
    auto who = first(mine(), name);
    CAF_REQUIRE(who != nullptr);
    return who->id;
  }

  std::vector<std::string> names() {
    std::vector<std::string> out;
    for (auto& x : rows())
      out.push_back(x.name);
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(directory_tests, directory_fixture)

// -- looking ------------------------------------------------------------------

CAF_TEST(every actor of an idle pod is listed below its supervisor) {
  add_device();
  auto xs = rows();
  std::map<std::string, std::string> parents;
  std::map<actor_number, std::string> by_id;
  for (auto& x : xs)
    by_id[x.id] = x.name;
  for (auto& x : xs) {
    CAF_CHECK(x.answered);
    parents[x.name] = x.parent ? by_id[*x.parent] : "";
  }
  std::map<std::string, std::string> expected{
      {"root_supervisor", ""},
      {"scheduling_supervisor", "root_supervisor"},
      {"scheduler", "scheduling_supervisor"},
      {"exits", "scheduling_supervisor"},
      {"wan_supervisor", "root_supervisor"},
      {"wan_fetcher", "wan_supervisor"},
      {"gateway_supervisor", "root_supervisor"},
      {"transfer_supervisor", "gateway_supervisor"},
      {"relay_supervisor", "gateway_supervisor"},
      {"proxy_supervisor", "gateway_supervisor"},
      {"proxy_acceptor", "gateway_supervisor"},
      {"mesh_supervisor", "root_supervisor"},
      {"roster", "mesh_supervisor"},
      {"session_supervisor", "mesh_supervisor"},
      {"exit_tunnel_supervisor", "mesh_supervisor"},
      {"peer_acceptor", "mesh_supervisor"},
      {"discovery_listener", "mesh_supervisor"},
      {"console", "root_supervisor"},
  };
  CAF_CHECK(parents == expected);
}

CAF_TEST(the actors of a download appear with what they are about and go) {
  add_device()->wan->rate = 2'000'000;
  add_device()->wan->rate = 2'000'000;
  form_pod();
  server->size = 4'000'000;
  auto client = download(mine());
  pass(300ms);
  std::map<std::string, actor_row> found;
  for (auto& x : rows())
    found[x.name] = x;
  CAF_REQUIRE(found.contains("transfer"));
  CAF_CHECK_EQUAL(found["transfer"].about, "origin.example");
  CAF_CHECK_EQUAL(found["peer_session"].about, "device 2");
  CAF_CHECK_EQUAL(found["proxy_connection"].about, "origin.example");
  CAF_CHECK(found["transfer"].restart == restart_type::temporary);
  CAF_CHECK(found["transfer"].handled > 0);
  // They end together.
  using links = std::vector<actor_number>;
  CAF_CHECK_EQUAL(found["transfer"].links, links{found["proxy_connection"].id});
  CAF_CHECK_EQUAL(found["proxy_connection"].links, links{found["transfer"].id});
  CAF_CHECK(pass_until([&] { return client->complete; }));
  client->hang_up();
  pass(20ms);
  for (auto& name : names())
    CAF_CHECK(name != "transfer" && name != "proxy_connection");
}

CAF_TEST(the page of an actor has its state and its last messages) {
  add_device();
  auto x = page(id_of("roster"));
  CAF_REQUIRE(x);
  CAF_REQUIRE(x->data.has_value());
  CAF_CHECK(x->data->find("\"sessions\": []") != std::string::npos);
  CAF_REQUIRE(!x->recent.empty());
  CAF_CHECK_EQUAL(x->recent[0].type, "start_work");
  CAF_CHECK_EQUAL(x->recent[0].to, x->row.id);
}

CAF_TEST(an unknown actor is not found and one that has ended is gone) {
  add_device();
  CAF_CHECK(page(987654).error().code == errc::not_found);
  auto old = id_of("wan_fetcher");
  crash(first(mine(), "wan_fetcher"));
  auto x = page(old);
  CAF_CHECK(x.error().code == errc::gone);
  CAF_CHECK(x.error().detail.find("wan_fetcher") != std::string::npos);
  CAF_CHECK(mine().actors->trace(old).error().code == errc::gone);
}

CAF_TEST(a trace shows messages with their sender until the actor ends) {
  add_device()->wan->rate = 2'000'000;
  add_device()->wan->rate = 2'000'000;
  form_pod();
  server->size = 4'000'000;
  auto client = download(mine());
  auto trace = mine().actors->trace(id_of("transfer"));
  CAF_REQUIRE(trace);
  std::map<std::string, std::string> senders;
  uint64_t bytes = 0;
  uint64_t dropped = 0;
  auto look = [&] {
    auto seen = (**trace).take(nullptr);
    dropped += seen.dropped;
    for (auto& x : seen.items) {
      senders[x.type] = x.from_name;
      bytes += x.type == "chunk_arrived" || x.type == "spine_read" ? x.size : 0;
    }
    return seen.ended;
  };
  CAF_CHECK(pass_until([&] {
    look();
    return client->complete;
  }));
  pass(10ms);
  CAF_CHECK(look());
  CAF_CHECK_EQUAL(dropped, 0u);
  CAF_CHECK_EQUAL(senders["lease_granted"], "scheduler");
  CAF_CHECK_EQUAL(senders["body_taken"], "proxy_connection");
  CAF_CHECK_EQUAL(senders["spine_read"], "io");
  CAF_CHECK(bytes >= server->size);
}

CAF_TEST(events tell of a peer and of a download in order) {
  add_device()->wan->rate = 2'000'000;
  add_device()->wan->rate = 2'000'000;
  form_pod();
  server->size = 4'000'000;
  auto client = download(mine());
  CAF_CHECK(pass_until([&] { return client->complete; }));
  std::string history;
  for (auto& x : events(mine()))
    if (x.kind == event_kind::peer_up || x.kind == event_kind::transfer_opened
        || x.kind == event_kind::transfer_done)
      history += std::string{to_string(x.kind)} + " ";
  CAF_CHECK_EQUAL(history, "peer_up transfer_opened transfer_done ");
}

CAF_TEST(a reader that does not read loses events and learns how many) {
  event_log log;
  auto feed = log.follow(std::nullopt);
  for (int i = 0; i < 2000; ++i)
    log.publish({});
  auto seen = feed->take(nullptr);
  CAF_CHECK_EQUAL(seen.items.size(), 1024u);
  CAF_CHECK_EQUAL(seen.dropped, 976u);
  log.publish({});
  seen = feed->take(nullptr);
  CAF_REQUIRE_EQUAL(seen.items.size(), 1u);
  CAF_CHECK_EQUAL(seen.items[0].seq, 2001u);
  CAF_CHECK_EQUAL(seen.dropped, 0u);
}

CAF_TEST(who asks later gets the kept events after a number) {
  event_log log;
  for (int i = 0; i < 10; ++i)
    log.publish({});
  auto seen = log.follow(7)->take(nullptr);
  CAF_REQUIRE_EQUAL(seen.items.size(), 3u);
  CAF_CHECK_EQUAL(seen.items[0].seq, 8u);
  bool ready = false;
  auto feed = log.follow(std::nullopt);
  CAF_CHECK(feed->take([&] { ready = true; }).items.empty());
  CAF_CHECK(!ready);
  log.publish({});
  CAF_CHECK(ready);
}

// -- the whole pod ------------------------------------------------------------

CAF_TEST(members show their actors to each other if they allow it) {
  for (bool allows : {false, true, false}) {
    pod_config config;
    config.pod_view = allows;
    add_device(config);
  }
  form_pod();
  devices[1]->env().ports.view = [](auto done) { done("[\"theirs\"]"); };
  std::optional<std::vector<member_view>> views;
  mine().actors->members([&](auto xs) { views = std::move(xs); });
  CAF_REQUIRE(pass_until([&] { return views.has_value(); }, 3s));
  CAF_REQUIRE_EQUAL(views->size(), 2u);
  for (auto& x : *views) {
    if (x.name == "device 2")
      CAF_CHECK_EQUAL(x.actors.value(), "[\"theirs\"]");
    else
      CAF_CHECK(x.actors.error().code == errc::not_allowed);
  }
}

CAF_TEST(a member that does not answer is waited for three seconds) {
  pod_config config;
  config.pod_view = true;
  add_device();
  add_device(config);
  form_pod();
  devices[1]->env().ports.view = [](auto) {};
  std::optional<std::vector<member_view>> views;
  mine().actors->members([&](auto xs) { views = std::move(xs); });
  pass(2900ms);
  CAF_CHECK(!views);
  pass(200ms);
  CAF_REQUIRE(views.has_value());
  CAF_CHECK(views->empty());
  // The next one is told when the session ends.
  mine().actors->members([&](auto xs) { views = std::move(xs); });
  settle();
  crash(first(mine(), "peer_session"));
  pass(20ms);
  CAF_REQUIRE_EQUAL(views->size(), 1u);
  CAF_CHECK(views->front().actors.has_error());
}

// -- ending -------------------------------------------------------------------

CAF_TEST(an actor that is killed crashes and its supervisor restarts it) {
  add_device();
  auto old = id_of("wan_fetcher");
  CAF_CHECK(kill(old));
  CAF_CHECK(id_of("wan_fetcher") != old);
  auto crashes = mine().actors->crashes();
  CAF_CHECK_EQUAL(crashes.back().reason, "killed by hand");
  CAF_CHECK(kill(old).error().code == errc::gone);
  CAF_CHECK(kill(123456).error().code == errc::not_found);
  CAF_CHECK(kill(id_of("root_supervisor")).error().code == errc::not_allowed);
}

CAF_TEST(a supervisor that is killed stops its children first) {
  add_device();
  auto fetcher = id_of("wan_fetcher");
  auto acceptor = id_of("proxy_acceptor");
  auto scheduler = id_of("scheduler");
  CAF_CHECK(kill(id_of("wan_supervisor")));
  pass(50ms);
  CAF_CHECK(id_of("wan_fetcher") != fetcher);
  CAF_CHECK(id_of("proxy_acceptor") != acceptor); // rest_for_one
  CAF_CHECK_EQUAL(id_of("scheduler"), scheduler);
}

CAF_TEST(a restart by hand is in order and no crash) {
  add_device();
  auto old = id_of("wan_fetcher");
  auto next = restart(old);
  CAF_REQUIRE(next);
  CAF_CHECK_EQUAL(*next, id_of("wan_fetcher"));
  CAF_CHECK(*next != old);
  CAF_CHECK_EQUAL(first(mine(), "wan_fetcher")->row().restarts, 1u);
  CAF_CHECK(mine().actors->crashes().empty());
  for (int i = 0; i < 10; ++i)
    CAF_CHECK(restart(id_of("wan_fetcher"))); // counts for no budget
  CAF_CHECK(mine().gave_up.empty());
}

CAF_TEST(a temporary actor and the root are not restarted by hand) {
  add_device();
  auto client = std::make_shared<browser>(net.work);
  mine().proxy->arrive(client);
  settle();
  auto x = restart(id_of("proxy_connection"));
  CAF_CHECK(x.error().code == errc::not_allowed);
  CAF_CHECK(restart(id_of("root_supervisor")).error().code
            == errc::not_allowed);
}

// -- disturbing ---------------------------------------------------------------

CAF_TEST(nothing is disturbed unless the configuration allows it) {
  add_device();
  CAF_CHECK(
      mine().actors->disturb(id_of("roster"), {fault::kind::crash}).error().code
      == errc::not_allowed);
}

CAF_TEST(a fault crashes an actor on every second message) {
  add_disturbable();
  auto old = id_of("wan_fetcher");
  fault x;
  x.what = fault::kind::crash;
  x.every = 2;
  CAF_REQUIRE(mine().actors->disturb(old, x));
  CAF_CHECK(page(old)->fault.find("crash") == 0);
  mine().env().lines.first().fetcher.tell(scheduler_started{});
  settle();
  CAF_CHECK_EQUAL(id_of("wan_fetcher"), old);
  mine().env().lines.first().fetcher.tell(scheduler_started{});
  settle();
  CAF_CHECK(id_of("wan_fetcher") != old);
  auto crashes = mine().actors->crashes();
  CAF_CHECK_EQUAL(crashes.back().reason, "a crash was injected");
}

CAF_TEST(messages are dropped so often as asked for) {
  add_disturbable();
  auto listener = id_of("discovery_listener");
  pass(5s);
  fault x;
  x.what = fault::kind::drop;
  CAF_REQUIRE(mine().actors->disturb(listener, x));
  CAF_CHECK(!page(listener)->fault.empty());
  pass(5s); // it announces, and hears itself
  CAF_CHECK(page(listener)->fault.empty());
}

CAF_TEST(a download is exact though messages come late or twice) {
  for (auto kind : {fault::kind::delay, fault::kind::duplicate}) {
    add_disturbable();
    server->size = 3'000'000;
    auto& x = *devices.back();
    auto client = download(x);
    pass(50ms);
    fault f;
    f.what = kind;
    f.every = 3;
    f.times = 20;
    f.delay = 30ms;
    CAF_REQUIRE(x.actors->disturb(first(x, "scheduler")->id, f));
    CAF_CHECK(pass_until([&] { return client->complete; }, 30s));
    CAF_CHECK(is_content(client->body, {0, server->size}));
  }
}

CAF_TEST_FIXTURE_SCOPE_END()

#include "tests/console/fixture.hpp"

#define CAF_SUITE console_ui
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::console;
using key = input::key;

namespace {

control::transfer download() {
  control::transfer out;
  out.id = "77";
  out.url = "http://origin.test/big.iso";
  out.state = "running";
  out.total = 100 << 20;
  out.delivered = 40 << 20;
  out.bytes = {{"self", 30 << 20}, {"phone", 10 << 20}};
  out.map = {{"self", 36}, {"phone", 12}, {std::nullopt, 72}};
  return out;
}

control::crash crash(uint64_t seq, uint64_t id) {
  control::crash out;
  out.seq = seq;
  out.time = "2026-11-24T15:00:00.000Z";
  out.actor = id;
  out.name = "peer_session";
  out.about = "phone";
  out.reason = "killed from the console";
  out.has_data = true;
  out.data = {{0, "leases", ""}, {1, "0", "0-262143"}};
  return out;
}

control::event event(uint64_t seq, std::string kind, std::string text) {
  control::event out;
  out.seq = seq;
  out.time = "2026-11-24T15:00:00.000Z";
  out.kind = std::move(kind);
  out.name = "scheduler";
  out.text = std::move(text);
  return out;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(ui_tests, console_fixture)

// -- lines --------------------------------------------------------------------

CAF_TEST(every page fits every screen) {
  has(small_tree());
  control::status status;
  status.peers.resize(3);
  for (auto& x : status.peers)
    x = {"00ff",
         std::string(40, 'n'),
         "192.168.100.100:45679",
         "connected",
         "1",
         false,
         5e6,
         1e6,
         1,
         2};
  status.transfers = {download()};
  status.transfers[0].url += std::string(300, 'x');
  has(status);
  has(control::crash_list{1, {crash(1, 4)}});
  has(event(1, "spawned", std::string(300, 'y')));
  console.open_actor(4);
  for (auto rows : {15u, 16u, 24u, 40u, 100u})
    for (auto columns : {60u, 61u, 80u, 99u, 100u, 132u, 250u})
      for (auto page : {"1", "2", "3", "4", "5", "6", "?"}) {
        press("1");
        press(page);
        auto all = console.draw({rows, columns}, now);
        CAF_CHECK_EQUAL(all.size(), rows);
        for (auto& x : all)
          CAF_CHECK(x.width() <= columns);
      }
}

CAF_TEST(wide text of others fits as well) {
  auto tree = small_tree();
  for (auto& x : tree.actors)
    x.about = "居間のノートパソコン居間のノートパソコン";
  has(tree);
  for (auto columns : {60u, 80u, 81u, 120u})
    for (auto& x : console.draw({24, columns}, now))
      CAF_CHECK(x.width() <= columns);
}

CAF_TEST(a screen that has become too small says so) {
  has(small_tree());
  size = {10, 80};
  CAF_CHECK(shows("60x15"));
  CAF_CHECK_EQUAL(screen().size(), 10u);
  size = {1, 5};
  CAF_CHECK_EQUAL(screen().size(), 1u);
}

CAF_TEST(the header names the daemon and its state) {
  CAF_CHECK(shows("connecting"));
  has(small_tree());
  control::status status;
  status.daemon = small_tree().daemon;
  status.pod_size = 3;
  has(status);
  has(control::crash_list{2, {}});
  auto header = screen().front();
  for (auto* text : {"kitchen 00ff00ff", "0.1.0", "up 1h02m", "pod of 3",
                     "5 actors", "2 crashes", "● connected"})
    CAF_CHECK(header.find(text) != std::string::npos);
  has(connection_lost{"no daemon at /x"});
  CAF_CHECK(shows("no answer"));
  CAF_CHECK(shows("no daemon at /x; asking again every second"));
}

CAF_TEST(the actors stand in a tree with all columns at 80x24) {
  has(small_tree());
  for (auto* text : {"ID", "NAME", "ABOUT", "STAT", "MBOX", "MSG/S", "LOAD",
                     "BUSY", "LONG", "RST", "UP"})
    CAF_CHECK(screen()[2].find(text) != std::string::npos);
  CAF_CHECK(shows("└scheduler"));
  CAF_CHECK(shows("│├peer_session"));
}

CAF_TEST(a wide screen has room for summaries) {
  auto tree = small_tree();
  tree.actors[2].summary = "nine leases";
  has(tree);
  CAF_CHECK(!shows("nine leases"));
  size.columns = 130;
  CAF_CHECK(shows("nine leases"));
}

CAF_TEST(hanging actors and crashed ones are marked) {
  auto tree = small_tree();
  tree.actors[2].state = "hanging";
  has(tree);
  CAF_CHECK(shows("hang"));
  tree.actors.pop_back();
  has(control::crash_list{1, {crash(1, 5)}});
  has(tree);
  CAF_CHECK(shows("died"));
}

// -- moving -------------------------------------------------------------------

CAF_TEST(the choice follows an actor) {
  auto tree = small_tree();
  has(tree);
  press(key::end);
  press(key::up);
  CAF_CHECK(selected().find("peer_session") != std::string::npos);
  auto chosen = selected().substr(0, 3);
  // Others come before it and one goes.
  tree.actors.insert(tree.actors.begin() + 2, actor(7, "aaa", 1));
  tree.actors[2].load = 1;
  has(tree);
  CAF_CHECK_EQUAL(selected().substr(0, 3), chosen);
  press("t");
  CAF_CHECK_EQUAL(selected().substr(0, 3), chosen);
  press("sssss");
  CAF_CHECK_EQUAL(selected().substr(0, 3), chosen);
}

CAF_TEST(the choice passes on when its actor has gone) {
  auto tree = small_tree();
  has(tree);
  press(key::end);
  tree.actors.resize(2);
  has(tree);
  has((now += 10s, tree));
  CAF_CHECK(selected().find("session_supervisor") != std::string::npos);
}

CAF_TEST(pages are chosen by number and by tab) {
  has(small_tree());
  press("3");
  CAF_CHECK(shows("No actor has crashed"));
  press(key::tab);
  CAF_CHECK(shows("No other device"));
  press(key::back_tab);
  CAF_CHECK(shows("No actor has crashed"));
  press("?");
  CAF_CHECK(shows("Esc, Backspace"));
  press(key::escape);
  CAF_CHECK(shows("No actor has crashed"));
  press(key::escape);
  CAF_CHECK(shows("root_supervisor"));
}

CAF_TEST(space folds what is below an actor) {
  has(small_tree());
  press(key::down);
  press(" ");
  CAF_CHECK(shows("session_supervisor +2"));
  CAF_CHECK(!shows("peer_session"));
  press(" ");
  CAF_CHECK(shows("peer_session"));
}

CAF_TEST(a filter acts while it is typed and escape ends it) {
  has(small_tree());
  press("/");
  press("sched");
  CAF_CHECK(shows("scheduler"));
  CAF_CHECK(!shows("peer_session"));
  press(key::backspace);
  press(key::enter);
  CAF_CHECK(!shows("peer_session"));
  press(key::escape);
  CAF_CHECK(shows("peer_session"));
}

CAF_TEST(q quits but not while something is typed) {
  has(small_tree());
  press("/");
  CAF_CHECK(press("q"));
  press(key::enter);
  CAF_CHECK(!press("q"));
}

CAF_TEST(enter opens an actor and escape goes back) {
  has(small_tree());
  press(key::end);
  press(key::enter);
  CAF_CHECK_EQUAL(daemon.all.back(), "watch 3");
  control::actor_page page;
  page.actor = small_tree().actors[2];
  page.has_data = true;
  page.data = {{0, "leases", ""}, {1, "total", "9"}};
  page.recent.resize(1);
  page.recent[0].type = "fetch_chunk";
  page.fault = "drop on every 3rd message";
  has(page);
  CAF_CHECK(shows("scheduler 3"));
  CAF_CHECK(shows("    total: 9"));
  CAF_CHECK(shows("fetch_chunk"));
  CAF_CHECK(shows("drop on every 3rd"));
  press(key::escape);
  CAF_CHECK(shows("MBOX"));
}

CAF_TEST(an actor that has gone says so on its page) {
  has(small_tree());
  press(key::end);
  press(key::enter);
  has(page_missing{3, "actor 3 has ended"});
  CAF_CHECK(shows("actor 3 has ended"));
}

CAF_TEST(a live trace is followed until one scrolls) {
  has(small_tree());
  press(key::end);
  press(key::enter);
  for (int i = 0; i < 60; ++i) {
    control::message x;
    x.time = "2026-11-24T15:00:00." + std::to_string(100 + i) + "Z";
    x.type = "m" + std::to_string(i);
    has(message_traced{3, x});
  }
  CAF_CHECK(shows("m59"));
  press("mm");
  press(key::page_up);
  CAF_CHECK(!shows("m59"));
  CAF_CHECK(shows("below"));
  press(key::end);
  CAF_CHECK(shows("m59"));
}

// -- wishes -------------------------------------------------------------------

CAF_TEST(a kill is asked for first) {
  has(small_tree());
  press(key::end);
  press("k");
  CAF_CHECK(shows("Kill scheduler 3? y/n"));
  press("n");
  CAF_CHECK(daemon.all.empty());
  press("ky");
  CAF_CHECK_EQUAL(daemon.all.back(), "kill 3");
  has(wish_answered{true, "killed 3"});
  CAF_CHECK(shows("killed 3"));
  now += 10s;
  CAF_CHECK(!shows("killed 3"));
}

CAF_TEST(a restart is asked for first and a refusal is shown) {
  has(small_tree());
  press("r");
  CAF_CHECK(shows("Restart root_supervisor 1? y/n"));
  press("y");
  CAF_CHECK_EQUAL(daemon.all.back(), "restart 1");
  has(wish_answered{false, "the root cannot be restarted"});
  CAF_CHECK(shows("the root cannot be restarted"));
}

CAF_TEST(the question is about the actor that was chosen when it was asked) {
  auto tree = small_tree();
  has(tree);
  press(key::end);
  press("k");
  tree.actors.erase(tree.actors.begin() + 2);
  has(tree);
  has((now += 10s, tree));
  press("y");
  CAF_CHECK_EQUAL(daemon.all.back(), "kill 3");
}

CAF_TEST(a fault is put together in the bottom line) {
  has(small_tree());
  press("f");
  CAF_CHECK(shows("d drop"));
  press("l");
  press(key::backspace);
  press("3");
  press(key::enter);
  press("0");
  press(key::enter);
  press(key::enter);
  CAF_CHECK_EQUAL(daemon.all.back(), "delay 1 every 3 times 10 delay 100");
  press("fx");
  CAF_CHECK(daemon.all.back().starts_with("clear 1"));
}

CAF_TEST(a fault that the daemon does not allow is not offered) {
  auto tree = small_tree();
  tree.daemon.fault_injection = false;
  has(tree);
  press("f");
  CAF_CHECK(shows("fault-injection=true"));
  press("d");
  CAF_CHECK(daemon.all.empty());
}

CAF_TEST(the pod can only be looked at) {
  ui pod{daemon, true};
  control::member self{"00ff", "kitchen", true, "", small_tree().actors};
  control::member other{"11aa", "phone", false, "it does not show them", {}};
  pod.apply(small_tree(), now);
  pod.apply(std::vector{self, other}, now);
  std::string all;
  for (auto& x : pod.draw(size, now))
    all += x.text() + "\n";
  CAF_CHECK(all.find("kitchen") != std::string::npos);
  CAF_CHECK(all.find("it does not show them") != std::string::npos);
  pod.take({key::end}, now);
  pod.take({key::up}, now);
  pod.take({key::up}, now);
  pod.draw(size, now);
  pod.take({key::character, 'k'}, now);
  pod.take({key::character, 'y'}, now);
  CAF_CHECK(daemon.all.empty());
}

CAF_TEST(long events can be read sideways) {
  has(event(1, "spawned", std::string(60, 'x') + std::string(60, 'y') + "end"));
  press("6");
  CAF_CHECK(!shows("yend"));
  for (int i = 0; i < 5; ++i)
    press(key::right);
  CAF_CHECK(shows("yend"));
  for (int i = 0; i < 9; ++i)
    press(key::left);
  CAF_CHECK(shows("spawned"));
}

// -- the other pages ----------------------------------------------------------

CAF_TEST(a crash opens as a report) {
  has(control::crash_list{2, {crash(1, 4), crash(2, 9)}});
  press("3");
  CAF_CHECK(selected().find("  9 ") != std::string::npos);
  press(key::enter);
  CAF_CHECK(shows("peer_session 9 (phone) crashed at"));
  CAF_CHECK(shows("killed from the console"));
  CAF_CHECK(shows("    0: 0-262143"));
  press(key::escape);
  press(key::down);
  press(key::enter);
  CAF_CHECK(shows("peer_session 4"));
}

CAF_TEST(a peer shows its rates of the last minute) {
  control::status status;
  status.peers = {{"c04e77", "living-room", "10.0.0.2:1", "connected", "1",
                   false, 5e6, 0, 31457280, 0}};
  for (int i = 0; i < 60; ++i)
    has((now += 1s, status));
  press("4");
  CAF_CHECK(shows("living-room"));
  CAF_CHECK(shows("40.0 Mbit/s"));
  CAF_CHECK(shows("█████"));
  CAF_CHECK(shows("30 MiB from it"));
}

CAF_TEST(the page of peers says what is shared and why not ) {
  control::status status;
  status.sharing = {
      "paused", "the connection is metered", {2048, 4096}, {}, true, {}, {}};
  has(status);
  press("4");
  CAF_CHECK(shows("share: 0 B fetched for others, 2 KiB of 4 KiB today"));
  CAF_CHECK(shows("share: paused, the connection is metered"));
}

CAF_TEST(
    a peer that waits shows its words and is let in once they are compared) {
  control::status status;
  status.peers.resize(2);
  status.peers[0] = {.id = "c04e77", .name = "phone", .trust = "trusted"};
  status.peers[1] = {.id = "d04e77",
                     .name = "tablet",
                     .trust = "waiting",
                     .code = {"apple", "boat", "cloud", "dune"}};
  has(status);
  press("4");
  CAF_CHECK(shows("trusted"));
  CAF_CHECK(shows("tablet waits to be let in"));
  CAF_CHECK(shows("apple boat cloud dune"));
  press(key::down);
  CAF_CHECK(selected().find("tablet") != std::string::npos);
  press("t");
  CAF_CHECK(shows("Does tablet show apple boat cloud dune? y/n"));
  press("n");
  CAF_CHECK(daemon.all.empty());
  press("ty");
  CAF_REQUIRE_EQUAL(daemon.all.size(), 1u);
  CAF_CHECK_EQUAL(daemon.all[0], "trust d04e77 tablet apple boat cloud dune");
}

CAF_TEST(a peer without words is let in by its whole id only) {
  control::status status;
  status.peers.resize(1);
  status.peers[0] = {.id = "c04e77", .name = "phone", .trust = "stranger"};
  has(status);
  press("4t");
  CAF_CHECK(shows("Does peapod id on phone show c04e77? y/n"));
  press("y");
  CAF_REQUIRE_EQUAL(daemon.all.size(), 1u);
  CAF_CHECK_EQUAL(daemon.all[0], "trust c04e77 phone");
}

CAF_TEST(a peer is let out after a question) {
  control::status status;
  status.peers.resize(1);
  status.peers[0] = {.id = "c04e77", .name = "phone", .trust = "trusted"};
  has(status);
  press("4u");
  CAF_CHECK(shows("Let phone out of the pod? y/n"));
  press("y");
  CAF_REQUIRE_EQUAL(daemon.all.size(), 1u);
  CAF_CHECK_EQUAL(daemon.all[0], "untrust c04e77 phone");
}

CAF_TEST(trusting needs somebody who is chosen) {
  press("4tu");
  CAF_CHECK(shows("no device is chosen"));
  CAF_CHECK(daemon.all.empty());
}

CAF_TEST(the chosen one of many peers stays in view) {
  control::status status;
  for (int i = 0; i < 40; ++i)
    status.peers.push_back(
        {.id = std::to_string(1000 + i), .name = "peer " + std::to_string(i)});
  has(status);
  press("4");
  CAF_CHECK(shows("peer 0 "));
  press(key::end);
  CAF_CHECK(selected().find("peer 39") != std::string::npos);
  CAF_CHECK(!shows("peer 0 "));
  press(key::home);
  CAF_CHECK(selected().find("peer 0 ") != std::string::npos);
}

CAF_TEST(a transfer shows how far it is and who brought what) {
  control::status status;
  status.transfers = {download()};
  status.transfers[0].delivered -= 10 << 20;
  has(status);
  status.transfers[0].delivered += 10 << 20;
  has((now += 2s, status));
  press("5");
  CAF_CHECK(shows("http://origin.test/big.iso"));
  CAF_CHECK(shows("40%"));
  CAF_CHECK(shows("41.9 Mbit/s"));
  CAF_CHECK(shows("13s left"));
  CAF_CHECK(shows("AAAAABBBB"));
  CAF_CHECK(shows("A this device 30 MiB"));
  CAF_CHECK(shows("B phone 10 MiB"));
}

CAF_TEST(events are followed until one scrolls) {
  for (uint64_t i = 1; i <= 100; ++i)
    has(event(i, "spawned", "number " + std::to_string(i)));
  press("6");
  CAF_CHECK(shows("number 100"));
  press(key::up);
  has(event(101, "spawned", "number 101"));
  CAF_CHECK(!shows("number 101"));
  press(key::end);
  CAF_CHECK(shows("number 101"));
  has(event(102, "spawned", "number 102"));
  CAF_CHECK(shows("number 102"));
}

CAF_TEST(progress is left out of the events until it is wanted) {
  has(event(1, "transfer_progress", "40%"));
  has(event(2, "lease_lost", "0-9"));
  press("6");
  CAF_CHECK(shows("lease_lost"));
  CAF_CHECK(!shows("transfer_progress"));
  press("v");
  CAF_CHECK(shows("transfer_progress"));
  press("/");
  press("lease");
  press(key::enter);
  CAF_CHECK(!shows("transfer_progress"));
}

CAF_TEST_FIXTURE_SCOPE_END()

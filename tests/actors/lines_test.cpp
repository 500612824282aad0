#define CAF_SUITE lines

#include "core/line_id.hpp"
#include "tests/actors/pod_fixture.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

constexpr uint64_t rate = 1'000'000;

/// A device with two lines of its own.
struct lines_fixture : pod_fixture {
  device_ptr x = add_device({}, {"one", "two"});

  lines_fixture() {
    for (auto& line : x->lines)
      line->rate = rate;
    x->wan->rate = rate; // takes the lines in turn
    go_online(*x);
    look();
  }

  /// Lets the lines be looked at.
  void look() {
    x->env->line_watcher.tell(look_at_lines{});
    settle();
  }

  device_id second() {
    return line_id(x->env->self->device(), "two");
  }

  std::shared_ptr<browser> download(uint64_t size) {
    server->size = size;
    auto out = connect(*x);
    out->ask(get_file());
    settle();
    return out;
  }

  line_status line_of(size_t at) {
    auto now = status(*x);
    CAF_REQUIRE_EQUAL(now.lines.size(), 2u);
    return now.lines[at];
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(lines_tests, lines_fixture)

CAF_TEST(two lines bring a body together) {
  auto client = download(8'000'000);
  CAF_CHECK(pass_until([&] { return client->complete; }, 5500ms));
  CAF_CHECK(is_content(client->body, {0, 8'000'000}));
  auto done = status(*x);
  CAF_REQUIRE_EQUAL(done.transfers.size(), 1u);
  auto& bytes = done.transfers[0].ledger.bytes_by_source;
  CAF_CHECK(bytes[x->env->self->device()] > 2'500'000);
  CAF_CHECK(bytes[second()] > 2'500'000);
  // What a line of ours brings is as good as the first one's.
  CAF_CHECK_EQUAL(done.transfers[0].ledger.samples, 0u);
  CAF_CHECK_EQUAL(x->env->counters.peer_bytes.load(), 0u);
  CAF_CHECK_EQUAL(done.lines[0].name, "one");
  CAF_CHECK_EQUAL(done.lines[1].name, "two");
  CAF_CHECK(done.lines[1].id == second());
  CAF_CHECK(done.lines[1].own_bytes > 2'500'000);
}

CAF_TEST(a line that goes is done without and one that comes back is used) {
  auto client = download(20'000'000);
  pass(2s);
  x->probes[1]->now.up = false;
  look();
  CAF_CHECK(!line_of(1).up);
  CAF_CHECK_EQUAL(text_of(line_of(1).line), "paused");
  auto before = line_of(1).own_bytes;
  pass(2s);
  CAF_CHECK_EQUAL(line_of(1).own_bytes, before);
  CAF_CHECK(x->lines[1]->exchanges.empty());
  x->probes[1]->now.up = true;
  look();
  pass(3s);
  CAF_CHECK(line_of(1).own_bytes > before + 1'500'000);
  CAF_CHECK(pass_until([&] { return client->complete; }, 30s));
  CAF_CHECK(is_content(client->body, {0, 20'000'000}));
}

CAF_TEST(that no line is left is a warning which says what to do) {
  auto told = [&] {
    return std::ranges::count_if(x->log, [](auto& line) {
      return line.find("no line of [wan] bind is there") != std::string::npos;
    });
  };
  x->probes[1]->now.up = false;
  look();
  CAF_CHECK_EQUAL(told(), 0);
  x->probes[0]->now.up = false;
  look();
  look();
  CAF_CHECK_EQUAL(told(), 1);
  x->probes[0]->now.up = true;
  look();
  x->probes[0]->now.up = false;
  look();
  CAF_CHECK_EQUAL(told(), 2);
}

CAF_TEST(while the first line is away its ranges take whatever there is) {
  auto client = download(10'000'000);
  pass(2s);
  x->probes[0]->now.up = false;
  look();
  auto before = x->wan->opened;
  CAF_CHECK(pass_until([&] { return client->complete; }, 30s));
  CAF_CHECK(is_content(client->body, {0, 10'000'000}));
  CAF_CHECK(x->wan->opened > before);
  CAF_CHECK(x->lines[0]->exchanges.empty());
  auto done = status(*x).transfers;
  CAF_CHECK_EQUAL(done[0].state, "done");
}

CAF_TEST(a line that fails is set aside and the body completes without) {
  x->lines[1]->fails = make_error(errc::unreachable, "no way");
  auto client = download(10'000'000);
  pass(5s);
  CAF_CHECK_EQUAL(text_of(line_of(1).line), "paused");
  CAF_CHECK_EQUAL(line_of(1).line.evidence, "it has failed too often");
  CAF_CHECK(pass_until([&] { return client->complete; }, 30s));
  CAF_CHECK(is_content(client->body, {0, 10'000'000}));
  auto tried = x->lines[1]->opened;
  CAF_CHECK(tried >= 5 && tried < 12);
  x->lines[1]->fails.reset();
  pass(31s);
  auto again = download(10'000'000);
  CAF_CHECK(pass_until([&] { return again->complete; }, 30s));
  CAF_CHECK(line_of(1).own_bytes > 2'000'000);
}

CAF_TEST(peers are served over the line that has less to do) {
  auto y = add_device();
  y->wan->rate = rate / 10;
  go_online(*y);
  CAF_REQUIRE(pass_until([&] {
    auto peers = status(*y).peers;
    return !peers.empty() && peers[0].state == "connected";
  }));
  server->size = 8'000'000;
  auto client = connect(*y);
  client->ask(get_file());
  CAF_CHECK(pass_until([&] { return client->complete; }, 30s));
  CAF_CHECK(is_content(client->body, {0, 8'000'000}));
  CAF_CHECK(line_of(0).peer_bytes > 1'000'000);
  CAF_CHECK(line_of(1).peer_bytes > 1'000'000);
}

CAF_TEST(the share of the rate is that of all lines together) {
  pod_config config;
  config.share_rate = 200'000;
  auto z = add_device(config, {"one", "two"});
  go_online(*z);
  auto y = add_device();
  y->wan->rate = rate / 100;
  go_online(*y);
  for (auto& line : x->lines) // only z brings anything
    line->frozen = true;
  server->size = 8'000'000;
  pass(3s);
  auto client = connect(*y);
  client->ask(get_file());
  pass(10s);
  auto served =
      z->env->lines.all()[0].peer_bytes + z->env->lines.all()[1].peer_bytes;
  CAF_CHECK(served > 1'000'000);
  CAF_CHECK(served < 2'300'000);
}

CAF_TEST(lines with one gateway are one line) {
  for (auto& probe : x->probes)
    probe->now.facts = {"eth0", "192.0.2.254", "020000000001", {}, {}};
  look();
  auto second = line_of(1);
  CAF_CHECK_EQUAL(text_of(second.line), "same line as one");
  CAF_CHECK_EQUAL(second.line.evidence, "same gateway");
  x->probes[1]->now.facts.gateway_mac = "020000000002";
  look();
  CAF_CHECK_EQUAL(line_of(1).line.evidence, "another gateway");
}

CAF_TEST(a public address is asked for again when the way is another one) {
  auto& probe = *x->probes[1];
  probe.server = true;
  probe.seen = public_addresses{"198.51.100.1", {}};
  probe.now.facts = {"eth0", "192.0.2.254", "020000000001", {}, {}};
  look();
  CAF_CHECK_EQUAL(probe.asked, 1u);
  CAF_CHECK_EQUAL(line_of(1).facts.public_v4, "198.51.100.1");
  // The same way: after ten minutes.
  probe.now.facts.gateway_mac.clear();
  look();
  CAF_CHECK_EQUAL(probe.asked, 1u);
  CAF_CHECK_EQUAL(line_of(1).facts.gateway_mac, "020000000001");
  CAF_CHECK_EQUAL(line_of(1).facts.public_v4, "198.51.100.1");
  pass(10min, 1s);
  look();
  CAF_CHECK_EQUAL(probe.asked, 2u);
  probe.now.facts.gateway = "192.0.2.253";
  probe.seen = make_error(errc::timed_out, "nobody answers");
  look();
  CAF_CHECK_EQUAL(probe.asked, 3u);
  CAF_CHECK_EQUAL(line_of(1).facts.public_v4, "");
  pass(61s, 1s);
  look();
  CAF_CHECK_EQUAL(probe.asked, 4u);
}

CAF_TEST(devices behind one gateway find that out without telling it) {
  trusting = false;
  pod_config config;
  config.trust = trust_mode::open;
  auto y = add_device(config, {"their one"});
  go_online(*y);
  for (auto* probe : {x->probes[0].get(), y->probes[0].get()})
    probe->now.facts = {"eth0", "192.0.2.254", "020000000001", {}, {}};
  look();
  y->env->line_watcher.tell(look_at_lines{});
  auto label = [&] {
    auto peers = status(*x).peers;
    return peers.empty() || !peers[0].line ? std::string{}
                                           : text_of(*peers[0].line);
  };
  CAF_CHECK(pass_until([&] { return label() == "same line as one"; }));
  // It moves.
  y->probes[0]->now.facts.gateway_mac = "020000000002";
  y->env->line_watcher.tell(look_at_lines{});
  CAF_CHECK(pass_until([&] { return label() == "adds capacity"; }));
  auto there = status(*y).peers;
  CAF_REQUIRE_EQUAL(there.size(), 1u);
  CAF_REQUIRE(there[0].line);
  CAF_CHECK_EQUAL(there[0].line->evidence, "another gateway");
}

CAF_TEST_FIXTURE_SCOPE_END()

#define CAF_SUITE secure_session

#include "core/pairing.hpp"
#include "tests/actors/secure_peer.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

struct secure_session_fixture : download_fixture {
  void go(trust_mode mode) {
    pod_config config;
    config.trust = mode;
    config.legacy = false;
    trusting = false;
    x = online_device(std::move(config));
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(secure_session_tests, secure_session_fixture)

CAF_TEST(a peer is connected once both sides want it) {
  go(trust_mode::open);
  secure_peer peer{*this, *x};
  pass(100ms);
  CAF_REQUIRE_EQUAL(in_state("waiting").size(), 1u);
  CAF_CHECK_EQUAL(peer.got<wire2::welcome>().size(), 1u);
  peer.send(wire2::welcome{});
  auto peers = in_state("connected");
  CAF_REQUIRE_EQUAL(peers.size(), 1u);
  CAF_CHECK_EQUAL(peers[0].protocol, "2");
  CAF_CHECK_EQUAL(peers[0].name, "friend");
}

CAF_TEST(nothing is asked of a peer that has not said welcome) {
  go(trust_mode::open);
  secure_peer peer{*this, *x};
  pass(1500ms);
  auto client = download();
  CAF_CHECK(finishes(client));
  CAF_CHECK(peer.got<wire2::fetch>().empty());
  CAF_CHECK_EQUAL(taken_from(peer), 0u);
}

CAF_TEST(a download comes in parts from a peer) {
  go(trust_mode::open);
  secure_peer peer{*this, *x};
  peer.on_request = [&](const wire2::fetch& ask) {
    CAF_CHECK(ask.expected == version());
    peer.bring(ask);
  };
  peer.send(wire2::welcome{});
  auto client = download();
  CAF_CHECK(finishes(client));
  CAF_CHECK(taken_from(peer) > 1'000'000);
}

CAF_TEST(whatever a peer gets wrong is fetched elsewhere) {
  go(trust_mode::open);
  using change = std::function<void(wire2::message&)>;
  auto in = []<class T>(auto f, T*) -> change {
    return [f](wire2::message& y) {
      if (auto z = std::get_if<T>(&y))
        f(*z);
    };
  };
  using head = wire2::fetch_head;
  using part = wire2::part;
  std::vector<change> lies{
      in([](head& y) { y.status = 200; }, (head*)nullptr),
      in([](head& y) { y.found.etag = "\"v2\""; }, (head*)nullptr),
      in([](head& y) { y.range.begin += 1; }, (head*)nullptr),
      in([](part& y) { y.offset += 1; }, (part*)nullptr),
      in([](part& y) { y.id = wire2::exchange_id{4711}; }, (part*)nullptr),
      in([](head& y) { y.id = wire2::exchange_id{4711}; }, (head*)nullptr),
  };
  for (auto& lie : lies) {
    secure_peer peer{*this, *x};
    peer.on_request = [&](const wire2::fetch& ask) { peer.bring(ask, lie); };
    peer.send(wire2::welcome{});
    auto client = download();
    CAF_CHECK(finishes(client));
    CAF_CHECK(!peer.got<wire2::fetch>().empty());
    for (auto& y : status(*x).transfers)
      CAF_CHECK(!y.ledger.bytes_by_source.contains(peer.id()));
  }
}

CAF_TEST(bytes without the hash that was named do not stay in a body) {
  go(trust_mode::open);
  secure_peer peer{*this, *x};
  peer.on_request = [&](const wire2::fetch& ask) {
    peer.bring(ask, [](wire2::message& y) {
      if (auto z = std::get_if<wire2::part>(&y)) {
        peapod::byte_buffer wrong(z->bytes.size(), '!');
        z->bytes = slice{std::move(wrong)};
      }
    });
  };
  peer.send(wire2::welcome{});
  auto client = download();
  pass_until([&] { return client->complete || client->aborted; }, 20s);
  CAF_CHECK(is_content(client->body, {0, client->body.size()}));
  CAF_CHECK_EQUAL(in_state("set aside").size(), 1u);
}

CAF_TEST(a range is fetched for a peer with what the origin said of it) {
  go(trust_mode::open);
  secure_peer peer{*this, *x};
  peer.send(wire2::welcome{});
  auto ask = peer.ask({1000, 201'000}, version());
  pass(50ms);
  auto heads = peer.got<wire2::fetch_head>();
  CAF_REQUIRE_EQUAL(heads.size(), 1u);
  CAF_CHECK(heads[0].found == version());
  CAF_CHECK(peer.text_of(ask) == content({1000, 201'000}).text());
  auto ends = peer.got<wire2::fetch_done>();
  CAF_REQUIRE_EQUAL(ends.size(), 1u);
  CAF_CHECK(ends[0].hash == sha256(content({1000, 201'000}).bytes()));
  CAF_CHECK_EQUAL(x->env->serving->used(), 0u);
}

CAF_TEST(a peer that needs no hash of a range gets none) {
  go(trust_mode::open);
  secure_peer peer{
      *this, *x,           identity::generate(x->env->ports.random),
      0,     "192.0.2.98", capability_unhashed};
  peer.send(wire2::welcome{});
  auto ask = peer.ask({0, 1000}, version());
  pass(50ms);
  CAF_CHECK(peer.text_of(ask) == content({0, 1000}).text());
  auto ends = peer.got<wire2::fetch_done>();
  CAF_REQUIRE_EQUAL(ends.size(), 1u);
  CAF_CHECK(ends[0].hash == digest{});
}

CAF_TEST(only a peer that knows of no other way owes a hash of its ranges) {
  for (uint32_t capabilities : {0u, uint32_t{capability_unhashed}}) {
    go(trust_mode::open);
    secure_peer peer{
        *this, *x,           identity::generate(x->env->ports.random),
        0,     "192.0.2.98", capabilities};
    peer.on_request = [&](const wire2::fetch& ask) {
      peer.bring(ask, [](wire2::message& y) {
        if (auto z = std::get_if<wire2::fetch_done>(&y))
          z->hash = {};
      });
    };
    peer.send(wire2::welcome{});
    auto client = download();
    CAF_CHECK(finishes(client));
    CAF_CHECK(!peer.got<wire2::fetch>().empty());
    CAF_CHECK_EQUAL(in_state("set aside").size(), capabilities == 0 ? 1u : 0u);
  }
}

CAF_TEST(who asks learns by a code why a range does not come) {
  go(trust_mode::open);
  secure_peer peer{*this, *x};
  peer.send(wire2::welcome{});
  auto answer = [&](std::optional<error> at_origin) {
    x->wan->fails = std::move(at_origin);
    peer.messages.clear();
    peer.ask({0, 1000}, version());
    pass(50ms);
    auto got = peer.got<wire2::fetch_failed>();
    CAF_REQUIRE_EQUAL(got.size(), 1u);
    return got[0].code;
  };
  auto share_with = [&](sharing_config config) {
    x->env->sharing = std::make_shared<sharing_gate>(std::move(config));
  };
  using enum wire2::fetch_failure;
  CAF_CHECK(answer(make_error(errc::policy_refused, "private"))
            == policy_refused);
  CAF_CHECK(answer(make_error(errc::loop_detected, "us")) == policy_refused);
  CAF_CHECK(answer(make_error(errc::bad_http, "404")) == origin_refused);
  CAF_CHECK(answer(make_error(errc::timed_out, "slow")) == not_now);
  sharing_config config;
  config.never_peers = {peer.id()};
  share_with(config);
  CAF_CHECK(answer({}) == policy_refused);
  config = {};
  config.limits = {999, 0};
  share_with(config);
  CAF_CHECK(answer({}) == quota);
  config = {};
  config.when_metered = false;
  share_with(config);
  x->env->sharing->observe({true, {}, {}, {}});
  CAF_CHECK(answer({}) == not_now);
}

CAF_TEST(a range for which there is no room waits for the one before it) {
  go(trust_mode::open);
  x->env->serving = std::make_shared<byte_budget>(1500);
  x->wan->rate = 10'000;
  secure_peer peer{*this, *x};
  peer.send(wire2::welcome{});
  for (byte_range each : {byte_range{0, 1000}, byte_range{1000, 2000}})
    peer.ask(each, version());
  CAF_CHECK_EQUAL(x->env->serving->used(), 1000u);
  pass(1s);
  CAF_CHECK_EQUAL(peer.got<wire2::fetch_failed>().size(), 0u);
  CAF_CHECK_EQUAL(peer.got<wire2::fetch_done>().size(), 2u);
  // One that never will have room is not kept waiting.
  x->env->serving = std::make_shared<byte_budget>(999);
  peer.ask({0, 1000}, version());
  pass(50ms);
  CAF_CHECK_EQUAL(peer.got<wire2::fetch_failed>().size(), 1u);
}

CAF_TEST(what a peer calls off is called off at the origin) {
  go(trust_mode::open);
  x->wan->rate = 1000;
  secure_peer peer{*this, *x};
  peer.send(wire2::welcome{});
  auto ask = peer.ask({0, 100'000}, version());
  CAF_CHECK_EQUAL(x->wan->exchanges.size(), 1u);
  peer.send(wire2::cancel{ask.id});
  CAF_CHECK(x->wan->exchanges.empty());
  CAF_CHECK_EQUAL(x->env->serving->used(), 0u);
  CAF_CHECK_EQUAL(in_state("connected").size(), 1u);
}

CAF_TEST(who does not share at the moment is not asked until it does) {
  go(trust_mode::open);
  secure_peer peer{*this, *x};
  peer.on_request = [&](const wire2::fetch& ask) { peer.bring(ask); };
  peer.send(wire2::welcome{});
  wire2::sharing paused;
  paused.on = false;
  peer.send(paused);
  CAF_CHECK(in_state("connected").at(0).pauses);
  auto client = download();
  CAF_CHECK(finishes(client));
  CAF_CHECK(peer.got<wire2::fetch>().empty());
  peer.send(wire2::sharing{});
  CAF_CHECK(!in_state("connected").at(0).pauses);
  client = download();
  CAF_CHECK(finishes(client));
  CAF_CHECK(!peer.got<wire2::fetch>().empty());
}

CAF_TEST(a peer is told what we offer and when that changes) {
  go(trust_mode::open);
  secure_peer peer{*this, *x};
  peer.send(wire2::welcome{});
  auto told = peer.got<wire2::sharing>();
  CAF_REQUIRE_EQUAL(told.size(), 1u);
  CAF_CHECK(told[0].on && !told[0].metered);
  device_conditions train;
  train.metered = true;
  x->env->sharing->observe(train);
  pass(1s);
  told = peer.got<wire2::sharing>();
  CAF_REQUIRE_EQUAL(told.size(), 2u);
  CAF_CHECK(!told[1].on && told[1].metered);
}

CAF_TEST(a peer that takes nothing is not shown our actors again and again) {
  pod_config config;
  config.trust = trust_mode::open;
  config.pod_view = true;
  x = online_device(std::move(config));
  size_t looks = 0;
  x->env->ports.view = [&](auto done) {
    ++looks;
    done(std::string(max_view_size, 'j'));
  };
  secure_peer peer{*this, *x};
  peer.send(wire2::welcome{});
  auto theirs = peer.stream->other.lock();
  theirs->stuck = true;
  for (int i = 0; i < 40; ++i)
    peer.send(wire2::view_question{});
  CAF_CHECK_EQUAL(looks, 1u);
  theirs->take();
  settle();
  // The question that has waited is answered now.
  CAF_CHECK_EQUAL(looks, 2u);
  auto pieces = peer.got<wire2::view_piece>();
  CAF_CHECK_EQUAL(std::ranges::count(pieces, true, &wire2::view_piece::last),
                  2);
}

CAF_TEST(a stranger waits with a code and gets nothing) {
  go(trust_mode::ask);
  secure_peer peer{*this, *x};
  pass(100ms);
  CAF_CHECK(peer.got<wire2::welcome>().empty());
  auto commits = peer.got<wire2::pairing_commit>();
  CAF_REQUIRE_EQUAL(commits.size(), 1u);
  CAF_REQUIRE(peer.hash.has_value());
  auto nonce = wire2::pairing_nonce::from(peapod::byte_buffer(32, 7));
  peer.send(wire2::pairing_commit{
      pairing_commitment(noise::role::initiator, *peer.hash, nonce)});
  auto reveals = peer.got<wire2::pairing_reveal>();
  CAF_REQUIRE_EQUAL(reveals.size(), 1u);
  peer.send(wire2::pairing_reveal{nonce});
  auto code = derive_pairing_code(*peer.hash, nonce, reveals[0].nonce);
  auto told = std::ranges::any_of(x->log, [&](const std::string& line) {
    return line.find(peapod::to_string(code)) != std::string::npos;
  });
  CAF_CHECK(told);
  CAF_REQUIRE_EQUAL(in_state("waiting").size(), 1u);
  peer.ask({0, 1000}, version());
  CAF_CHECK(peer.got<wire2::part>().empty());
  CAF_CHECK(peer.is_closed());
  CAF_CHECK_EQUAL(x->wan->opened, 0u);
}

CAF_TEST(without the pod secret nobody gets in) {
  go(trust_mode::secret);
  x->env->ports.psk = std::make_shared<const kept_secret<32>>(
      std::span<const uint8_t, 32>{peapod::byte_buffer(32, 9).data(), 32});
  {
    secure_peer peer{*this, *x};
    pass(6s);
    CAF_CHECK(!peer.hash);
    CAF_CHECK(peer.is_closed());
    CAF_CHECK(in_state("connected").empty());
    CAF_CHECK(in_state("waiting").empty());
  }
  secure_peer peer{*this, *x, 9};
  peer.send(wire2::welcome{});
  CAF_CHECK_EQUAL(in_state("connected").size(), 1u);
}

CAF_TEST(strangers that wait have a bound) {
  go(trust_mode::ask);
  std::vector<std::unique_ptr<secure_peer>> crowd;
  auto come = [&](size_t count, const std::string& place, duration pause) {
    for (size_t i = 0; i < count; ++i) {
      crowd.push_back(std::make_unique<secure_peer>(*this, *x, 0, place));
      pass(pause);
    }
    return std::ranges::count_if(crowd,
                                 [](auto& y) { return !y->is_closed(); });
  };
  CAF_CHECK_EQUAL(come(6, "192.0.2.50", 130ms), 4);
  CAF_CHECK_EQUAL(come(6, "192.0.2.51", 130ms), 8);
  for (auto i = 0; i < 20; ++i)
    come(1, "192.0.2." + std::to_string(60 + i), 50ms);
  CAF_CHECK_EQUAL(come(1, "192.0.2.90", 50ms), 16);
  // Who does not take part in a pairing does not wait for long.
  pass(6s);
  CAF_CHECK_EQUAL(come(1, "192.0.2.91", 50ms), 1);
}

CAF_TEST(who connects and says nothing is dropped after five seconds) {
  go(trust_mode::open);
  std::vector<std::shared_ptr<wire>> crowd;
  for (auto i = 0; i < 20; ++i) {
    auto [ours, theirs] =
        wire::make(net.work, endpoint{"192.0.2.97", 40000}, x->peers->local());
    x->peers->arrive(theirs);
    crowd.push_back(ours);
    settle();
  }
  // One address has room for eight.
  CAF_CHECK_EQUAL(children(x->env->sessions.get()), 8u);
  pass(6s);
  CAF_CHECK_EQUAL(children(x->env->sessions.get()), 0u);
}

CAF_TEST(protocol 1 is turned away unless it is allowed) {
  go(trust_mode::open);
  auto [ours, theirs] =
      wire::make(net.work, endpoint{"192.0.2.97", 40000}, x->peers->local());
  x->peers->arrive(theirs);
  settle();
  auto self = identity::generate(x->env->ports.random);
  auto hello = encode_hello(self);
  ours->write({slice{peapod::byte_buffer(hello.begin(), hello.end())}},
              [](result<void>) {});
  settle();
  CAF_CHECK_EQUAL(children(x->env->sessions.get()), 0u);
}

CAF_TEST(a peer that was secure is not taken with less) {
  x = add_device({});
  go_online(*x);
  auto who = identity::generate(x->env->ports.random);
  auto secret = peapod::byte_buffer(who.secret().begin(), who.secret().end());
  {
    secure_peer peer{*this, *x, std::move(who)};
    peer.send(wire2::welcome{});
    CAF_CHECK_EQUAL(in_state("connected").size(), 1u);
  }
  auto again = identity::from_secret(secret).value();
  auto [ours, theirs] =
      wire::make(net.work, endpoint{"192.0.2.97", 40000}, x->peers->local());
  x->peers->arrive(theirs);
  settle();
  auto hello = encode_hello(again);
  ours->write({slice{peapod::byte_buffer(hello.begin(), hello.end())}},
              [](result<void>) {});
  settle();
  CAF_CHECK_EQUAL(children(x->env->sessions.get()), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()

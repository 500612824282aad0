#define CAF_SUITE secure_link

#include "tests/core/link_fixture.hpp"

using namespace peapod;
using namespace std::literals;

namespace {

secure_session_config config_of(session_role role, const identity* whom,
                                uint8_t psk = 0) {
  secure_session_config out;
  out.role = role;
  out.self.agent = "peapod/test";
  out.self.name = role == session_role::initiator ? "alice" : "bob";
  out.self.capabilities = capability_view;
  if (whom)
    out.responder_key = whom->key();
  out.psk = secret_of(byte_buffer(32, psk));
  return out;
}

const identity bob_identity = identity::from_secret(byte_buffer(32, 2)).value();

link_end make_end(session_role role, uint8_t psk = 0, bool knows_key = true) {
  auto is_alice = role == session_role::initiator;
  return {static_cast<uint8_t>(is_alice ? 1 : 2),
          [=](const identity& self, random_source random) {
            return std::make_unique<secure_link>(
                self,
                config_of(role, is_alice && knows_key ? &bob_identity : nullptr,
                          psk),
                std::move(random));
          }};
}

struct secure_link_fixture {
  link_end alice = make_end(session_role::initiator);
  link_end bob = make_end(session_role::responder);
  link_pair wire{alice, bob};

  secure_link_fixture() {
    wire.start();
  }

  static range_ask ask_for(ask_id id, byte_range range) {
    range_ask out;
    out.id = id;
    out.range = range;
    out.url = "http://origin.example/file";
    out.expected = version();
    return out;
  }

  static representation version() {
    return {"\"v1\"", {}, 1'000'000};
  }

  /// Alice asks; the number under which bob knows it.
  ask_id ask(ask_id id, byte_range range) {
    CAF_REQUIRE(alice.link->ask(ask_for(id, range)));
    wire.settle();
    auto all = bob.got<range_asked>();
    CAF_REQUIRE(!all.empty());
    return all.back().what.id;
  }

  /// An ask of Alice on its way, of more bytes than trickle in in a minute.
  /// Nothing else reaches either of them from now on.
  slice long_record() {
    auto what = ask_for(next_ask++, {0, 10});
    what.url += std::string(300, 'x');
    CAF_REQUIRE(alice.link->ask(what));
    wire.drain(alice);
    wire.cut = true;
    began = wire.now;
    auto sent = std::exchange(alice.written, {});
    CAF_REQUIRE_EQUAL(sent.size(), 1u);
    CAF_REQUIRE(sent[0].size() > 300u);
    return sent[0];
  }

  /// Two bytes a second come.
  void trickle(const slice& record, size_t place) {
    bob.link->receive(record.sub(place, 1), wire.now);
    wire.now += 500ms;
    bob.link->expire(wire.now);
    wire.drain(bob);
  }

  ask_id next_ask = 1;
  instant began{};

  void bring(ask_id id, uint64_t offset, std::string_view text) {
    bob.link->bring(id, 206, version(), offset, slice{text});
    wire.settle();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(secure_link_tests, secure_link_fixture)

// -- who is there -------------------------------------------------------------

CAF_TEST(both sides learn who the other is and nothing may be asked yet) {
  CAF_REQUIRE(alice.has_opened());
  CAF_REQUIRE(bob.has_opened());
  auto seen = alice.got<link_opened>()[0];
  CAF_CHECK(seen.device == bob.self.device());
  CAF_CHECK(seen.key == bob.self.key());
  CAF_CHECK_EQUAL(seen.name, "bob");
  CAF_CHECK(seen.secure && !seen.foreign && seen.has_views);
  CAF_CHECK(bob.got<link_opened>()[0].device == alice.self.device());
  CAF_CHECK(!alice.is_ready());
  CAF_CHECK(!alice.link->ask(ask_for(1, {0, 10})));
  CAF_CHECK(!alice.link->ask_view());
}

CAF_TEST(a connector that does not know the key asks for it) {
  auto carol = make_end(session_role::initiator, 0, false);
  auto dave = make_end(session_role::responder);
  link_pair other{carol, dave};
  other.start();
  other.trust();
  CAF_CHECK(carol.is_ready());
  CAF_CHECK(dave.is_ready());
}

CAF_TEST(whoever is asked for its key a second time ends it) {
  auto dave = make_end(session_role::responder);
  dave.link->start(wire.now);
  dave.link->receive(slice{"??"sv}, wire.now);
  wire.drain(dave);
  CAF_CHECK_EQUAL(dave.written.size(), 1u);
  CAF_CHECK_EQUAL(dave.reason().code, errc::peer_misbehaved);
}

CAF_TEST(other pod secrets do not lead to a session) {
  auto carol = make_end(session_role::initiator, 5);
  auto dave = make_end(session_role::responder, 6);
  link_pair other{carol, dave};
  other.start();
  CAF_CHECK(!carol.has_opened());
  CAF_CHECK_EQUAL(carol.reason().code, errc::integrity_failed);
  other.pass(5s);
  CAF_CHECK(!dave.has_opened());
  CAF_CHECK_EQUAL(dave.reason().code, errc::timed_out);
}

CAF_TEST(who is not admitted gets no byte) {
  auto carol = make_end(session_role::initiator);
  auto dave = make_end(session_role::responder);
  dave.admits = false;
  link_pair other{carol, dave};
  other.start();
  CAF_CHECK(dave.recorded.empty());
  CAF_CHECK_EQUAL(dave.reason().code, errc::policy_refused);
}

CAF_TEST(a replay of everything that a connector sent opens nothing) {
  wire.trust();
  ask(1, {0, 10});
  auto dave = make_end(session_role::responder);
  dave.link->start(wire.now);
  link_pair other{alice, dave};
  for (auto& x : alice.recorded)
    dave.link->receive(x, wire.now);
  other.drain(dave);
  CAF_CHECK(!dave.has_opened());
  CAF_CHECK(dave.got<range_asked>().empty());
  CAF_CHECK(dave.link->is_closed());
}

// -- trust --------------------------------------------------------------------

CAF_TEST(one side alone does not make a session) {
  alice.link->trust(true, wire.now);
  bob.link->trust(false, wire.now);
  wire.settle();
  CAF_CHECK(!alice.is_ready());
  CAF_CHECK(!bob.is_ready());
  CAF_CHECK(!alice.link->ask(ask_for(1, {0, 10})));
  bob.link->trust(true, wire.now);
  wire.settle();
  CAF_CHECK(alice.is_ready());
  CAF_CHECK(bob.is_ready());
}

CAF_TEST(devices that do not trust each other show the same code) {
  alice.link->trust(false, wire.now);
  bob.link->trust(false, wire.now);
  wire.settle();
  auto one = alice.got<code_known>();
  auto other = bob.got<code_known>();
  CAF_REQUIRE_EQUAL(one.size(), 1u);
  CAF_REQUIRE_EQUAL(other.size(), 1u);
  CAF_CHECK(one[0].code == other[0].code);
  wire.pass(60s);
  CAF_CHECK(!alice.link->is_closed());
  wire.trust();
  CAF_CHECK(alice.is_ready());
  CAF_CHECK(bob.is_ready());
}

CAF_TEST(a code is shown on both sides when only one needs it) {
  alice.link->trust(true, wire.now);
  bob.link->trust(false, wire.now);
  wire.settle();
  CAF_REQUIRE_EQUAL(alice.got<code_known>().size(), 1u);
  CAF_CHECK(alice.got<code_known>()[0].code == bob.got<code_known>()[0].code);
}

CAF_TEST(nobody waits for ever) {
  bob.link->trust(false, wire.now);
  wire.settle();
  wire.pass(599s);
  CAF_CHECK(!bob.link->is_closed());
  wire.pass(2s);
  CAF_CHECK_EQUAL(bob.reason().code, errc::timed_out);
  CAF_CHECK_EQUAL(alice.reason().code, errc::connection_closed);
}

CAF_TEST(who asks before it is welcome is thrown out) {
  // A session that does not wait for a welcome.
  secure_session eager{alice.self,
                       config_of(session_role::initiator, &bob_identity),
                       seeded_random(9)};
  auto dave = make_end(session_role::responder);
  link_pair other{alice, dave};
  dave.link->start(wire.now);
  eager.start(wire.now);
  wire2::fetch ask;
  ask.id = wire2::exchange_id{2};
  ask.url = "http://origin.example/file";
  ask.range = {0, 10};
  bool asked = false;
  for (auto i = 0; i < 10; ++i) {
    while (auto action = eager.poll())
      if (auto bytes = std::get_if<write_bytes>(&*action))
        for (auto& x : bytes->bytes)
          dave.link->receive(x, wire.now);
    other.drain(dave);
    for (auto& x : std::exchange(dave.written, {}))
      eager.receive(x, wire.now);
    if (eager.is_established() && !std::exchange(asked, true))
      CAF_CHECK(eager.send(ask));
  }
  CAF_CHECK(asked);
  CAF_CHECK(dave.got<range_asked>().empty());
  CAF_CHECK_EQUAL(dave.reason().code, errc::peer_misbehaved);
}

// -- ranges -------------------------------------------------------------------

CAF_TEST(a range comes in parts and is checked as a whole) {
  wire.trust();
  auto id = ask(7, {100, 110});
  auto what = bob.got<range_asked>()[0].what;
  CAF_CHECK_EQUAL(what.url, "http://origin.example/file");
  CAF_CHECK(what.expected == version());
  bring(id, 100, "01234");
  CAF_CHECK_EQUAL(alice.text_of(7), "01234");
  CAF_CHECK(alice.got<range_ended>().empty());
  bring(id, 105, "56789");
  bob.link->finish(id);
  wire.settle();
  CAF_CHECK_EQUAL(alice.text_of(7), "0123456789");
  auto ends = alice.got<range_ended>();
  CAF_REQUIRE_EQUAL(ends.size(), 1u);
  CAF_CHECK(ends[0].id == 7 && !ends[0].failure);
}

CAF_TEST(more than a record holds is sent in several) {
  wire.trust();
  auto id = ask(7, {0, 200'000});
  std::string text(200'000, 'x');
  bring(id, 0, text);
  bob.link->finish(id);
  wire.settle();
  CAF_CHECK(alice.text_of(7) == text);
  CAF_CHECK(alice.got<range_arrived>().size() >= 4);
  CAF_CHECK(!alice.got<range_ended>()[0].failure);
}

CAF_TEST(both sides ask at the same time) {
  wire.trust();
  auto id = ask(1, {0, 5});
  CAF_REQUIRE(bob.link->ask(ask_for(1, {0, 3})));
  wire.settle();
  auto other = alice.got<range_asked>().at(0).what.id;
  CAF_CHECK(id != other);
  bring(id, 0, "alice");
  alice.link->bring(other, 206, version(), 0, slice{"bob"sv});
  bob.link->finish(id);
  alice.link->finish(other);
  wire.settle();
  CAF_CHECK_EQUAL(alice.text_of(1), "alice");
  CAF_CHECK_EQUAL(bob.text_of(1), "bob");
}

CAF_TEST(another version is noticed before its bytes come) {
  wire.trust();
  auto id = ask(7, {0, 10});
  representation other{"\"v2\"", {}, 1'000'000};
  bob.link->bring(id, 206, other, 0, slice{"0123456789"sv});
  wire.settle();
  CAF_CHECK_EQUAL(alice.text_of(7), "");
  CAF_CHECK(alice.got<range_ended>().at(0).failure == chunk_failure::mismatch);
  CAF_CHECK_EQUAL(bob.got<ask_called_off>().size(), 1u);
}

CAF_TEST(a range that ends early is a failure) {
  wire.trust();
  auto id = ask(7, {0, 10});
  bring(id, 0, "0123");
  bob.link->finish(id);
  wire.settle();
  CAF_CHECK(alice.got<range_ended>().at(0).failure == chunk_failure::refused);
}

CAF_TEST(a refusal says why and when to ask again) {
  wire.trust();
  auto id = ask(7, {0, 10});
  bob.link->refuse(id, {wire2::fetch_failure::throttled, "later\n", 1500ms});
  wire.settle();
  auto ends = alice.got<range_ended>();
  CAF_REQUIRE_EQUAL(ends.size(), 1u);
  CAF_CHECK(ends[0].failure == chunk_failure::busy);
  CAF_CHECK_EQUAL(ends[0].reason, "later ");
  CAF_CHECK(ends[0].retry_after == duration{2s});
}

CAF_TEST(what is called off is not fetched and does not arrive) {
  wire.trust();
  auto id = ask(7, {0, 10});
  bring(id, 0, "01");
  alice.link->call_off(7);
  wire.settle();
  auto gone = bob.got<ask_called_off>();
  CAF_REQUIRE_EQUAL(gone.size(), 1u);
  CAF_CHECK_EQUAL(gone[0].id, id);
  bring(id, 2, "23");
  bob.link->finish(id);
  wire.settle();
  CAF_CHECK_EQUAL(alice.text_of(7), "01");
  CAF_CHECK(alice.got<range_ended>().empty());
}

CAF_TEST(an origin with an absurd entity tag does not end the session) {
  wire.trust();
  auto id = ask(7, {0, 10});
  representation other{std::string(5000, 'x'), {}, 1'000'000};
  bob.link->bring(id, 206, other, 0, slice{"0123456789"sv});
  wire.settle();
  CAF_CHECK(alice.got<range_ended>().at(0).failure == chunk_failure::mismatch);
  CAF_CHECK(!bob.link->is_closed());
}

CAF_TEST(a URL without room in a message is not asked for) {
  wire.trust();
  auto ask = ask_for(1, {0, 10});
  ask.url += std::string(wire2::max_url_size, 'x');
  auto asked = alice.link->ask(ask);
  CAF_REQUIRE(!asked);
  CAF_CHECK_EQUAL(asked.error().code, errc::policy_refused);
}

CAF_TEST(who changes what it offers without end is thrown out) {
  wire.trust();
  auto offer = [&](unsigned times) {
    for (unsigned i = 0; i < times; ++i)
      alice.link->offer(wire2::sharing{.on = i % 2 == 0});
    wire.settle();
  };
  offer(32);
  wire.pass(500ms);
  offer(32);
  CAF_CHECK(!bob.link->is_closed());
  offer(1);
  CAF_CHECK_EQUAL(bob.reason().code, errc::peer_misbehaved);
}

CAF_TEST(a trusted peer is told where lines leave and no other one) {
  std::vector<egress_tags> lines(2);
  lines[0].gateway = egress_tags::tag::from(byte_buffer(16, 7));
  alice.link->show_egress(lines);
  wire.settle();
  CAF_CHECK(bob.got<egress_shown>().empty());
  wire.trust();
  alice.link->show_egress(lines);
  wire.settle();
  CAF_REQUIRE_EQUAL(bob.got<egress_shown>().size(), 1u);
  CAF_CHECK(bob.got<egress_shown>().at(0).lines == lines);
  // No more than there is room for.
  alice.link->show_egress(std::vector<egress_tags>(20));
  wire.settle();
  CAF_CHECK_EQUAL(bob.got<egress_shown>().at(1).lines.size(),
                  wire2::max_egress_lines);
  CAF_CHECK(!alice.link->is_closed());
}

// -- views --------------------------------------------------------------------

CAF_TEST(a view of any length arrives as it was) {
  wire.trust();
  CAF_REQUIRE(alice.link->ask_view());
  wire.settle();
  CAF_CHECK_EQUAL(bob.got<view_asked>().size(), 1u);
  std::string text(200'000, 'j');
  bob.link->show_view(text);
  wire.settle();
  CAF_REQUIRE_EQUAL(alice.got<view_shown>().size(), 1u);
  CAF_CHECK(alice.got<view_shown>()[0].text == text);
}

// -- the end ------------------------------------------------------------------

CAF_TEST(a silent peer is dropped after six seconds and pings keep it alive) {
  wire.trust();
  wire.pass(20s);
  CAF_CHECK(!alice.link->is_closed());
  wire.cut = true;
  wire.pass(4s);
  CAF_CHECK(!alice.link->is_closed());
  wire.pass(2s);
  CAF_CHECK_EQUAL(alice.reason().code, errc::timed_out);
}

CAF_TEST(a record that trickles in is waited for a minute and no longer) {
  wire.trust();
  auto record = long_record();
  for (size_t i = 0; i < 119; ++i)
    trickle(record, i);
  CAF_REQUIRE_EQUAL(wire.now - began, 59s + 500ms);
  CAF_CHECK(!bob.link->is_closed());
  trickle(record, 119);
  CAF_CHECK_EQUAL(bob.reason().code, errc::timed_out);
  CAF_CHECK_EQUAL(bob.reason().detail, "a message took too long to arrive");
  CAF_CHECK(bob.got<range_asked>().empty());
}

CAF_TEST(a record that is whole within a minute counts and the next one too) {
  wire.trust();
  for (auto last : {1u, 2u}) {
    auto record = long_record();
    for (size_t i = 0; i < 118; ++i)
      trickle(record, i);
    bob.link->receive(record.sub(118), wire.now);
    wire.drain(bob);
    CAF_CHECK_EQUAL(bob.got<range_asked>().size(), last);
    CAF_CHECK(!bob.link->is_closed());
  }
}

CAF_TEST(a device that leaves says so) {
  wire.trust();
  bob.link->leave(wire2::goodbye_reason::leaving,
                  make_error(errc::cancelled, "this device leaves"));
  wire.settle();
  CAF_CHECK_EQUAL(alice.got<peer_left>().size(), 1u);
  CAF_CHECK_EQUAL(alice.reason().code, errc::connection_closed);
}

CAF_TEST(a record that was changed or left out ends the session) {
  for (auto change : {0, 1, 2}) {
    auto carol = make_end(session_role::initiator);
    auto dave = make_end(session_role::responder);
    link_pair other{carol, dave};
    other.start();
    other.trust();
    CAF_REQUIRE(carol.link->ask(ask_for(1, {0, 10})));
    CAF_REQUIRE(carol.link->ask(ask_for(2, {10, 20})));
    other.drain(carol);
    auto records = std::exchange(carol.written, {});
    CAF_REQUIRE_EQUAL(records.size(), 2u);
    byte_buffer first(records[0].bytes().begin(), records[0].bytes().end());
    if (change == 0)
      first.back() ^= 1;
    if (change == 0)
      dave.link->receive(slice{first}, other.now); // another tag
    else if (change == 1)
      dave.link->receive(records[1], other.now); // one left out
    else
      for (auto i = 0; i < 2; ++i)
        dave.link->receive(records[0], other.now); // one repeated
    other.drain(dave);
    CAF_CHECK_EQUAL(dave.reason().code, errc::integrity_failed);
    CAF_CHECK_EQUAL(dave.got<range_asked>().size(), change == 2 ? 1u : 0u);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()

#define CAF_SUITE tunnels

#include "actors/exits.hpp"
#include "tests/actors/secure_peer.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

/// A TLS record with a ClientHello of so many bytes.
std::string client_hello(size_t size = 60) {
  std::string out("\x16\x03\x01", 3);
  out += static_cast<char>(size >> 8);
  out += static_cast<char>(size & 0xff);
  out += '\x01';
  return out + std::string(size - 1, 'h');
}

const std::string server_hello{"\x16\x03\x03\x00\x02\x02s", 7};

/// `first` asks, `second` is the exit.
struct tunnels_fixture : pod_fixture {
  device_ptr first;
  device_ptr second;

  void form_pod(pod_config asking = {}, pod_config serving = {}) {
    first = add_device(std::move(asking));
    second = add_device(std::move(serving));
    go_online(*first);
    go_online(*second);
    CAF_REQUIRE(pass_until([&] {
      return first->env->exits_standing > 0 && second->env->exits_standing > 0;
    }));
    first->env->ports.site_of = [](const std::string& host) {
      return host.substr(host.find('.') + 1);
    };
  }

  std::shared_ptr<browser> connect_to(const std::string& host,
                                      const std::string& exit = {},
                                      uint16_t port = 443) {
    auto out = connect(*first);
    auto head = get("https://" + host + ":" + std::to_string(port) + "/");
    head.method = "CONNECT";
    if (!exit.empty())
      head.fields.add("PeaPod-Exit", exit);
    out->ask(head);
    settle();
    return out;
  }

  std::string id_of(const device_ptr& x) const {
    return to_string(x->env->self->device());
  }

  /// A tunnel that the choice has sent through `second`: the own line has one
  /// already.
  std::shared_ptr<browser> leave(const std::string& host = "www.b.example") {
    if (!busy)
      busy = connect_to("www.a.example");
    tell(first->env->exits.get(),
         tunnel_begun{4711, first->env->self->device()});
    settle();
    auto out = connect_to(host);
    CAF_REQUIRE_EQUAL(out->accepted_tunnels, 1u);
    CAF_REQUIRE(!out->tunnel_target);
    return out;
  }

  tunnel_pipe& site() {
    CAF_REQUIRE(!second->targets->ends.empty());
    return *second->targets->ends.back();
  }

  /// Both sides have said hello.
  std::shared_ptr<browser> talk() {
    auto out = leave();
    out->talk->say(client_hello());
    settle();
    CAF_REQUIRE_EQUAL(site().got(), client_hello());
    site().say(server_hello);
    settle();
    CAF_REQUIRE_EQUAL(out->talk->got(), server_hello);
    return out;
  }

  uint64_t relays() {
    return children(first->env->relays.get());
  }

  uint64_t exit_tunnels() {
    return children(second->env->exit_tunnels.get());
  }

  std::shared_ptr<browser> busy;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(tunnels_tests, tunnels_fixture)

CAF_TEST(a tunnel leaves through a peer and bytes go both ways) {
  form_pod();
  auto client = talk();
  auto& target = second->targets->dialled.back();
  CAF_CHECK_EQUAL(target.host, "www.b.example");
  CAF_CHECK_EQUAL(target.port, 443u);
  client->talk->say("more");
  site().say("and more");
  settle();
  CAF_CHECK_EQUAL(site().got(), client_hello() + "more");
  CAF_CHECK_EQUAL(client->talk->got(), server_hello + "and more");
  CAF_CHECK_EQUAL(first->env->counters.relayed.load(), 1u);
  CAF_CHECK_EQUAL(second->env->counters.exit_tunnels.load(), 1u);
  CAF_CHECK(second->env->counters.served_bytes > 0);
  CAF_CHECK(status(*first).peers.at(0).tunnels);
}

CAF_TEST(each direction ends by itself and then both ends are gone) {
  form_pod();
  auto client = talk();
  client->talk->finish();
  settle();
  CAF_CHECK(site().has_ended());
  CAF_CHECK(!client->closed);
  site().say("the last words");
  site().finish();
  settle();
  CAF_CHECK_EQUAL(client->talk->got(), server_hello + "the last words");
  CAF_CHECK(client->talk->has_ended());
  CAF_CHECK(!client->talk->is_cut());
  CAF_CHECK(client->closed);
  CAF_CHECK(!client->aborted);
  CAF_CHECK_EQUAL(relays(), 0u);
  CAF_CHECK_EQUAL(exit_tunnels(), 0u);
  CAF_CHECK_EQUAL(second->env->counters.exit_tunnels.load(), 0u);
}

CAF_TEST(an origin that resets is seen by the client as a reset) {
  form_pod();
  auto client = talk();
  site().reset();
  settle();
  CAF_CHECK(client->talk->is_cut());
  CAF_CHECK(client->aborted);
  CAF_CHECK_EQUAL(relays(), 0u);
  CAF_CHECK_EQUAL(exit_tunnels(), 0u);
}

CAF_TEST(a client that resets is seen by the origin as a reset) {
  form_pod();
  auto client = talk();
  client->talk->reset();
  settle();
  CAF_CHECK(site().is_cut());
  CAF_CHECK_EQUAL(relays(), 0u);
  CAF_CHECK_EQUAL(exit_tunnels(), 0u);
}

CAF_TEST(a slow client holds the origin back) {
  form_pod();
  auto client = talk();
  // The actor's end of the client's connection takes nothing.
  auto stuck = client->actors_end.lock();
  CAF_REQUIRE(stuck);
  stuck->stuck = true;
  const std::string piece(64_KiB, 'x');
  for (int i = 0; i < 64; ++i)
    site().say(piece);
  settle();
  // What has left the origin fits into the window and one read.
  auto read = 64 * piece.size() - site().unread_there();
  CAF_CHECK(read <= wire2::initial_tunnel_credit + 2 * piece.size());
  stuck->take();
  settle();
  CAF_CHECK_EQUAL(client->talk->got_size(),
                  64 * piece.size() + server_hello.size());
}

CAF_TEST(a client that says no hello stays at home) {
  form_pod();
  auto client = leave();
  client->talk->say("GET / HTTP/1.1\r\n\r\n");
  settle();
  CAF_CHECK_EQUAL(site().got(), "");
  CAF_CHECK(client->tunnel_target.has_value());
  CAF_CHECK_EQUAL(client->resumed_with.value_or(""), "GET / HTTP/1.1\r\n\r\n");
  CAF_CHECK_EQUAL(relays(), 0u);
  CAF_CHECK_EQUAL(exit_tunnels(), 0u);
}

CAF_TEST(a server that speaks first is left and asked again at home) {
  form_pod();
  auto client = leave();
  site().say("220 mail.example\r\n");
  settle();
  CAF_CHECK_EQUAL(client->talk->got(), "");
  CAF_CHECK_EQUAL(client->resumed_with.value_or("none"), "");
}

CAF_TEST(a peer that goes before the site has answered is not noticed) {
  form_pod();
  auto client = leave();
  client->talk->say(client_hello());
  settle();
  for (auto& x : net.wires)
    x->close();
  settle();
  CAF_CHECK_EQUAL(client->resumed_with.value_or(""), client_hello());
  CAF_CHECK(!client->aborted);
  CAF_CHECK_EQUAL(first->env->counters.bounced.load(), 1u);
}

CAF_TEST(a hello in two parts goes home whole) {
  form_pod();
  auto client = leave();
  auto all = client_hello(200);
  client->talk->say(all.substr(0, 3));
  settle();
  CAF_CHECK_EQUAL(site().got(), "");
  client->talk->say(all.substr(3, 100));
  settle();
  CAF_CHECK_EQUAL(site().got(), all.substr(0, 103));
  client->talk->say(all.substr(103));
  settle();
  CAF_CHECK_EQUAL(site().got(), all);
  site().reset();
  settle();
  CAF_CHECK_EQUAL(client->resumed_with.value_or(""), all);
}

CAF_TEST(early data is not said twice) {
  form_pod();
  auto client = leave();
  client->talk->say(client_hello() + std::string{"\x17\x03\x03\x00\x01!", 6});
  settle();
  site().reset();
  settle();
  CAF_CHECK(!client->resumed_with.has_value());
  CAF_CHECK(client->aborted);
}

CAF_TEST(a peer that goes later closes the tunnels it carried and no others) {
  form_pod();
  auto client = talk();
  auto other = connect_to("www.a.example");
  CAF_CHECK(other->tunnel_target.has_value());
  for (auto& x : net.wires)
    x->close();
  settle();
  CAF_CHECK(client->talk->is_cut());
  CAF_CHECK(client->aborted);
  CAF_CHECK(!client->resumed_with.has_value());
  CAF_CHECK_EQUAL(relays(), 0u);
  CAF_CHECK_EQUAL(exit_tunnels(), 0u);
  // The next one goes elsewhere.
  auto again = connect_to("www.b.example");
  CAF_CHECK(again->tunnel_target.has_value());
}

CAF_TEST(an exit that does not answer in time is not waited for) {
  form_pod();
  busy = connect_to("www.a.example");
  tell(first->env->exits.get(), tunnel_begun{4711, first->env->self->device()});
  second->targets->silent = true;
  auto client = connect_to("www.b.example");
  CAF_CHECK(!client->tunnel_target);
  pass(900ms);
  CAF_CHECK(!client->tunnel_target);
  pass(200ms);
  CAF_CHECK(client->tunnel_target.has_value());
  CAF_CHECK_EQUAL(client->accepted_tunnels, 0u);
  CAF_CHECK(client->heads.empty());
}

CAF_TEST(an exit that is quick as a rule is given little time) {
  form_pod();
  for (int i = 0; i < 8; ++i)
    tell(first->env->exits.get(),
         exit_answered{second->env->self->device(), 20ms});
  busy = connect_to("www.a.example");
  tell(first->env->exits.get(), tunnel_begun{4711, first->env->self->device()});
  second->targets->silent = true;
  auto client = connect_to("www.b.example");
  pass(300ms);
  CAF_CHECK(!client->tunnel_target);
  pass(200ms);
  CAF_CHECK(client->tunnel_target.has_value());
}

CAF_TEST(what is not TLS leaves if the user lets it) {
  pod_config asking;
  asking.tunnels.plain = true;
  form_pod(asking);
  auto client = leave();
  client->talk->say("GET / HTTP/1.1\r\n\r\n");
  settle();
  CAF_CHECK_EQUAL(site().got(), "GET / HTTP/1.1\r\n\r\n");
  CAF_CHECK(!client->resumed_with.has_value());
  tell(first->env->exits.get(), tunnel_begun{4712, first->env->self->device()});
  auto other = leave("www.c.example");
  site().say("220 mail.example\r\n");
  settle();
  CAF_CHECK_EQUAL(other->talk->got(), "220 mail.example\r\n");
}

CAF_TEST(a site that is silent is asked again at home) {
  form_pod();
  auto client = leave();
  client->talk->say(client_hello());
  pass(3900ms);
  CAF_CHECK(!client->resumed_with.has_value());
  pass(200ms);
  CAF_CHECK_EQUAL(client->resumed_with.value_or(""), client_hello());
}

CAF_TEST(a site that rejects a foreign exit is kept at home) {
  form_pod();
  auto client = leave();
  client->talk->say(client_hello());
  settle();
  site().finish();
  settle();
  CAF_CHECK_EQUAL(client->resumed_with.value_or(""), client_hello());
  auto again = connect_to("api.b.example");
  CAF_CHECK(again->tunnel_target.has_value());
}

CAF_TEST(what the exit refuses goes home) {
  form_pod();
  busy = connect_to("www.a.example");
  tell(first->env->exits.get(), tunnel_begun{4711, first->env->self->device()});
  second->targets->fails = make_error(errc::policy_refused, "10.0.0.1");
  auto client = connect_to("www.b.example");
  CAF_CHECK_EQUAL(second->targets->dialled.size(), 1u);
  CAF_CHECK(client->tunnel_target.has_value());
}

CAF_TEST(a client may want one line) {
  form_pod();
  auto own = connect_to("www.a.example", "own");
  CAF_CHECK(own->tunnel_target.has_value());
  auto theirs = connect_to("www.c.example", id_of(second), 8443);
  CAF_CHECK_EQUAL(theirs->accepted_tunnels, 1u);
  CAF_CHECK_EQUAL(second->targets->dialled.back().port, 8443u);
  // It is responsible for what it sends there.
  theirs->talk->say("anything");
  settle();
  CAF_CHECK_EQUAL(site().got(), "anything");
  site().reset();
  settle();
  CAF_CHECK(theirs->aborted);
  CAF_CHECK(!theirs->resumed_with.has_value());
}

CAF_TEST(a line that is wanted and not there is an error) {
  form_pod();
  auto nobody = connect_to("www.a.example", std::string(32, 'a'));
  CAF_REQUIRE(!nobody->heads.empty());
  CAF_CHECK_EQUAL(nobody->heads.back().status, 502u);
  CAF_CHECK(!nobody->tunnel_target);
  auto nonsense = connect_to("www.a.example", "somewhere");
  CAF_REQUIRE(!nonsense->heads.empty());
  CAF_CHECK_EQUAL(nonsense->heads.back().status, 400u);
}

CAF_TEST(a wanted line that fails is an error) {
  form_pod();
  second->targets->fails = make_error(errc::connection_refused, "no");
  auto client = connect_to("www.a.example", id_of(second));
  CAF_REQUIRE(!client->heads.empty());
  CAF_CHECK_EQUAL(client->heads.back().status, 502u);
  CAF_CHECK(!client->tunnel_target);
}

CAF_TEST(a device that shares no tunnels is not asked) {
  pod_config serving;
  serving.share_tunnels = 0;
  first = add_device();
  second = add_device(serving);
  go_online(*first);
  go_online(*second);
  CAF_REQUIRE(pass_until([&] { return second->env->exits_standing > 0; }));
  pass(2s);
  CAF_CHECK_EQUAL(first->env->exits_standing.load(), 0u);
  CAF_CHECK(!status(*first).peers.at(0).tunnels);
}

CAF_TEST(there is a bound on the tunnels of one peer) {
  pod_config serving;
  serving.share_tunnels = 2;
  form_pod({}, serving);
  auto one = connect_to("a.example", id_of(second));
  auto two = connect_to("b.example", id_of(second));
  auto three = connect_to("c.example", id_of(second));
  CAF_CHECK_EQUAL(one->accepted_tunnels, 1u);
  CAF_CHECK_EQUAL(two->accepted_tunnels, 1u);
  CAF_CHECK_EQUAL(three->accepted_tunnels, 0u);
  two->talk->reset();
  settle();
  auto four = connect_to("d.example", id_of(second));
  CAF_CHECK_EQUAL(four->accepted_tunnels, 1u);
}

CAF_TEST(a quota ends tunnels) {
  form_pod();
  sharing_config rules;
  rules.limits.per_day = 3_MiB;
  second->env->sharing = std::make_shared<sharing_gate>(rules);
  auto client = talk();
  const std::string piece(64_KiB, 'x');
  for (int i = 0; i < 80; ++i)
    site().say(piece);
  settle();
  CAF_CHECK(client->talk->is_cut());
  CAF_CHECK(client->aborted);
  CAF_CHECK(client->talk->got_size() <= 3_MiB + 2 * piece.size());
}

CAF_TEST(a tunnel that is quiet for too long is closed) {
  form_pod();
  auto client = talk();
  pass(9min, 500ms);
  CAF_CHECK(!client->talk->is_cut());
  pass(2min, 500ms);
  CAF_CHECK(client->talk->is_cut());
  CAF_CHECK_EQUAL(exit_tunnels(), 0u);
}

CAF_TEST(a tunnel may be closed by the end that asked for it) {
  pod_config asking;
  asking.tunnel_idle = 1min;
  form_pod(asking);
  auto client = talk();
  pass(50s, 500ms);
  site().say("alive");
  pass(50s, 500ms);
  CAF_CHECK(!client->talk->is_cut());
  pass(20s, 500ms);
  CAF_CHECK(client->talk->is_cut());
  CAF_CHECK_EQUAL(relays(), 0u);
  CAF_CHECK_EQUAL(exit_tunnels(), 0u);
}

CAF_TEST(a tunnel does not stay open for ever) {
  pod_config asking;
  asking.tunnel_total = 1min;
  form_pod(asking);
  auto client = talk();
  each_step.push_back([&] {
    if (!site().is_cut())
      site().say(".");
  });
  pass(59s, 500ms);
  CAF_CHECK(!client->talk->is_cut());
  pass(2s, 500ms);
  CAF_CHECK(client->talk->is_cut());
}

CAF_TEST(the share of the line bounds what tunnels send) {
  pod_config serving;
  serving.share_rate = 1_MiB;
  form_pod({}, serving);
  auto client = talk();
  const std::string piece(32_KiB, 'x');
  uint64_t said = client_hello().size();
  each_step.push_back([&] {
    if (said - site().got_size() < 1_MiB) {
      client->talk->say(piece);
      said += piece.size();
    }
  });
  auto before = site().got_size();
  pass(4s);
  auto rate = static_cast<double>(site().got_size() - before) / 4;
  CAF_CHECK(rate < 1.3 * 1024 * 1024);
  CAF_CHECK(rate > 0.7 * 1024 * 1024);
  each_step.clear();
  client->talk->finish();
  pass(3s);
  // All of it, and then the end.
  CAF_CHECK_EQUAL(site().got_size(), said);
  CAF_CHECK(site().has_ended());
}

CAF_TEST(the share of the line bounds what tunnels bring) {
  pod_config serving;
  serving.share_rate = 1_MiB;
  form_pod({}, serving);
  auto client = talk();
  const std::string piece(32_KiB, 'x');
  each_step.push_back([&] {
    if (site().unread_there() < 1_MiB)
      site().say(piece);
  });
  auto before = client->talk->got_size();
  pass(4s);
  auto rate = static_cast<double>(client->talk->got_size() - before) / 4;
  CAF_CHECK(rate < 1.3 * 1024 * 1024);
  CAF_CHECK(rate > 0.7 * 1024 * 1024);
}

CAF_TEST(an end that crashes tells the other one) {
  form_pod();
  auto client = talk();
  for (auto& x : second->env->live->records())
    if (x->name() == std::string{"exit_tunnel"})
      tell_crash(caf::actor_cast<caf::strong_actor_ptr>(x->handle), "a test");
  settle();
  CAF_CHECK(client->talk->is_cut());
  CAF_CHECK(client->aborted);
  CAF_CHECK_EQUAL(second->env->counters.exit_tunnels.load(), 0u);
}

CAF_TEST(the choice of exits survives a crash) {
  form_pod();
  connect_to("www.a.example");
  pass(1500ms);
  CAF_CHECK_EQUAL(first->env->sites.get().entries.size(), 1u);
  connect_to("www.b.example");
  auto before = first->env->exits.get();
  tell_crash(caf::actor_cast<caf::strong_actor_ptr>(before), "a test");
  settle();
  first->env->exits.set(spawn_on<exits_actor, exits_state>(
      first->env->io, exits_behavior, first->env));
  first->actors.push_back(
      caf::actor_cast<caf::strong_actor_ptr>(first->env->exits.get()));
  pass(600ms);
  CAF_CHECK_EQUAL(first->env->sites.get().entries.size(), 2u);
  CAF_CHECK_EQUAL(first->env->exits_standing.load(), 1u);
  auto client = connect_to("www.c.example", id_of(second));
  CAF_CHECK_EQUAL(client->accepted_tunnels, 1u);
}

// -- a peer that does not play by the rules -----------------------------------

CAF_TEST(a peer that breaks the rules of tunnels is left) {
  using wire2::exchange_id;
  std::vector<wire2::message> bad{
      wire2::open_tunnel{exchange_id{3}, "a.example", 443}, // our numbers
      wire2::tunnel_data{exchange_id{2}, slice{std::string_view{"x"}}},
      wire2::tunnel_opened{exchange_id{2}},
  };
  for (auto& x : bad) {
    first = add_device();
    go_online(*first);
    secure_peer peer{*this, *first};
    peer.send(wire2::welcome{});
    first->targets->silent = true;
    peer.send(wire2::open_tunnel{exchange_id{2}, "a.example", 443});
    settle();
    CAF_CHECK_EQUAL(first->targets->dialled.size(), 1u);
    CAF_CHECK(peer.got<wire2::goodbye>().empty());
    peer.send(x);
    settle();
    CAF_REQUIRE_EQUAL(peer.got<wire2::goodbye>().size(), 1u);
    CAF_CHECK(peer.got<wire2::goodbye>()[0].reason
              == wire2::goodbye_reason::misbehaved);
    CAF_CHECK_EQUAL(children(first->env->exit_tunnels.get()), 0u);
  }
}

CAF_TEST(a stranger opens no tunnels) {
  trusting = false;
  pod_config config;
  config.trust = trust_mode::ask;
  first = add_device(config);
  go_online(*first);
  secure_peer peer{*this, *first};
  peer.send(wire2::welcome{});
  peer.send(wire2::open_tunnel{wire2::exchange_id{2}, "a.example", 443});
  settle();
  CAF_CHECK(first->targets->dialled.empty());
  CAF_CHECK_EQUAL(peer.got<wire2::goodbye>().size(), 1u);
}

CAF_TEST(a target that is none is refused) {
  first = add_device();
  go_online(*first);
  secure_peer peer{*this, *first};
  peer.send(wire2::welcome{});
  peer.send(wire2::open_tunnel{wire2::exchange_id{2}, "a/../b", 443});
  settle();
  CAF_CHECK(first->targets->dialled.empty());
  auto ends = peer.got<wire2::close_tunnel>();
  CAF_REQUIRE_EQUAL(ends.size(), 1u);
  CAF_CHECK(ends[0].how == wire2::tunnel_end::policy_refused);
}

CAF_TEST_FIXTURE_SCOPE_END()

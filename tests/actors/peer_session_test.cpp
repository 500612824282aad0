#define CAF_SUITE peer_session

#include "actors/roster.hpp"
#include "tests/actors/scripted_peer.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

const hello_extension ours{1, 0, "friend"};

struct peer_session_fixture : download_fixture {
  peer_session_fixture() {
    x = online_device();
  }

  std::vector<peer_status> connected() {
    return in_state("connected");
  }

  /// The handles of the sessions, as the roster holds them.
  std::vector<caf::strong_actor_ptr> sessions() {
    std::vector<caf::strong_actor_ptr> out;
    using impl = placed_actor<roster_actor, roster_state>;
    auto& state = deref<impl>(x->env->roster.get()).state;
    for (auto& [connection, entry] : state.sessions)
      out.push_back(entry.handle);
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(peer_session_tests, peer_session_fixture)

// -- who is there -------------------------------------------------------------

CAF_TEST(our own daemons and foreign ones are told apart) {
  scripted_peer friendly{*this, *x, ours};
  scripted_peer foreign{*this, *x, std::nullopt};
  pass(1500ms);
  auto peers = connected();
  CAF_REQUIRE_EQUAL(peers.size(), 2u);
  for (auto& y : peers) {
    bool is_foreign = y.id == foreign.id();
    CAF_CHECK_EQUAL(y.protocol, is_foreign ? "1 (foreign)" : "1");
    CAF_CHECK_EQUAL(y.name, is_foreign ? "" : "friend");
  }
}

CAF_TEST(a device that shares a line is shown with whom until that ends) {
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  auto shown = [&] { return connected().at(0).same_line; };
  CAF_CHECK(!shown());
  auto self = x->env->self->device();
  caf::anon_send(x->env->roster.get(), line_shared{peer.id(), self});
  settle();
  CAF_CHECK(shown() == self);
  caf::anon_send(x->env->roster.get(), line_shared{peer.id(), std::nullopt});
  settle();
  CAF_CHECK(!shown());
  // Another scheduler has to find out for itself.
  caf::anon_send(x->env->roster.get(), line_shared{peer.id(), self});
  caf::anon_send(x->env->roster.get(), scheduler_started{});
  settle();
  CAF_CHECK(!shown());
}

CAF_TEST(foreign daemons are turned away when the user wants it so) {
  x->env->config.legacy = false;
  scripted_peer foreign{*this, *x, std::nullopt};
  pass(1500ms);
  CAF_CHECK(connected().empty());
  CAF_CHECK(foreign.is_closed());
  CAF_CHECK_EQUAL(children(x->env->sessions.get()), 0u);
}

CAF_TEST(a silent peer is dropped after six seconds) {
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  peer.silent = true;
  pass(4s);
  CAF_CHECK_EQUAL(connected().size(), 1u);
  pass(3s);
  CAF_CHECK(connected().empty());
  CAF_CHECK_EQUAL(children(x->env->sessions.get()), 0u);
}

CAF_TEST(a peer that leaves is gone at once) {
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  CAF_CHECK_EQUAL(connected().size(), 1u);
  peer.send(leave{peer.id()});
  CAF_CHECK(connected().empty());
}

CAF_TEST(a device that leaves says goodbye to its peers) {
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  caf::anon_send(x->env->roster.get(), leave_pod{});
  settle();
  CAF_CHECK_EQUAL(peer.got<leave>().size(), 1u);
  CAF_CHECK(peer.is_closed());
}

// -- what a peer brings -------------------------------------------------------

CAF_TEST(what our own daemon vouches for needs no recheck) {
  scripted_peer peer{*this, *x, ours};
  peer.on_request = [&](const chunk_request& ask) {
    CAF_CHECK(ask.expected == version());
    peer.send(scripted_peer::answer_to(ask, true));
  };
  pass(1500ms);
  auto client = download();
  CAF_CHECK(finishes(client));
  CAF_CHECK(taken_from(peer) > 1'000'000);
  auto seen = status(*x);
  CAF_CHECK_EQUAL(seen.transfers[0].ledger.rechecked, 0u);
}

CAF_TEST(a foreign peer is asked for one chunk at a time) {
  scripted_peer peer{*this, *x, std::nullopt};
  pass(1500ms);
  auto client = download();
  pass(300ms);
  CAF_CHECK_EQUAL(peer.got<chunk_request>().size(), 1u);
  CAF_CHECK(finishes(client));
}

CAF_TEST(wrong hashes are refused by a nack and the peer is set aside) {
  scripted_peer peer{*this, *x, ours};
  peer.on_request = [&](const chunk_request& ask) {
    auto out = scripted_peer::answer_to(ask, true);
    out.hash.bytes[0] ^= 1;
    peer.send(out);
  };
  pass(1500ms);
  auto client = download();
  CAF_CHECK(finishes(client));
  CAF_CHECK_EQUAL(taken_from(peer), 0u);
  auto nacks = peer.got<nack>();
  CAF_REQUIRE(!nacks.empty());
  CAF_CHECK_EQUAL(nacks[0].reason->code, 4u);
  auto all = status(*x).peers;
  CAF_REQUIRE_EQUAL(all.size(), 1u);
  CAF_CHECK_EQUAL(all[0].state, "set aside");
}

CAF_TEST(a payload of another size or place or version is refused) {
  std::vector<std::function<void(chunk_data&)>> lies{
      [](auto& y) {
        y.payload = y.payload.sub(1);
        y.hash = sha256(y.payload.bytes());
      },
      [](auto& y) { y.origin->origin_offset += 1; },
      [](auto& y) { y.origin->status = 200; },
      [](auto& y) { y.origin->rep.etag = "\"v2\""; },
      [](auto& y) { y.origin.reset(); },
  };
  for (auto& lie : lies) {
    scripted_peer peer{*this, *x, ours};
    peer.on_request = [&](const chunk_request& ask) {
      auto out = scripted_peer::answer_to(ask, true);
      lie(out);
      peer.send(out);
    };
    pass(1500ms);
    auto client = download();
    CAF_CHECK(finishes(client));
    auto requests = peer.got<chunk_request>().size();
    CAF_CHECK(requests > 0 && requests <= 3);
    for (auto& y : status(*x).transfers)
      CAF_CHECK(!y.ledger.bytes_by_source.contains(peer.id()));
  }
}

CAF_TEST(chunks that nobody asked for are ignored) {
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  chunk_request made_up;
  made_up.range = {0, 1000};
  peer.send(scripted_peer::answer_to(made_up, false));
  peer.send(nack{made_up.transfer, made_up.range, {}});
  pass(100ms);
  CAF_CHECK_EQUAL(connected().size(), 1u);
}

CAF_TEST(a peer that refuses one body is not asked again for it) {
  scripted_peer peer{*this, *x, ours};
  peer.on_request = [&](const chunk_request& ask) {
    peer.send(nack{ask.transfer, ask.range, nack_reason{1, "not for you"}});
  };
  pass(1500ms);
  auto client = download();
  CAF_CHECK(finishes(client));
  CAF_CHECK(peer.got<chunk_request>().size() <= 3);
}

CAF_TEST(a range that is asked for again is brought by the first answer) {
  std::vector<chunk_request> asked;
  scripted_peer peer{*this, *x, ours};
  peer.on_request = [&](const chunk_request& ask) { asked.push_back(ask); };
  pass(1500ms);
  auto source = std::make_shared<body_source>();
  source->request = get_file();
  source->rep = version();
  std::string history;
  auto sink = sys.spawn([&](caf::event_based_actor*) {
    return caf::behavior{
        [&](const chunk_arrived& y) {
          history += "arrived " + std::to_string(y.lease) + " ";
        },
        [&](const chunk_settled& y) {
          history +=
              (y.failure ? "failed " : "done ") + std::to_string(y.lease);
        },
    };
  });
  auto to = caf::actor_cast<caf::strong_actor_ptr>(sink);
  auto session = sessions().at(0);
  tell(session, fetch_chunk{1, source, {0, 1000}, to, false});
  tell(session, cancel_chunk{1, to});
  tell(session, fetch_chunk{2, source, {0, 1000}, to, false});
  settle();
  CAF_REQUIRE_EQUAL(asked.size(), 2u);
  CAF_CHECK_EQUAL(history, "failed 1");
  history.clear();
  peer.send(scripted_peer::answer_to(asked[0], true));
  CAF_CHECK_EQUAL(history, "arrived 2 done 2");
  peer.send(scripted_peer::answer_to(asked[1], true));
  CAF_CHECK_EQUAL(history, "arrived 2 done 2");
  caf::anon_send_exit(sink, caf::exit_reason::kill);
}

CAF_TEST(a peer that never answers holds nothing up for long) {
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  auto client = download();
  CAF_CHECK(pass_until([&] { return client->complete; }, 5500ms));
  CAF_CHECK(is_content(client->body, {0, server->size}));
}

// -- what we bring to a peer --------------------------------------------------

CAF_TEST(a range is fetched for a peer with what the origin said of it) {
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  peer.ask({1000, 51'000}, version());
  pass(10ms);
  auto data = peer.got<chunk_data>();
  CAF_REQUIRE_EQUAL(data.size(), 1u);
  CAF_CHECK(data[0].payload.text() == content({1000, 51'000}).text());
  CAF_CHECK(data[0].hash == sha256(data[0].payload.bytes()));
  CAF_REQUIRE(data[0].origin.has_value());
  CAF_CHECK_EQUAL(data[0].origin->status, 206u);
  CAF_CHECK_EQUAL(data[0].origin->origin_offset, 1000u);
  CAF_CHECK(data[0].origin->rep == version());
  CAF_CHECK_EQUAL(x->env->counters.served_bytes.load(), 50'000u);
  CAF_CHECK_EQUAL(x->env->serving->used(), 0u);
}

CAF_TEST(a foreign peer gets its range without our extension) {
  scripted_peer peer{*this, *x, std::nullopt};
  pass(1500ms);
  peer.ask({0, 1000});
  pass(10ms);
  auto data = peer.got<chunk_data>();
  CAF_REQUIRE_EQUAL(data.size(), 1u);
  CAF_CHECK(data[0].payload.text() == content({0, 1000}).text());
  CAF_CHECK(!data[0].origin);
}

CAF_TEST(a peer with an older version gets a nack) {
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  auto old = version();
  old.etag = "\"v0\"";
  peer.ask({0, 1000}, old);
  pass(10ms);
  CAF_CHECK(peer.got<chunk_data>().empty());
  auto nacks = peer.got<nack>();
  CAF_REQUIRE_EQUAL(nacks.size(), 1u);
  CAF_CHECK_EQUAL(nacks[0].reason->code, 2u);
  CAF_CHECK_EQUAL(connected().size(), 1u);
}

CAF_TEST(too large a range is refused) {
  server->size = 100'000'000;
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  peer.ask({0, x->env->config.max_served_chunk + 1}, version());
  auto nacks = peer.got<nack>();
  CAF_REQUIRE_EQUAL(nacks.size(), 1u);
  CAF_CHECK_EQUAL(nacks[0].reason->code, 1u);
  CAF_CHECK_EQUAL(x->wan->opened, 0u);
}

CAF_TEST(a foreign peer that must be refused loses its session instead) {
  scripted_peer peer{*this, *x, std::nullopt};
  pass(1500ms);
  x->wan->fails = make_error(errc::policy_refused, "not a public address");
  peer.ask({0, 1000});
  pass(10ms);
  CAF_CHECK(peer.got<nack>().empty());
  CAF_CHECK(peer.is_closed());
}

CAF_TEST(six ranges are fetched at a time for one peer) {
  x->wan->rate = 100'000;
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  for (uint64_t i = 0; i < 8; ++i)
    peer.ask({i * 1000, i * 1000 + 1000}, version());
  CAF_CHECK_EQUAL(x->wan->opened, 6u);
  pass(1s);
  CAF_CHECK_EQUAL(peer.got<chunk_data>().size(), 8u);
}

CAF_TEST(a peer that asks without measure is dropped) {
  x->wan->frozen = true;
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  for (uint64_t i = 0; i < 30; ++i)
    peer.ask({i * 1000, i * 1000 + 1000}, version());
  CAF_CHECK(peer.is_closed());
  CAF_CHECK(x->wan->exchanges.empty());
  CAF_CHECK_EQUAL(x->env->serving->used(), 0u);
}

CAF_TEST(what is fetched for a peer that left is called off) {
  x->wan->rate = 1000;
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  peer.ask({0, 100'000}, version());
  CAF_CHECK_EQUAL(x->wan->exchanges.size(), 1u);
  peer.stream->close();
  settle();
  CAF_CHECK(x->wan->exchanges.empty());
}

CAF_TEST(a fetch that was interrupted is refused so that the peer asks again) {
  x->wan->rate = 1000;
  scripted_peer peer{*this, *x, ours};
  pass(1500ms);
  peer.ask({0, 100'000}, version());
  x->env->lines.first().fetcher.clear();
  pass(600ms);
  auto nacks = peer.got<nack>();
  CAF_REQUIRE_EQUAL(nacks.size(), 1u);
  CAF_CHECK_EQUAL(nacks[0].reason->code, 3u);
}

CAF_TEST(a share of the line is not exceeded) {
  pod_config config;
  config.share_rate = 100'000;
  auto y = online_device(config);
  scripted_peer peer{*this, *y, ours};
  pass(1500ms);
  y->wan->rate = 10'000'000;
  for (uint64_t i = 0; i < 5; ++i)
    peer.ask({i * 100'000, (i + 1) * 100'000}, version());
  pass(2s);
  CAF_CHECK(peer.got<chunk_data>().size() <= 4);
  pass(4s);
  CAF_CHECK_EQUAL(peer.got<chunk_data>().size(), 5u);
}

CAF_TEST_FIXTURE_SCOPE_END()

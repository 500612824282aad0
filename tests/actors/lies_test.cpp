#define CAF_SUITE lies

#include "tests/actors/scripted_peer.hpp"

#include <sodium.h>

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

/// A device with one peer of our own kind, whose word nobody vouches for.
struct lies_fixture : pod_fixture {
  device_ptr x = add_device();
  std::function<bool(const chunk_request&)> lies;

  lies_fixture() {
    server->size = 4'000'000;
    x->wan->rate = 1'000'000;
    go_online(*x);
  }

  void join(scripted_peer& peer) {
    peer.on_request = [this, &peer](const chunk_request& ask) {
      auto out = scripted_peer::answer_to(ask, true);
      if (lies && lies(ask)) {
        peapod::byte_buffer wrong(out.payload.size(), 'X');
        out.payload = slice{std::move(wrong)};
        out.hash = sha256(out.payload.bytes());
      }
      peer.send(out);
    };
    pass(1500ms);
  }

  std::shared_ptr<browser> download() {
    auto out = connect(*x);
    out->ask(get_file());
    settle();
    return out;
  }

  /// Whether `ask` can only be a recheck: no lease is as small.
  bool is_recheck(const request_head& ask) {
    auto text = ask.fields.find("Range");
    auto range = text ? resolve(*parse_range(*text), server->size)
                      : std::optional<byte_range>{};
    return range && range->size() <= spot_choice::sample_size;
  }

  size_t rechecks() {
    return static_cast<size_t>(std::ranges::count_if(
        server->requests, [this](auto& ask) { return is_recheck(ask); }));
  }

  bool finishes(const std::shared_ptr<browser>& client) {
    return pass_until([&] { return client->complete; }, 20s)
           && is_content(client->body, {0, server->size});
  }

  /// Whether the client sees that its body is incomplete.
  bool is_reset(const std::shared_ptr<browser>& client) {
    return pass_until([&] { return client->closed; }, 20s) && client->aborted
           && !client->complete;
  }

  transfer_status last() {
    auto all = status(*x).transfers;
    return all.empty() ? transfer_status{} : all.back();
  }

  uint64_t brought_by(const scripted_peer& peer) {
    auto ledger = last().ledger;
    auto i = ledger.bytes_by_source.find(peer.id());
    return i == ledger.bytes_by_source.end() ? 0 : i->second;
  }

  /// The origin says what its body hashes to.
  void announce(const digest& hash) {
    server->twist = [hash](const request_head&, response_head& head,
                           byte_range&) {
      std::string text(64, '\0');
      sodium_bin2base64(text.data(), text.size(), hash.bytes.data(),
                        hash.bytes.size(), sodium_base64_VARIANT_ORIGINAL);
      text.resize(44);
      head.fields.add("Repr-Digest", "sha-256=:" + text + ":");
    };
  }
};

const hello_extension our_kind{1, 0, "a peer"};

} // namespace

CAF_TEST_FIXTURE_SCOPE(lies_tests, lies_fixture)

CAF_TEST(what a peer brings is sampled over the own line) {
  scripted_peer peer{*this, *x, our_kind};
  join(peer);
  CAF_CHECK(finishes(download()));
  auto ended = last();
  CAF_CHECK(brought_by(peer) > 1'000'000);
  CAF_CHECK(ended.verified_by == rung::audit);
  CAF_CHECK(ended.ledger.samples >= 2);
  CAF_CHECK_EQUAL(ended.ledger.samples, rechecks());
  CAF_CHECK_EQUAL(ended.ledger.lies, 0u);
  CAF_CHECK_EQUAL(x->env->counters.samples.load(), ended.ledger.samples);
}

CAF_TEST(with nought percent nothing is sampled) {
  x->env->config.audit = 0;
  scripted_peer peer{*this, *x, our_kind};
  join(peer);
  CAF_CHECK(finishes(download()));
  CAF_CHECK_EQUAL(rechecks(), 0u);
  CAF_CHECK(last().verified_by == rung::validator);
}

CAF_TEST(a liar is found before its bytes go out and is set aside) {
  scripted_peer peer{*this, *x, our_kind};
  lies = [](auto&) { return true; };
  join(peer);
  CAF_CHECK(finishes(download()));
  CAF_CHECK_EQUAL(last().ledger.lies, 1u);
  CAF_CHECK_EQUAL(brought_by(peer), 0u);
  CAF_CHECK_EQUAL(x->env->counters.lies.load(), 1u);
  auto peers = status(*x).peers;
  CAF_REQUIRE_EQUAL(peers.size(), 1u);
  CAF_CHECK_EQUAL(peers[0].state, "set aside");
  // It is asked for nothing any more.
  auto asked = peer.got<chunk_request>().size();
  CAF_CHECK(finishes(download()));
  CAF_CHECK_EQUAL(peer.got<chunk_request>().size(), asked);
}

CAF_TEST(lies that begin late end the body or do not get into it) {
  x->env->config.audit = 100;
  scripted_peer peer{*this, *x, our_kind};
  lies = [](auto& ask) { return ask.range.begin > 2'500'000; };
  join(peer);
  auto client = download();
  CAF_CHECK(
      pass_until([&] { return client->complete || client->closed; }, 20s));
  CAF_CHECK_EQUAL(last().ledger.lies, 1u);
  CAF_CHECK(is_content(client->body, {0, client->body.size()}));
  if (!client->complete) {
    CAF_CHECK(client->aborted);
    CAF_CHECK(last().state.find("differs from what the origin says")
              != std::string::npos);
  }
  // It is asked for nothing any more.
  auto asked = peer.got<chunk_request>().size();
  CAF_CHECK(finishes(download()));
  CAF_CHECK_EQUAL(peer.got<chunk_request>().size(), asked);
}

CAF_TEST(an own line that has no time for samples holds nothing up) {
  scripted_peer peer{*this, *x, our_kind};
  server->twist = [this](const request_head& ask, response_head& head,
                         byte_range& range) {
    if (is_recheck(ask)) {
      head.status = 404;
      range = {};
    }
  };
  join(peer);
  CAF_CHECK(finishes(download()));
  CAF_CHECK(last().ledger.unchecked > 0);
  CAF_CHECK_EQUAL(last().ledger.samples, 0u);
  CAF_CHECK(brought_by(peer) > 1'000'000);
}

CAF_TEST(a sample that one server of several cannot confirm is asked anew) {
  scripted_peer peer{*this, *x, our_kind};
  unsigned others = 0;
  server->twist = [&](const request_head& ask, response_head& head,
                      byte_range&) {
    if (is_recheck(ask) && others++ == 0)
      head.fields.set("ETag", "\"of another server\"");
  };
  join(peer);
  CAF_CHECK(finishes(download()));
  CAF_CHECK(others > 1);
  CAF_CHECK(last().ledger.samples > 0);
  CAF_CHECK_EQUAL(last().ledger.unchecked, 0u);
}

CAF_TEST(a spine that can do alone does when no sample can be confirmed) {
  scripted_peer peer{*this, *x, our_kind};
  server->twist = [this](const request_head& ask, response_head& head,
                         byte_range&) {
    if (is_recheck(ask))
      head.fields.set("ETag", "\"v2\"");
  };
  join(peer);
  CAF_CHECK(finishes(download()));
  CAF_CHECK_EQUAL(brought_by(peer), 0u);
  // And the next client gets it without peers.
  auto asked = peer.got<chunk_request>().size();
  CAF_CHECK(finishes(download()));
  CAF_CHECK_EQUAL(peer.got<chunk_request>().size(), asked);
}

CAF_TEST(an origin that wants fewer requests is not asked for samples) {
  scripted_peer peer{*this, *x, our_kind};
  unsigned status = 0;
  server->twist = [&](const request_head& ask, response_head& head,
                      byte_range& range) {
    if (is_recheck(ask)) {
      head.status = status;
      range = {};
    }
  };
  join(peer);
  for (unsigned code : {429u, 503u, 403u}) {
    status = code;
    server->requests.clear();
    CAF_CHECK(finishes(download()));
    CAF_CHECK_EQUAL(rechecks(), 1u);
    CAF_CHECK(last().ledger.unchecked > 0);
  }
}

CAF_TEST(a body with the announced hash is complete) {
  scripted_peer peer{*this, *x, our_kind};
  announce(sha256(content({0, server->size}).bytes()));
  join(peer);
  CAF_CHECK(finishes(download()));
  CAF_CHECK(last().verified_by == rung::digest);
  CAF_CHECK(brought_by(peer) > 1'000'000);
  CAF_CHECK_EQUAL(x->env->counters.digests_right.load(), 1u);
}

CAF_TEST(a body without the announced hash is reset and then left to one line) {
  scripted_peer peer{*this, *x, our_kind};
  announce(sha256(content({1, server->size}).bytes()));
  join(peer);
  CAF_CHECK(is_reset(download()));
  CAF_CHECK_EQUAL(x->env->counters.digests_wrong.load(), 1u);
  CAF_CHECK_EQUAL(last().ledger.lies, 0u);
  CAF_CHECK(last().state.find("hash that the origin announced")
            != std::string::npos);
  CAF_CHECK(finishes(download()));
}

CAF_TEST(a liar that only the hash gives away is looked for) {
  x->env->config.audit = 0;
  scripted_peer peer{*this, *x, our_kind};
  announce(sha256(content({0, server->size}).bytes()));
  lies = [](auto&) { return true; };
  join(peer);
  CAF_CHECK(is_reset(download()));
  CAF_CHECK_EQUAL(x->env->counters.lies.load(), 1u);
  auto seen = status(*x);
  CAF_CHECK_EQUAL(seen.peers.at(0).state, "set aside");
}

CAF_TEST_FIXTURE_SCOPE_END()

#define CAF_SUITE plain_exits

#include "tests/actors/secure_peer.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

/// `first` may send plain requests through `second`.
struct plain_exits_fixture : pod_fixture {
  device_ptr first;
  device_ptr second;
  /// What `first` reaches through `second`, and the site as seen from there.
  std::shared_ptr<origin> seen_from_there = std::make_shared<origin>();
  std::shared_ptr<line> theirs =
      std::make_shared<line>(net.work, seen_from_there);

  void form_pod(bool plain = true) {
    server->size = seen_from_there->size = 1000;
    pod_config config;
    config.tunnels.plain = plain;
    first = add_device(config);
    second = add_device();
    first->env->ports.http_through = [this](const device_id& peer) {
      CAF_CHECK(peer == second->env->self->device());
      return theirs;
    };
    go_online(*first);
    go_online(*second);
    CAF_REQUIRE(pass_until([&] {
      return first->env->exits_standing > 0 && second->env->exits_standing > 0;
    }));
    // The own line is in use, so that the next site takes the other one.
    tell(first->env->exits.get(),
         tunnel_begun{4711, first->env->self->device()});
    settle();
  }

  std::shared_ptr<browser> ask(request_head head, std::string body = {}) {
    auto out = connect(*first);
    out->ask(std::move(head), std::move(body));
    settle();
    return out;
  }

  std::shared_ptr<browser> ask(const std::string& host = "www.b.example") {
    return ask(get("http://" + host + "/page"));
  }

  /// It was asked over this line alone.
  void check_asked(const std::shared_ptr<origin>& which, size_t times = 1) {
    CAF_CHECK_EQUAL(which->requests.size(), times);
    auto& other = which == server ? seen_from_there : server;
    CAF_CHECK(other->requests.empty());
  }

  std::string whole() const {
    return std::string{content({0, 1000}).text()};
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(plain_exits_tests, plain_exits_fixture)

CAF_TEST(a plain request leaves through a peer) {
  form_pod();
  auto client = ask();
  check_asked(seen_from_there);
  CAF_REQUIRE_EQUAL(client->heads.size(), 1u);
  CAF_CHECK_EQUAL(client->heads.back().status, 200u);
  CAF_CHECK(client->complete);
  CAF_CHECK_EQUAL(client->body, whole());
  // The next one of the connection keeps the line of its site.
  client->ask(get("http://www.b.example/other"));
  settle();
  check_asked(seen_from_there, 2);
}

CAF_TEST(nothing leaves unless the user lets it) {
  form_pod(false);
  ask();
  check_asked(server);
}

CAF_TEST(what is for the origin alone stays at home) {
  form_pod();
  auto with = [](const std::string& name, const std::string& value) {
    auto out = get("http://www.b.example/page");
    out.fields.add(name, value);
    return out;
  };
  ask(with("Cookie", "login=1"));
  ask(with("Authorization", "Basic eDp5"));
  ask(with("Upgrade", "websocket"));
  ask(get("http://www.b.example/page?X-Amz-Signature=1"));
  auto post = get("http://www.b.example/form");
  post.method = "POST";
  ask(post, "words");
  ask(get("http://nas.local/page"));
  ask(get("http://www.b.example:8080/page"));
  check_asked(server, 7);
}

CAF_TEST(a site that forbids it to others is asked at home and stays there) {
  form_pod();
  seen_from_there->status = 403;
  auto client = ask();
  CAF_CHECK_EQUAL(seen_from_there->requests.size(), 1u);
  CAF_CHECK_EQUAL(server->requests.size(), 1u);
  CAF_REQUIRE_EQUAL(client->heads.size(), 1u);
  CAF_CHECK_EQUAL(client->heads.back().status, 200u);
  CAF_CHECK_EQUAL(client->body, whole());
  CAF_CHECK_EQUAL(first->env->counters.bounced.load(), 1u);
  ask();
  CAF_CHECK_EQUAL(seen_from_there->requests.size(), 1u);
  CAF_CHECK_EQUAL(server->requests.size(), 2u);
}

CAF_TEST(a peer that fails before the site has answered is not noticed) {
  form_pod();
  unsigned sites = 0;
  for (auto code :
       {errc::upstream_refused, errc::connection_closed, errc::timed_out}) {
    theirs->fails = make_error(code, "a test");
    auto client = ask("www.site" + std::to_string(++sites) + ".example");
    CAF_CHECK_EQUAL(theirs->opened, sites);
    CAF_CHECK_EQUAL(server->requests.size(), sites);
    CAF_REQUIRE_EQUAL(client->heads.size(), 1u);
    CAF_CHECK_EQUAL(client->heads.back().status, 200u);
    CAF_CHECK_EQUAL(client->body, whole());
    CAF_CHECK(!client->closed);
  }
}

CAF_TEST(a site that is silent there is asked at home) {
  form_pod();
  theirs->frozen = true;
  auto client = ask();
  pass(3900ms);
  CAF_CHECK(client->heads.empty());
  pass(200ms);
  CAF_CHECK_EQUAL(server->requests.size(), 1u);
  CAF_CHECK_EQUAL(client->body, whole());
  pass(10s);
  CAF_CHECK(!client->closed);
}

CAF_TEST(an answer from there that comes too late is none of the own line) {
  form_pod();
  server->status = 404;
  theirs->frozen = true;
  auto client = ask();
  pass(3990ms, 10ms);
  CAF_REQUIRE_EQUAL(theirs->exchanges.size(), 1u);
  // Both are there before the connection sees one of them.
  advance_time(20ms);
  theirs->frozen = false;
  theirs->exchanges.front()->respond();
  net.work->run();
  settle();
  CAF_CHECK_EQUAL(server->requests.size(), 1u);
  CAF_REQUIRE_EQUAL(client->heads.size(), 1u);
  CAF_CHECK_EQUAL(client->heads.back().status, 404u);
}

CAF_TEST(a body that breaks off is seen by the client) {
  form_pod();
  theirs->rate = 1;
  auto client = ask();
  CAF_REQUIRE_EQUAL(client->heads.size(), 1u);
  theirs->break_bodies();
  settle();
  CAF_CHECK(client->aborted);
  CAF_CHECK(!client->complete);
  CAF_CHECK(server->requests.empty());
}

CAF_TEST(what can be pooled is asked over the own line) {
  form_pod();
  server->size = seen_from_there->size = 4_MiB;
  // The peer tells of another version.
  seen_from_there->etag = "\"other\"";
  auto client = ask();
  CAF_CHECK_EQUAL(seen_from_there->requests.size(), 1u);
  pass(1s);
  CAF_REQUIRE_EQUAL(client->heads.size(), 1u);
  CAF_CHECK_EQUAL(client->heads.back().fields.find("ETag").value_or(""),
                  "\"v1\"");
  CAF_CHECK(client->complete);
  CAF_CHECK_EQUAL(client->body.size(), 4_MiB);
  CAF_CHECK_EQUAL(first->env->counters.pooled.load(), 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()

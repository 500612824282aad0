#define CAF_SUITE never_shown

#include "tests/actors/scripted_peer.hpp"

#include <algorithm>
#include <set>

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

/// A device with a client of its own and a peer that sees what it is asked.
struct never_shown_fixture : pod_fixture {
  device_ptr x = add_device();
  std::unique_ptr<scripted_peer> peer;
  std::set<std::string> shown; ///< URLs that the peer was asked for

  never_shown_fixture() {
    server->size = 4'000'000;
    x->wan->rate = 1'000'000;
    go_online(*x);
    peer = std::make_unique<scripted_peer>(*this, *x,
                                           hello_extension{1, 0, "friend"});
    peer->on_request = [this](const chunk_request& ask) {
      shown.insert(ask.url.value_or("none"));
      peer->send(scripted_peer::answer_to(ask, true));
    };
    pass(1500ms);
  }

  /// What the client got.
  std::shared_ptr<browser> download(request_head request) {
    auto client = connect(*x);
    client->ask(std::move(request));
    CAF_CHECK(pass_until([&] { return client->complete; }, 10s));
    return client;
  }

  void downloads_alone(request_head request, const char* why) {
    auto client = download(std::move(request));
    CAF_CHECK(is_content(client->body, {0, server->size}));
    CAF_CHECK(shown.empty());
    CAF_CHECK_EQUAL(x->env->counters.pooled.load(), 0u);
    CAF_CHECK_EQUAL(
        std::ranges::count(x->log, std::string{"not pooled: "} + why), 1);
  }
};

constexpr auto plain_url = "http://origin.example/file";
constexpr auto signed_url = "http://cdn.example/file?X-Amz-Signature=abc";

} // namespace

CAF_TEST_FIXTURE_SCOPE(never_shown_tests, never_shown_fixture)

CAF_TEST(a plain download shows its url) {
  download(get(plain_url));
  CAF_CHECK(shown == std::set<std::string>{plain_url});
}

CAF_TEST(a host that peers never see is downloaded from alone) {
  x->env->config.pool.never_hosts = {*parse_host_pattern(".example")};
  x->env->config.pool.share_credentials = true;
  downloads_alone(get(plain_url), "host is one that peers never see");
}

CAF_TEST(a request with a cookie is shown to nobody) {
  auto request = get(plain_url);
  request.fields.add("Cookie", "a=b");
  downloads_alone(request, "request has credentials");
}

CAF_TEST(a signed link of an unknown site is shown to nobody) {
  downloads_alone(get("http://cdn.example/file?q-signature=1&q-ak=2"),
                  "url has a secret");
}

CAF_TEST(a link that expires is shown to nobody) {
  downloads_alone(get("http://cdn.example/file?md5=abc&e=1700000000"),
                  "url has a secret");
}

CAF_TEST(a session in a path is shown to nobody) {
  downloads_alone(get("http://shop.example/file;jsessionid=ABC"),
                  "url has a secret");
}

CAF_TEST(a request with a key in a field is shown to nobody) {
  auto request = get(plain_url);
  request.fields.add("X-Api-Key", "abc");
  downloads_alone(request, "request has credentials");
}

CAF_TEST(who shares credentials shows the url but no field) {
  x->env->config.pool.share_credentials = true;
  auto request = get(plain_url);
  request.fields.add("Cookie", "a=b");
  download(request);
  CAF_CHECK(shown == std::set<std::string>{plain_url});
}

CAF_TEST(a redirect to a signed url shows neither of both) {
  server->twist = [](const request_head& ask, response_head& head,
                     byte_range& range) {
    if (ask.target.text() != plain_url)
      return;
    head.status = 302;
    head.fields.set("Location", signed_url);
    range = {};
  };
  auto first = download(get(plain_url));
  CAF_REQUIRE_EQUAL(first->heads.size(), 1u);
  CAF_CHECK_EQUAL(first->heads[0].status, 302u);
  downloads_alone(get(signed_url), "url has a secret");
}

CAF_TEST(a pooled body whose ranges are redirected shows no new url) {
  // The origin answers a download itself and sends ranges elsewhere.
  server->twist = [](const request_head& ask, response_head& head,
                     byte_range& range) {
    if (!ask.fields.find("Range"))
      return;
    head.status = 302;
    head.fields.set("Location", signed_url);
    range = {};
  };
  auto client = download(get(plain_url));
  CAF_CHECK(is_content(client->body, {0, server->size}));
  CAF_CHECK(shown == std::set<std::string>{plain_url});
  // Nor does the own line follow, so nobody has a use for it.
  for (auto& request : server->requests)
    CAF_CHECK_EQUAL(request.target.text(), plain_url);
}

CAF_TEST_FIXTURE_SCOPE_END()

#define CAF_SUITE pod

#include "tests/actors/pod_fixture.hpp"

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

struct pod_test_fixture : pod_fixture {
  /// Three devices that know each other.
  void form_pod(uint64_t rate) {
    for (int i = 0; i < 3; ++i) {
      auto x = add_device();
      x->wan->rate = rate;
      go_online(*x);
    }
    CAF_REQUIRE(pass_until([&] {
      return std::all_of(devices.begin(), devices.end(),
                         [&](auto& x) { return connected(*x) == 2; });
    }));
  }

  size_t connected(peapod::fakes::device& x) {
    auto all = status(x).peers;
    return static_cast<size_t>(
        std::count_if(all.begin(), all.end(),
                      [](auto& y) { return y.state == "connected"; }));
  }

  std::shared_ptr<browser> download(peapod::fakes::device& x) {
    auto out = connect(x);
    out->ask(get_file());
    settle();
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(pod_tests, pod_test_fixture)

CAF_TEST(a body for which there is no memory passes through) {
  pod_config config;
  config.scheduling.memory = 512_KiB;
  auto x = add_device(config);
  go_online(*x);
  x->wan->rate = 2'000'000;
  server->size = 2'000'000;
  CAF_REQUIRE_EQUAL(x->env->config.scheduling.most_bodies(), 1u);
  auto first = download(*x);
  pass(100ms);
  auto second = download(*x);
  CAF_CHECK(pass_until([&] { return first->complete && second->complete; }));
  CAF_CHECK_EQUAL(x->env->counters.pooled, 1u);
  CAF_CHECK_EQUAL(x->env->counters.passed_through, 1u);
  CAF_CHECK_EQUAL(x->env->counters.pooling, 0u);
  for (auto& client : {first, second})
    CAF_CHECK(is_content(client->body, {0, server->size}));
  auto third = download(*x);
  CAF_CHECK(pass_until([&] { return third->complete; }));
  CAF_CHECK_EQUAL(x->env->counters.pooled, 2u);
}

CAF_TEST(three devices find each other and share a download) {
  form_pod(2'000'000);
  server->size = 8'000'000;
  auto client = download(*devices[0]);
  CAF_CHECK(pass_until([&] { return client->complete; }, 1900ms));
  CAF_CHECK(is_content(client->body, {0, server->size}));
  auto done = status(*devices[0]).transfers;
  CAF_REQUIRE_EQUAL(done.size(), 1u);
  CAF_CHECK_EQUAL(done[0].state, "done");
  auto& by_source = done[0].ledger.bytes_by_source;
  CAF_CHECK_EQUAL(by_source.size(), 3u);
  for (auto& [id, bytes] : by_source)
    CAF_CHECK(bytes > 1'500'000);
  CAF_CHECK(by_source.contains(devices[0]->env->self->device()));
  CAF_CHECK(done[0].ledger.wasted < 400'000);
  for (auto i : {1, 2})
    CAF_CHECK(devices[i]->env->counters.served_bytes > 1'500'000);
}

CAF_TEST(what had come of the spine when it was cut off counts as wasted) {
  form_pod(2'000'000);
  server->size = 8'000'000;
  uint64_t wasted[2];
  for (auto held : {0, 100'000}) {
    devices[0]->wan->held = held;
    auto client = download(*devices[0]);
    CAF_REQUIRE(pass_until([&] { return client->complete; }));
    wasted[held > 0] = status(*devices[0]).transfers.back().ledger.wasted;
  }
  CAF_CHECK(wasted[1] >= wasted[0] + 50'000);
}

CAF_TEST(all devices may download at the same time) {
  form_pod(2'000'000);
  server->size = 4'000'000;
  std::vector<std::shared_ptr<browser>> clients;
  for (auto& x : devices)
    clients.push_back(download(*x));
  for (auto& x : clients) {
    CAF_CHECK(pass_until([&] { return x->complete; }, 5s));
    CAF_CHECK(is_content(x->body, {0, server->size}));
  }
}

CAF_TEST(a peer that leaves in the middle of a download is not missed) {
  form_pod(2'000'000);
  server->size = 8'000'000;
  auto client = download(*devices[0]);
  pass(600ms);
  caf::anon_send(devices[1]->env->roster.get(), leave_pod{});
  CAF_CHECK(pass_until([&] { return client->complete; }, 3s));
  CAF_CHECK(is_content(client->body, {0, server->size}));
}

CAF_TEST(a session that crashes in the middle of a download is not missed) {
  form_pod(2'000'000);
  server->size = 8'000'000;
  auto client = download(*devices[0]);
  pass(600ms);
  caf::anon_send_exit(devices[0]->env->sessions.get(),
                      caf::exit_reason::user_shutdown);
  devices[0]->env->sessions.clear();
  CAF_CHECK(pass_until([&] { return client->complete; }, 5s));
  CAF_CHECK(is_content(client->body, {0, server->size}));
}

CAF_TEST(a fetcher that crashes in the middle of a download is replaced) {
  form_pod(2'000'000);
  server->size = 8'000'000;
  auto client = download(*devices[0]);
  pass(1s);
  for (auto i : {0, 1}) {
    auto& env = devices[i]->env;
    caf::anon_send_exit(env->lines.first().fetcher.get(),
                        caf::exit_reason::kill);
    settle();
    start_fetcher(*devices[i]);
  }
  CAF_CHECK(pass_until([&] { return client->complete; }, 4s));
  CAF_CHECK(is_content(client->body, {0, server->size}));
}

CAF_TEST(a peer whose line freezes holds up a download for two seconds) {
  form_pod(2'000'000);
  server->size = 8'000'000;
  auto client = download(*devices[0]);
  pass(600ms);
  devices[2]->wan->frozen = true;
  CAF_CHECK(pass_until([&] { return client->complete; }, 4s));
  CAF_CHECK(is_content(client->body, {0, server->size}));
}

CAF_TEST(a network that swallows everything ends sessions and not downloads) {
  form_pod(2'000'000);
  server->size = 8'000'000;
  auto client = download(*devices[0]);
  pass(600ms);
  for (auto& x : net.wires) {
    x->cut = true;
    if (auto y = x->other.lock())
      y->cut = true;
  }
  CAF_CHECK(pass_until([&] { return client->complete; }, 7s));
  CAF_CHECK(is_content(client->body, {0, server->size}));
  CAF_CHECK(pass_until([&] { return connected(*devices[0]) == 0; }, 7s));
}

CAF_TEST(peers are not blamed for the time in which nothing ran here) {
  form_pod(2'000'000);
  server->size = 8'000'000;
  auto client = download(*devices[0]);
  pass(600ms);
  sched.advance_time(40s);
  settle();
  CAF_CHECK(pass_until([&] { return client->complete; }, 7s));
  CAF_CHECK(is_content(client->body, {0, server->size}));
  CAF_CHECK(std::ranges::none_of(devices[0]->log, [](auto& line) {
    return line.find("set aside") != line.npos;
  }));
}

CAF_TEST(bytes changed on the way end the session and not the download) {
  form_pod(2'000'000);
  server->size = 8'000'000;
  auto client = download(*devices[0]);
  pass(300ms);
  for (auto& x : net.wires)
    x->tamper = [](slice in) {
      peapod::byte_buffer out(in.bytes().begin(), in.bytes().end());
      out.back() ^= 1;
      return slice{std::move(out)};
    };
  CAF_CHECK(pass_until([&] { return client->complete; }, 7s));
  CAF_CHECK(is_content(client->body, {0, server->size}));
}

CAF_TEST(a peer that sees another version of a resource brings none of it) {
  form_pod(2'000'000);
  server->size = 6'000'000;
  auto other = std::make_shared<origin>(*server);
  other->etag = "\"v2\"";
  devices[1]->wan->server = other;
  auto client = download(*devices[0]);
  CAF_CHECK(pass_until([&] { return client->complete; }, 5s));
  CAF_CHECK(is_content(client->body, {0, server->size}));
  auto done = status(*devices[0]).transfers;
  CAF_REQUIRE_EQUAL(done.size(), 1u);
  auto& by_source = done[0].ledger.bytes_by_source;
  CAF_CHECK(!by_source.contains(devices[1]->env->self->device()));
  CAF_CHECK(by_source.contains(devices[2]->env->self->device()));
  CAF_CHECK(!other->requests.empty());
}

CAF_TEST(a device that does not share brings nothing) {
  form_pod(2'000'000);
  devices[1]->env->config.share = false;
  server->size = 4'000'000;
  auto client = download(*devices[0]);
  CAF_CHECK(pass_until([&] { return client->complete; }, 5s));
  CAF_CHECK_EQUAL(devices[1]->wan->opened, 0u);
  CAF_CHECK_EQUAL(devices[1]->env->counters.served_bytes.load(), 0u);
}

CAF_TEST(what is fetched for a peer carries nothing of the client) {
  form_pod(2'000'000);
  server->size = 4'000'000;
  auto client = connect(*devices[0]);
  auto head = get_file();
  head.fields.add("Referer", "http://secret.example/");
  client->ask(head);
  CAF_CHECK(pass_until([&] { return client->complete; }, 5s));
  size_t for_peers = 0;
  for (auto& x : server->requests)
    for_peers += !x.fields.find("Referer");
  CAF_CHECK(for_peers > 0);
  CAF_CHECK(for_peers < server->requests.size());
}

CAF_TEST_FIXTURE_SCOPE_END()

#define CAF_SUITE proxy_acceptor

#include "tests/actors/pod_fixture.hpp"

#include <algorithm>

#include <caf/test/dsl.hpp>

using namespace peapod;
using namespace peapod::fakes;

namespace {

struct proxy_acceptor_fixture : pod_fixture {
  proxy_acceptor_fixture() {
    pod_config config;
    config.max_clients = 2;
    x = add_device(config);
    go_online(*x);
  }

  std::shared_ptr<browser> arrive(bool one_too_many = false,
                                  bool servable = true) {
    auto out = std::make_shared<browser>(net.work);
    out->one_too_many = one_too_many;
    out->servable = servable;
    x->proxy->arrive(out);
    settle();
    return out;
  }

  size_t complaints() const {
    return static_cast<size_t>(std::ranges::count_if(x->log, [](auto& line) {
      return line.find("clients are turned away") != std::string::npos;
    }));
  }

  bool told(const std::string& words) const {
    return std::ranges::any_of(x->log, [&](auto& line) {
      return line.find(words) != std::string::npos;
    });
  }

  bool is_served(const std::shared_ptr<browser>& client) {
    client->ask(get_file());
    settle();
    return !client->heads.empty() && client->heads.back().status == 200;
  }

  device_ptr x;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(proxy_acceptor_tests, proxy_acceptor_fixture)

CAF_TEST(a client beyond the limit is turned away and the others stay) {
  auto first = arrive();
  auto second = arrive();
  auto third = arrive();
  CAF_CHECK(third->turned_away.find("max-clients") != std::string::npos);
  CAF_CHECK(is_served(first));
  CAF_CHECK(is_served(second));
  CAF_CHECK_EQUAL(x->env->counters.turned_away.load(), 1u);
}

CAF_TEST(a kept - alive connection makes room) {
  arrive();
  arrive();
  x->proxy->idle = 1;
  auto third = arrive();
  CAF_CHECK(third->turned_away.empty());
  CAF_CHECK(is_served(third));
  CAF_CHECK_EQUAL(x->env->counters.made_room.load(), 1u);
}

CAF_TEST(when descriptors run short a client is turned away) {
  auto client = arrive(true);
  CAF_CHECK(client->turned_away.find("descriptors") != std::string::npos);
}

CAF_TEST(a client with one of the last descriptors makes others go and goes) {
  x->proxy->idle = 1;
  auto client = arrive(true, false);
  CAF_CHECK(!client->turned_away.empty());
  CAF_CHECK_EQUAL(x->proxy->idle, 0u);
}

CAF_TEST(the log tells of it once in a while) {
  for (int i = 0; i < 5; ++i)
    arrive(true);
  CAF_CHECK_EQUAL(complaints(), 1u);
  sched.advance_time(std::chrono::seconds(11));
  settle();
  CAF_CHECK_EQUAL(complaints(), 2u);
  CAF_CHECK(x->log.back().find("(4 since") != std::string::npos);
}

CAF_TEST(the log says nothing more when nobody is turned away any more) {
  arrive(true);
  for (int i = 0; i < 3; ++i) {
    sched.advance_time(std::chrono::seconds(11));
    settle();
  }
  CAF_CHECK_EQUAL(complaints(), 1u);
  arrive(true);
  CAF_CHECK_EQUAL(complaints(), 2u);
}

CAF_TEST(a request for which there is no room is told of like a client) {
  x->env->config.max_tunnels = 0;
  auto refuse_tunnel = [&] {
    auto head = get_file();
    head.method = "CONNECT";
    arrive()->ask(std::move(head));
    settle();
  };
  for (int i = 0; i < 3; ++i)
    refuse_tunnel();
  CAF_CHECK_EQUAL(complaints(), 1u);
  CAF_CHECK(told("away: there are as many tunnels as [proxy] max-tunnels"));
  CAF_CHECK_EQUAL(x->env->counters.turned_away.load(), 3u);
  sched.advance_time(std::chrono::seconds(11));
  settle();
  CAF_CHECK_EQUAL(complaints(), 2u);
  CAF_CHECK(told("(2 since"));
}

CAF_TEST(the log of a limit does not say where a client wanted to go) {
  x->wan->fails = make_error(errc::limit_reached,
                             "secret.test: too many names are being looked "
                             "up");
  arrive()->ask(get_file());
  settle();
  CAF_CHECK_EQUAL(complaints(), 1u);
  CAF_CHECK(told("clients are turned away: too many names"));
}

CAF_TEST(when clients leave others are served again) {
  auto first = arrive();
  arrive();
  CAF_CHECK(!arrive()->turned_away.empty());
  first->hang_up();
  settle();
  CAF_CHECK(is_served(arrive()));
}

CAF_TEST_FIXTURE_SCOPE_END()

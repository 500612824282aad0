#include "hosts/net/dns.hpp"

#include "tests/hosts/scripted_origin.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#define CAF_SUITE dns
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::net;
using namespace peapod::net::test;
using namespace std::chrono_literals;

namespace {

using asio::ip::make_address;

/// A name server that can be slow, and that counts.
struct name_server {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, int> asked;
  std::set<std::string> held; ///< names whose answers wait
  int running = 0;
  int most_running = 0;

  result<addresses> answer(const std::string& host, address_family family) {
    std::unique_lock guard{mutex};
    ++asked[host];
    most_running = std::max(most_running, ++running);
    changed.notify_all();
    changed.wait(guard, [&] { return held.count(host) == 0; });
    --running;
    changed.notify_all();
    if (host.starts_with("nowhere"))
      return make_error(errc::dns_failed, host + ": no such host");
    return addresses{make_address(
        family == address_family::v4 ? "192.0.2.1" : "2001:db8::1")};
  }

  void hold(const std::string& host) {
    std::lock_guard guard{mutex};
    held.insert(host);
  }

  void release() {
    std::lock_guard guard{mutex};
    held.clear();
    changed.notify_all();
  }

  /// Blocks until `n` lookups run.
  bool await_threads(int n) {
    std::unique_lock guard{mutex};
    return changed.wait_for(guard, 10s, [&] { return running == n; });
  }

  int count(const std::string& host) {
    std::lock_guard guard{mutex};
    return asked[host];
  }
};

struct dns_fixture {
  loop l;
  std::shared_ptr<name_server> server = std::make_shared<name_server>();
  std::shared_ptr<network_epoch> epoch = std::make_shared<network_epoch>();
  std::unique_ptr<dns_cache> cache;

  ~dns_fixture() {
    server->release();
    cache.reset();
    server->await_threads(0);
  }

  void open(dns_limits limits = {}) {
    cache = std::make_unique<dns_cache>(
        l.io.get_executor(), limits,
        [server = server](const std::string& host, address_family family) {
          return server->answer(host, family);
        },
        epoch);
  }

  result<addresses> ask(const std::string& host,
                        address_family family = address_family::v4) {
    return l.await<addresses>(
        [&](auto done) { cache->lookup(host, family, done); });
  }

  /// Asks without waiting; the outcome's code, 0 for an answer.
  std::shared_ptr<std::optional<result<addresses>>>
  begin(const std::string& host) {
    auto out = std::make_shared<std::optional<result<addresses>>>();
    call_off =
        cache->lookup(host, address_family::v4, [out](result<addresses> x) {
          out->emplace(std::move(x));
        });
    return out;
  }

  std::function<void()> call_off; ///< what was begun last
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(dns_tests, dns_fixture)

CAF_TEST(an answer is used again) {
  open();
  for (int i = 0; i < 3; ++i)
    CAF_CHECK_EQUAL(ask("a.example").value().size(), 1u);
  CAF_CHECK_EQUAL(server->count("a.example"), 1);
}

CAF_TEST(families are asked for and kept apart) {
  open();
  CAF_CHECK(ask("a.example", address_family::v4).value()[0].is_v4());
  CAF_CHECK(ask("a.example", address_family::v6).value()[0].is_v6());
  CAF_CHECK_EQUAL(server->count("a.example"), 2);
}

CAF_TEST(an answer grows old) {
  dns_limits limits;
  limits.lifetime = 20ms;
  open(limits);
  CAF_CHECK(ask("a.example").has_value());
  l.until([] { return false; }, 30ms);
  CAF_CHECK(ask("a.example").has_value());
  CAF_CHECK_EQUAL(server->count("a.example"), 2);
}

CAF_TEST(a failure is remembered for a shorter while) {
  dns_limits limits;
  limits.failure_lifetime = 20ms;
  open(limits);
  CAF_CHECK(code_of_error(ask("nowhere.example")) == errc::dns_failed);
  CAF_CHECK(code_of_error(ask("nowhere.example")) == errc::dns_failed);
  CAF_CHECK_EQUAL(server->count("nowhere.example"), 1);
  l.until([] { return false; }, 30ms);
  CAF_CHECK(code_of_error(ask("nowhere.example")) == errc::dns_failed);
  CAF_CHECK_EQUAL(server->count("nowhere.example"), 2);
}

CAF_TEST(another network is asked anew) {
  open();
  CAF_CHECK(ask("a.example").has_value());
  epoch->next();
  CAF_CHECK(ask("a.example").has_value());
  CAF_CHECK_EQUAL(server->count("a.example"), 2);
  // The answer to what was asked in the network before is not kept, either.
  server->hold("b.example");
  auto late = begin("b.example");
  CAF_CHECK(server->await_threads(1));
  epoch->next();
  server->release();
  CAF_CHECK(l.until([&] { return late->has_value(); }));
  CAF_CHECK(ask("b.example").has_value());
  CAF_CHECK_EQUAL(server->count("b.example"), 2);
}

CAF_TEST(nobody waits for the name server of another network) {
  open();
  server->hold("a.example");
  auto before = begin("a.example");
  CAF_CHECK(server->await_threads(1));
  epoch->next();
  auto after = begin("a.example");
  CAF_CHECK(server->await_threads(2));
  server->release();
  CAF_CHECK(l.until([&] { return before->has_value() && after->has_value(); }));
  CAF_CHECK(after->value().has_value());
  // It is what the new one says.
  CAF_CHECK(ask("a.example").has_value());
  CAF_CHECK_EQUAL(server->count("a.example"), 2);
}

CAF_TEST(addresses that lead nowhere are asked for again soon) {
  dns_limits limits;
  limits.failure_lifetime = 20ms;
  open(limits);
  CAF_CHECK(ask("a.example").has_value());
  cache->doubt("a.example");
  cache->doubt("never.example");
  CAF_CHECK(ask("a.example").has_value());
  CAF_CHECK_EQUAL(server->count("a.example"), 1);
  l.until([] { return false; }, 30ms);
  CAF_CHECK(ask("a.example").has_value());
  CAF_CHECK_EQUAL(server->count("a.example"), 2);
}

CAF_TEST(a cache that is off keeps nothing) {
  dns_limits limits;
  limits.lifetime = 0s;
  open(limits);
  for (int i = 0; i < 3; ++i) {
    CAF_CHECK(ask("a.example").has_value());
    CAF_CHECK(!ask("nowhere.example").has_value());
  }
  CAF_CHECK_EQUAL(server->count("a.example"), 3);
  CAF_CHECK_EQUAL(server->count("nowhere.example"), 3);
}

CAF_TEST(who asks meanwhile waits for the same answer) {
  open();
  server->hold("a.example");
  auto one = begin("a.example");
  auto two = begin("a.example");
  CAF_CHECK(server->await_threads(1));
  server->release();
  CAF_CHECK(l.until([&] { return one->has_value() && two->has_value(); }));
  CAF_CHECK((*one)->has_value() && (*two)->has_value());
  CAF_CHECK_EQUAL(server->count("a.example"), 1);
}

CAF_TEST(a name server that hangs holds a bounded number of threads) {
  dns_limits limits;
  limits.lookups = 3;
  limits.waiting = 5;
  limits.slow = 1h;
  open(limits);
  std::vector<std::shared_ptr<std::optional<result<addresses>>>> all;
  for (int i = 0; i < 20; ++i) {
    auto host = "h" + std::to_string(i) + ".example";
    server->hold(host);
    all.push_back(begin(host));
  }
  CAF_CHECK(server->await_threads(3));
  auto refused = [&] {
    return std::count_if(all.begin(), all.end(), [](auto& x) {
      return x->has_value() && code_of_error(**x) == errc::limit_reached;
    });
  };
  CAF_CHECK(l.until([&] { return refused() == 12; }));
  server->release();
  CAF_CHECK(l.until([&] {
    return std::all_of(all.begin(), all.end(),
                       [](auto& x) { return x->has_value(); });
  }));
  CAF_CHECK_EQUAL(refused(), 12);
  CAF_CHECK_EQUAL(server->most_running, 3);
}

CAF_TEST(a slow name delays no other one) {
  open();
  server->hold("slow.example");
  auto slow = begin("slow.example");
  CAF_CHECK(ask("fast.example").has_value());
  CAF_CHECK(!slow->has_value());
}

CAF_TEST(names that nobody answers for do not keep others from a thread) {
  dns_limits limits;
  limits.lookups = 2;
  limits.slow = 10ms;
  open(limits);
  for (auto host : {"dead1.example", "dead2.example", "dead3.example"}) {
    server->hold(host);
    begin(host);
  }
  CAF_CHECK(ask("a.example").has_value());
  CAF_CHECK(server->await_threads(3));
}

CAF_TEST(slow lookups have a bounded number of threads) {
  dns_limits limits;
  limits.lookups = 2;
  limits.threads = 3;
  limits.slow = 1ms;
  open(limits);
  for (auto host : {"dead1.example", "dead2.example", "dead3.example"}) {
    server->hold(host);
    begin(host);
  }
  auto last = begin("a.example");
  for (int i = 0; i < 1000 && server->count("dead3.example") == 0; ++i)
    l.until([] { return false; }, 10ms);
  CAF_CHECK(server->await_threads(3));
  l.until([&] { return last->has_value(); }, 30ms);
  CAF_CHECK_EQUAL(server->count("a.example"), 0);
  server->release();
  CAF_CHECK(l.until([&] { return last->has_value(); }));
  CAF_CHECK((*last)->has_value());
  CAF_CHECK_EQUAL(server->most_running, 3);
}

CAF_TEST(few descriptors leave threads for lookups that are not slow) {
  dns_limits limits;
  CAF_CHECK_EQUAL(with_threads_for(limits, 64).threads, limits.lookups);
  CAF_CHECK_EQUAL(with_threads_for(limits, 2048).threads, 64u);
  CAF_CHECK_EQUAL(with_threads_for(limits, 1u << 20).threads, limits.threads);
}

CAF_TEST(lookups of the network before do not keep others from a thread) {
  dns_limits limits;
  limits.lookups = 1;
  limits.slow = 1h;
  open(limits);
  server->hold("dead.example");
  begin("dead.example");
  CAF_CHECK(server->await_threads(1));
  epoch->next();
  CAF_CHECK(ask("a.example").has_value());
}

CAF_TEST(who has gone does not keep others from a thread) {
  dns_limits limits;
  limits.lookups = 1;
  limits.slow = 1h;
  open(limits);
  server->hold("dead.example");
  begin("dead.example");
  auto go = call_off;
  CAF_CHECK(server->await_threads(1));
  auto waiting = begin("a.example");
  go();
  CAF_CHECK(l.until([&] { return waiting->has_value(); }));
}

CAF_TEST(what nobody waits for any longer is not asked for) {
  dns_limits limits;
  limits.lookups = 1;
  limits.waiting = 2;
  limits.slow = 1h;
  open(limits);
  server->hold("slow.example");
  begin("slow.example");
  auto one = begin("gone.example");
  auto first = call_off;
  auto two = begin("gone.example");
  auto second = call_off;
  auto other = begin("a.example");
  first();
  CAF_CHECK(l.until([&] { return one->has_value(); }));
  CAF_CHECK(code_of_error(**one) == errc::cancelled);
  CAF_CHECK(!two->has_value());
  second();
  auto in_its_place = begin("b.example");
  server->release();
  CAF_CHECK(
      l.until([&] { return other->has_value() && in_its_place->has_value(); }));
  CAF_CHECK((*other)->has_value() && (*in_its_place)->has_value());
  CAF_CHECK_EQUAL(server->count("gone.example"), 0);
  // Of what has its answer nothing is called off.
  second();
  call_off();
}

CAF_TEST(the number of answers is bounded and the oldest goes) {
  dns_limits limits;
  limits.answers = 2;
  open(limits);
  for (auto host : {"a.example", "b.example", "c.example", "c.example",
                    "b.example", "a.example"})
    CAF_CHECK(ask(host).has_value());
  CAF_CHECK_EQUAL(server->count("a.example"), 2);
  CAF_CHECK_EQUAL(server->count("b.example"), 1);
  CAF_CHECK_EQUAL(server->count("c.example"), 1);
}

CAF_TEST(an address is its own answer) {
  open();
  CAF_CHECK(ask("192.0.2.9").value()[0] == make_address("192.0.2.9"));
  CAF_CHECK(ask("192.0.2.9", address_family::v6).value().empty());
  CAF_CHECK(ask("::ffff:192.0.2.9").value()[0] == make_address("192.0.2.9"));
  CAF_CHECK_EQUAL(server->count("192.0.2.9"), 0);
}

CAF_TEST(a cache that goes calls its handlers and leaves its threads behind) {
  open();
  server->hold("a.example");
  auto x = begin("a.example");
  CAF_CHECK(server->await_threads(1));
  cache.reset();
  CAF_CHECK(l.until([&] { return x->has_value(); }));
  CAF_CHECK(code_of_error(**x) == errc::cancelled);
}

CAF_TEST(the system knows this machine) {
  auto v4 = resolve_by_system("localhost", address_family::v4);
  CAF_REQUIRE(v4.has_value());
  CAF_CHECK(v4->at(0).is_loopback());
  // Too long a label for a name server to be asked.
  auto none =
      resolve_by_system(std::string(64, 'x') + ".test", address_family::v4);
  CAF_CHECK(code_of_error(none) == errc::dns_failed);
}

CAF_TEST_FIXTURE_SCOPE_END()

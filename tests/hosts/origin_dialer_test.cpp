#include "hosts/net/origin_dialer.hpp"

#include "actors/error_page.hpp"
#include "tests/hosts/scripted_origin.hpp"

#include <sys/resource.h>

#include <atomic>
#include <fstream>
#include <future>
#include <map>
#include <thread>

#define CAF_SUITE origin_dialer
#include <caf/test/unit_test.hpp>

using namespace peapod;
using namespace peapod::net;
using namespace peapod::net::test;
using namespace std::chrono_literals;

namespace {

using asio::ip::make_address;
using clock_type = std::chrono::steady_clock;

/// A port of one address that answers nothing: its queue is full, so that a
/// connection is neither taken nor refused.
class black_hole {
public:
  black_hole(loop& l, const std::string& address, uint16_t port)
    : listener_(l.io), first_(l.io), second_(l.io) {
    tcp::endpoint at{make_address(address), port};
    listener_.open(at.protocol());
    listener_.set_option(asio::socket_base::reuse_address{true});
    listener_.bind(at);
    listener_.listen(0);
    first_.connect(at);
    second_.open(at.protocol());
    second_.async_connect(at, [](auto) {});
  }

private:
  tcp::acceptor listener_;
  tcp::socket first_;
  tcp::socket second_;
};

/// How many sockets of this machine try to connect to `port`.
int connecting_to(uint16_t port) {
  int out = 0;
  for (auto file : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream in{file};
    std::string number, local, remote, state, rest;
    std::getline(in, rest);
    while (in >> number >> local >> remote >> state && std::getline(in, rest))
      if (state == "02"
          && std::stoul(remote.substr(remote.rfind(':') + 1), nullptr, 16)
                 == port)
        ++out;
  }
  return out;
}

/// What a name has: IPv6 and IPv4 addresses.
struct record {
  std::vector<std::string> v6, v4;
};

struct origin_dialer_fixture {
  loop l;
  std::map<std::string, record> names;
  std::unique_ptr<origin_dialer> dialer;
  wan_config config;

  ~origin_dialer_fixture() {
    dialer.reset();
    l.settle();
  }

  /// A dialer that knows `names`. Its threads have a copy of them, for they may
  /// outlive the test.
  void open(net::exit_policy policy = nullptr) {
    config.resolver = [names =
                           names](const std::string& host,
                                  address_family family) -> result<addresses> {
      auto i = names.find(host);
      if (i == names.end())
        return make_error(errc::dns_failed, host + ": no such host");
      addresses out;
      for (auto& x : family == address_family::v6 ? i->second.v6 : i->second.v4)
        out.push_back(make_address(x));
      return out;
    };
    dialer = std::make_unique<origin_dialer>(l.io.get_executor(), config,
                                             std::move(policy));
  }

  /// Dials; the address that was reached, or the error's code in words.
  std::string dial(const std::string& host, uint16_t port,
                   dial_purpose purpose = dial_purpose::own_tunnel,
                   net::exit_policy policy = nullptr,
                   own_services own = own_services::reached) {
    open(std::move(policy));
    auto socket = l.await<socket_ptr>([&](auto done) {
      job = dialer->dial({host, port}, purpose, {}, done, own);
    });
    if (!socket)
      return std::string{to_string(socket.error().code)};
    return (**socket).remote_endpoint().address().to_string();
  }

  /// Dials over one of several lines; the address that it left from, or the
  /// error's code in words.
  std::string leave(const std::string& host, uint16_t port,
                    const line_wish& over,
                    dial_purpose purpose = dial_purpose::own_tunnel) {
    auto socket = l.await<socket_ptr>([&](auto done) {
      job = dialer->dial({host, port}, purpose, over, done);
    });
    if (!socket)
      return std::string{to_string(socket.error().code)};
    return (**socket).local_endpoint().address().to_string();
  }

  /// A site that leaves through `line`, of those of `names`.
  std::string site_on(const std::string& line, const std::string& user) {
    for (auto& [host, addresses] : names)
      if (dialer->line_for({host, 80}, {user, {}}) == line)
        return host;
    return {};
  }

  std::shared_ptr<dial_job> job;
};

/// Names of many sites that are all on this machine.
std::map<std::string, record> sites() {
  std::map<std::string, record> out;
  for (int i = 0; i < 40; ++i)
    out["www.site" + std::to_string(i) + ".example"] = {{}, {"127.0.0.1"}};
  return out;
}

/// A listener on one address.
tcp::acceptor listener_at(loop& l, const std::string& address, uint16_t port) {
  return {l.io, {make_address(address), port}};
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(origin_dialer_tests, origin_dialer_fixture)

CAF_TEST(the new family is preferred) {
  auto old = listener_at(l, "127.0.0.1", 0);
  auto port = old.local_endpoint().port();
  auto fresh = listener_at(l, "::1", port);
  names["a.example"] = {{"::1"}, {"127.0.0.1"}};
  CAF_CHECK_EQUAL(dial("a.example", port), "::1");
}

CAF_TEST(a refused family costs no time) {
  auto old = listener_at(l, "127.0.0.1", 0);
  names["a.example"] = {{"::1"}, {"127.0.0.1"}};
  auto begun = clock_type::now();
  CAF_CHECK_EQUAL(dial("a.example", old.local_endpoint().port()), "127.0.0.1");
  CAF_CHECK(clock_type::now() - begun < 200ms);
}

CAF_TEST(a silent address is joined by the next one and then let go) {
  auto good = listener_at(l, "127.0.0.1", 0);
  auto port = good.local_endpoint().port();
  black_hole hole{l, "::1", port};
  auto before = connecting_to(port);
  names["a.example"] = {{"::1"}, {"127.0.0.1"}};
  auto begun = clock_type::now();
  CAF_CHECK_EQUAL(dial("a.example", port), "127.0.0.1");
  auto took = clock_type::now() - begun;
  CAF_CHECK(took >= 240ms);
  CAF_CHECK(took < 2s);
  l.settle();
  CAF_CHECK_EQUAL(connecting_to(port), before);
}

CAF_TEST(addresses of one family are tried in turn) {
  auto good = listener_at(l, "127.0.0.3", 0);
  names["a.example"] = {{}, {"127.0.0.1", "127.0.0.2", "127.0.0.3"}};
  CAF_CHECK_EQUAL(dial("a.example", good.local_endpoint().port()), "127.0.0.3");
}

CAF_TEST(what an address said is told rather than what a name server said) {
  names["a.example"] = {{}, {"127.0.0.1"}};
  uint16_t port = 0;
  {
    auto gone = listener_at(l, "127.0.0.1", 0);
    port = gone.local_endpoint().port();
  }
  CAF_CHECK_EQUAL(dial("a.example", port), to_string(errc::connection_refused));
  CAF_CHECK_EQUAL(dial("nowhere.example", port), to_string(errc::dns_failed));
}

CAF_TEST(a cancelled attempt ends once) {
  auto good = listener_at(l, "127.0.0.1", 0);
  auto port = good.local_endpoint().port();
  black_hole hole{l, "::1", port};
  auto before = connecting_to(port);
  names["a.example"] = {{"::1"}, {}};
  open();
  int calls = 0;
  errc code{};
  job = dialer->dial({"a.example", port}, dial_purpose::own_tunnel, {},
                     [&](const result<socket_ptr>& x) {
                       ++calls;
                       code = x.error().code;
                     });
  CAF_CHECK(l.until([&] { return connecting_to(port) == before + 1; }));
  CAF_CHECK(job->overdue().code == errc::connect_timed_out);
  job->cancel();
  CAF_CHECK(l.until([&] { return calls > 0; }));
  l.settle();
  CAF_CHECK_EQUAL(calls, 1);
  CAF_CHECK(code == errc::cancelled);
  CAF_CHECK_EQUAL(connecting_to(port), before);
}

CAF_TEST(the exit policy is asked about every address each time) {
  auto good = listener_at(l, "127.0.0.1", 0);
  auto port = good.local_endpoint().port();
  names["a.example"] = {{}, {"127.0.0.2", "127.0.0.1"}};
  std::vector<std::string> asked;
  auto policy = [&](const std::string& ip, uint16_t) -> result<void> {
    asked.push_back(ip);
    if (ip == "127.0.0.1")
      return {};
    return make_error(errc::policy_refused, ip);
  };
  CAF_CHECK_EQUAL(dial("a.example", port, dial_purpose::peer, policy),
                  "127.0.0.1");
  CAF_CHECK_EQUAL(asked, (std::vector<std::string>{"127.0.0.2", "127.0.0.1"}));
  CAF_CHECK_EQUAL(dial("a.example", port, dial_purpose::peer),
                  to_string(errc::policy_refused));
  CAF_CHECK_EQUAL(dial("a.example", port), "127.0.0.1");
}

CAF_TEST(a lookup may last longer than the dialer and its event loop) {
  auto outer = std::make_unique<loop>();
  auto released = std::make_shared<std::promise<void>>();
  auto wait = released->get_future().share();
  auto alive = std::make_shared<int>();
  std::weak_ptr<int> running = alive;
  // One family is there at once, the other one much too late.
  config.resolver = [wait, alive](const std::string&,
                                  address_family x) -> result<addresses> {
    if (x == address_family::v6)
      return addresses{make_address("::1")};
    wait.wait();
    return addresses{make_address("127.0.0.1")};
  };
  auto good = listener_at(*outer, "::1", 0);
  auto own = std::make_unique<origin_dialer>(
      outer->io.get_executor(), std::exchange(config, {}), nullptr);
  alive.reset();
  auto socket = outer->await<socket_ptr>([&](auto done) {
    job = own->dial({"a.example", good.local_endpoint().port()},
                    dial_purpose::own_tunnel, {}, done);
  });
  CAF_CHECK(socket);
  socket = make_error(errc::gone, "");
  good.close();
  own.reset();
  outer.reset();
  job.reset();
  released->set_value();
  while (!running.expired())
    std::this_thread::yield();
}

CAF_TEST(the name of an attempt that was called off is not looked up) {
  for (auto purpose : {dial_purpose::own_tunnel, dial_purpose::peer}) {
    std::promise<void> gate;
    auto asked = std::make_shared<std::map<std::string, std::atomic<int>>>();
    for (auto host : {"slow.example", "gone.example", "last.example"})
      (*asked)[host] = 0;
    config.resolver = [opened = gate.get_future().share(),
                       asked](const std::string& host,
                              address_family) -> result<addresses> {
      ++asked->at(host);
      opened.wait();
      return make_error(errc::dns_failed, host + ": no such host");
    };
    // For a peer one family is asked for after the other.
    config.dns.lookups = purpose == dial_purpose::peer ? 1 : 2;
    config.dns.slow = 1h;
    if (purpose == dial_purpose::peer)
      config.upstream.proxy = parse_upstream("http://127.0.0.1:1").value();
    dialer = std::make_unique<origin_dialer>(l.io.get_executor(), config);
    std::map<std::string, errc> outcomes;
    auto dial = [&](const std::string& host) {
      return dialer->dial({host, 80}, purpose, {}, [&outcomes, host](auto x) {
        outcomes[host] = code_of_error(x).value_or(errc::internal);
      });
    };
    auto slow = dial("slow.example");
    auto gone = dial("gone.example");
    l.settle();
    gone->cancel();
    auto last = dial("last.example");
    gate.set_value();
    CAF_CHECK(l.until([&] { return outcomes.size() == 3; }));
    CAF_CHECK(outcomes["gone.example"] == errc::cancelled);
    CAF_CHECK(outcomes["last.example"] == errc::dns_failed);
    CAF_CHECK_EQUAL(asked->at("last.example"), 2);
    CAF_CHECK_EQUAL(asked->at("gone.example"), 0);
  }
}

CAF_TEST(a process of few descriptors has few threads that look names up) {
  std::promise<void> gate;
  auto running = std::make_shared<std::atomic<int>>(0);
  config.resolver = [opened = gate.get_future().share(),
                     running](const std::string& host,
                              address_family) -> result<addresses> {
    ++*running;
    opened.wait();
    return make_error(errc::dns_failed, host + ": no such host");
  };
  config.dns.lookups = 2;
  config.dns.threads = 100;
  config.dns.slow = 1ms;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  auto low = before;
  low.rlim_cur = 256;
  ::setrlimit(RLIMIT_NOFILE, &low);
  dialer = std::make_unique<origin_dialer>(l.io.get_executor(), config);
  ::setrlimit(RLIMIT_NOFILE, &before);
  int ended = 0;
  std::vector<std::shared_ptr<dial_job>> jobs;
  for (int i = 0; i < 20; ++i)
    jobs.push_back(dialer->dial({"h" + std::to_string(i) + ".example", 80},
                                dial_purpose::own_tunnel, {},
                                [&](auto) { ++ended; }));
  CAF_CHECK(l.until([&] { return *running >= 8; }));
  l.until([&] { return *running > 8; }, 50ms);
  CAF_CHECK_EQUAL(running->load(), 8);
  gate.set_value();
  CAF_CHECK(l.until([&] { return ended == 20; }));
}

CAF_TEST(we do not dial ourselves) {
  auto self = listener_at(l, "127.0.0.1", 0);
  auto port = self.local_endpoint().port();
  names["me.example"] = {{}, {"127.0.0.1"}};
  config.self = endpoint{"127.0.0.1", port};
  CAF_CHECK_EQUAL(dial("me.example", port), to_string(errc::loop_detected));
  CAF_CHECK_EQUAL(dial("127.0.0.1", port), to_string(errc::loop_detected));
  // These lead to 127.0.0.1, too.
  for (const auto* other : {"0.0.0.0", "::ffff:127.0.0.1", "::ffff:0.0.0.0"})
    CAF_CHECK_EQUAL(dial(other, port), to_string(errc::loop_detected));
  config.self = endpoint{"0.0.0.0", port};
  CAF_CHECK_EQUAL(dial("127.0.0.1", port), to_string(errc::loop_detected));
  config.self = endpoint{"127.0.0.2", port};
  CAF_CHECK_EQUAL(dial("127.0.0.1", port), "127.0.0.1");
}

CAF_TEST(other machines do not reach what this one keeps to itself) {
  auto service = listener_at(l, "127.0.0.1", 0);
  auto port = service.local_endpoint().port();
  auto reach = [&](const std::string& host, own_services own) {
    return dial(host, port, dial_purpose::own_tunnel, nullptr, own);
  };
  names["rebound.example"] = {{}, {"127.0.0.1"}};
  names["other.example"] = {{"::1"}, {"127.77.0.1"}};
  names["inside.example"] = {{"::ffff:127.0.0.1"}, {}};
  names["nowhere.example"] = {{"::"}, {"0.0.0.0"}};
  for (auto& host : {"127.0.0.1", "127.255.0.1", "0.0.0.0", "::1", "::",
                     "::ffff:127.0.0.1", "::ffff:0.0.0.0", "rebound.example",
                     "other.example", "inside.example", "nowhere.example"})
    CAF_CHECK_EQUAL(reach(host, own_services::refused),
                    to_string(errc::policy_refused));
  CAF_CHECK_EQUAL(reach("rebound.example", own_services::reached), "127.0.0.1");
  CAF_CHECK_EQUAL(reach("0.0.0.0", own_services::reached), "127.0.0.1");
}

CAF_TEST(an upstream proxy on this machine is reached for other machines) {
  auto proxy = listener_at(l, "127.0.0.1", 0);
  auto port = proxy.local_endpoint().port();
  config.upstream.proxy =
      parse_upstream("http://127.0.0.1:" + std::to_string(port)).value();
  config.upstream.always = true;
  auto reach = [&](const std::string& host) {
    return dial(host, 80, dial_purpose::own_request, nullptr,
                own_services::refused);
  };
  CAF_CHECK_EQUAL(reach("a.example"), "127.0.0.1");
  CAF_CHECK_EQUAL(reach("127.0.0.1.example"), "127.0.0.1");
  // What names this machine by itself would lead back to it.
  for (auto& host :
       {"127.0.0.1", "::", "0.0.0.0", "::ffff:127.1.2.3", "localhost",
        "a.localhost.", "2130706433", "127.1", "0x7f000001", "0"})
    CAF_CHECK_EQUAL(reach(host), to_string(errc::policy_refused));
  // What goes past the proxy is looked up here.
  names["direct.example"] = {{}, {"127.0.0.1"}};
  config.upstream.except = {*parse_host_pattern("direct.example")};
  CAF_CHECK_EQUAL(dial("direct.example", port, dial_purpose::own_request,
                       nullptr, own_services::refused),
                  to_string(errc::policy_refused));
}

CAF_TEST(what keeps us from the upstream proxy is not told of the site) {
  names["a.example"] = {{}, {"127.0.0.1"}};
  uint16_t port = 0;
  {
    auto gone = listener_at(l, "127.0.0.1", 0);
    port = gone.local_endpoint().port();
  }
  auto page_of = [](const error& why) {
    return make_error_page(why, false).text;
  };
  auto blames_proxy = [&](const error& why) {
    return page_of(why).find("The upstream proxy cannot be reached.")
           != std::string::npos;
  };
  auto failure = [&](const std::string& proxy) {
    config.upstream.proxy = parse_upstream("http://" + proxy).value();
    open();
    return l
        .await<socket_ptr>([&](auto done) {
          job = dialer->dial({"site.example", 443}, dial_purpose::own_tunnel,
                             {}, done);
        })
        .error();
  };
  auto refused = failure("a.example:" + std::to_string(port));
  CAF_CHECK(refused.code == errc::connection_refused);
  CAF_CHECK(blames_proxy(refused));
  auto nameless = failure("nowhere.example:3128");
  CAF_CHECK(nameless.code == errc::dns_failed);
  CAF_CHECK(blames_proxy(nameless));
}

CAF_TEST(an upstream proxy that is silent is not told of the site) {
  auto listener = listener_at(l, "127.0.0.1", 0);
  auto port = listener.local_endpoint().port();
  listener.close();
  black_hole silent{l, "127.0.0.1", port};
  auto before = connecting_to(port);
  config.upstream.proxy =
      parse_upstream("http://127.0.0.1:" + std::to_string(port)).value();
  open();
  job = dialer->dial({"site.example", 443}, dial_purpose::own_tunnel, {},
                     [](auto) {});
  CAF_CHECK(l.until([&] { return connecting_to(port) == before + 1; }));
  auto why = job->overdue();
  CAF_CHECK(why.code == errc::connect_timed_out);
  CAF_CHECK(make_error_page(why, false)
                .text.find("The upstream proxy cannot be reached.")
            != std::string::npos);
  job->cancel();
  l.settle();
}

CAF_TEST(a user keeps one of several lines for each site) {
  auto good = listener_at(l, "127.0.0.1", 0);
  auto port = good.local_endpoint().port();
  config.binds = {{"127.0.0.2", {}}, {"127.0.0.3", {}}};
  names = sites();
  open([](auto&, auto) { return result<void>{}; });
  std::map<std::string, int> used;
  for (auto& [host, addresses] : names)
    for (auto purpose : {dial_purpose::own_tunnel, dial_purpose::peer}) {
      auto line = dialer->line_for({host, port}, {"10.1.1.1", {}});
      ++used[line];
      for (int i = 0; i < 2; ++i)
        CAF_CHECK_EQUAL(leave(host, port, {"10.1.1.1", {}}, purpose), line);
    }
  CAF_CHECK_EQUAL(used.size(), 2u);
}

CAF_TEST(hosts of one site have one line) {
  config.binds = {{"127.0.0.2", {}}, {"127.0.0.3", {}}};
  config.site_of = [](const std::string& host) {
    return host.substr(host.find('.') + 1);
  };
  open();
  for (int i = 0; i < 20; ++i)
    CAF_CHECK_EQUAL(
        dialer->line_for({"h" + std::to_string(i) + ".a.example", 443},
                         {"a", {}}),
        dialer->line_for({"www.a.example", 443}, {"a", {}}));
}

CAF_TEST(lines take turns for nobody in particular) {
  auto good = listener_at(l, "127.0.0.1", 0);
  auto port = good.local_endpoint().port();
  config.binds = {{"127.0.0.2", {}}, {"127.0.0.3", {}}};
  names = sites();
  open();
  CAF_CHECK_NOT_EQUAL(leave("www.site1.example", port, {}),
                      leave("www.site1.example", port, {}));
}

CAF_TEST(a line that cannot be used is stood in for) {
  auto good = listener_at(l, "127.0.0.1", 0);
  auto port = good.local_endpoint().port();
  config.binds = {{"192.0.2.77", {}}, {"127.0.0.3", {}}};
  names = sites();
  open();
  auto site = site_on("192.0.2.77", "a");
  auto other = site_on("127.0.0.3", "a");
  for (unsigned i = 0; i < line_order::max_failures; ++i) {
    CAF_CHECK_EQUAL(dialer->line_for({site, port}, {"a", {}}), "192.0.2.77");
    CAF_CHECK_EQUAL(leave(site, port, {"a", {}}), "127.0.0.3");
  }
  // Now it is known, and nothing is tried in vain.
  CAF_CHECK_EQUAL(dialer->line_for({site, port}, {"a", {}}), "127.0.0.3");
  CAF_CHECK_EQUAL(leave(other, port, {"a", {}}), "127.0.0.3");
}

CAF_TEST(a line that is not there is told by its setting) {
  names = sites();
  for (auto& [line, bind] : std::map<std::string, source_bind>{
           {"192.0.2.77", {"192.0.2.77", {}}}, {"gone0", {{}, "gone0"}}}) {
    config.binds = {bind};
    open();
    auto why = l.await<socket_ptr>([&](auto done) {
                  job = dialer->dial({"www.site1.example", 80},
                                     dial_purpose::own_tunnel, {}, done);
                }).error();
    CAF_CHECK_EQUAL(why.detail,
                    "[wan] bind names " + line + ", which is not there");
    auto page = make_error_page(why, false);
    CAF_CHECK_EQUAL(page.head.status, 502u);
    CAF_CHECK(page.text.find("correct [wan] bind") != std::string::npos);
    CAF_CHECK(page.text.find("this device's internet") == std::string::npos);
  }
}

CAF_TEST(what a line says is told rather than that another is not there) {
  auto gone = listener_at(l, "127.0.0.1", 0);
  auto port = gone.local_endpoint().port();
  gone.close();
  config.binds = {{"192.0.2.77", {}}, {"127.0.0.3", {}}};
  names = sites();
  open();
  for (auto& line : {"192.0.2.77", "127.0.0.3"})
    CAF_CHECK_EQUAL(leave(site_on(line, "a"), port, {"a", {}}),
                    to_string(errc::connection_refused));
}

CAF_TEST(a line that is silent is stood in for) {
  auto good = listener_at(l, "127.0.0.1", 0);
  auto port = good.local_endpoint().port();
  black_hole hole{l, "127.0.0.9", port};
  names = sites();
  config.binds = {{"127.0.0.2", {}}, {"::1", {}}};
  for (auto& [host, x] : names)
    x = {{"::1"}, {"127.0.0.9"}}; // IPv4 leads into the hole
  auto fresh = listener_at(l, "::1", port);
  open();
  auto begun = clock_type::now();
  CAF_CHECK_EQUAL(leave(site_on("127.0.0.2", "a"), port, {"a", {}}), "::1");
  CAF_CHECK(clock_type::now() - begun >= 2s);
}

CAF_TEST(who wants one line gets no other) {
  auto good = listener_at(l, "127.0.0.1", 0);
  auto port = good.local_endpoint().port();
  config.binds = {{"127.0.0.2", {}}, {"127.0.0.3", {}}, {"192.0.2.77", {}}};
  names = sites();
  open();
  for (auto& line : {"127.0.0.2", "127.0.0.3"})
    for (auto& host : {"www.site1.example", "www.site2.example"})
      CAF_CHECK_EQUAL(leave(host, port, {"a", line}), line);
  CAF_CHECK_NOT_EQUAL(leave("www.site1.example", port, {"a", "192.0.2.77"}),
                      "127.0.0.2");
  CAF_CHECK_EQUAL(leave("www.site1.example", port, {"a", "other"}),
                  to_string(errc::unreachable));
}

CAF_TEST_FIXTURE_SCOPE_END()

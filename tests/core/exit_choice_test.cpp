#define CAF_SUITE exit_choice

#include "core/exit_choice.hpp"

#include <caf/test/dsl.hpp>

#include <map>
#include <set>

using namespace peapod;
using namespace std::chrono_literals;

namespace {

device_id device(uint8_t number) {
  device_id out;
  out.bytes.fill(number);
  return out;
}

const device_id self = device(9);
const device_id first = device(1);
const device_id second = device(2);

struct exit_choice_fixture {
  exit_choice_fixture() {
    restart({});
  }

  void restart(tunnel_rules rules, const site_memory& known = {}) {
    core.emplace(std::move(rules), self, known);
    tell();
  }

  /// Both peers tell that they are there.
  void tell(bool offers = true) {
    core->stands(first, offers, now);
    core->stands(second, offers, now);
  }

  void pass(duration time) {
    now += time;
    tell();
  }

  tunnel_wish wish(const std::string& site, const std::string& client = "me") {
    return {client, {"www." + site, 443}, site, {}, false};
  }

  /// The line of a tunnel that is opened and stays open.
  device_id open(const tunnel_wish& x) {
    auto line = core->choose(x, now);
    core->opened(++tunnels, line, now);
    return line;
  }

  device_id open(const std::string& site) {
    return open(wish(site));
  }

  instant now{1h};
  uint64_t tunnels = 0;
  std::optional<exit_choice> core;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(exit_choice_tests, exit_choice_fixture)

CAF_TEST(new sites spread over the lines) {
  std::multiset<device_id> used;
  for (auto site : {"a.example", "b.example", "c.example", "d.example",
                    "e.example", "f.example"})
    used.insert(open(site));
  for (auto& line : {self, first, second})
    CAF_CHECK_EQUAL(used.count(line), 2u);
}

CAF_TEST(the own line is the first choice when all are alike) {
  CAF_CHECK(open("a.example") == self);
}

CAF_TEST(a faster line gets more sites) {
  for (int second_passed = 0; second_passed < 3; ++second_passed) {
    core->opened(100, first, now);
    core->opened(101, second, now);
    core->moved(100, 6'000'000, now);
    core->moved(101, 2'000'000, now);
    core->own_total(static_cast<uint64_t>(second_passed + 1) * 2'000'000, now);
    pass(1100ms);
  }
  core->closed(100);
  core->closed(101);
  pass(5s);
  std::multiset<device_id> used;
  for (int i = 0; i < 10; ++i)
    used.insert(open("site" + std::to_string(i) + ".example"));
  CAF_CHECK_EQUAL(used.count(first), 6u);
  CAF_CHECK_EQUAL(used.count(second), 2u);
  CAF_CHECK_EQUAL(used.count(self), 2u);
}

CAF_TEST(a site keeps its line) {
  open("a.example");
  auto line = open("b.example");
  CAF_CHECK(line != self);
  for (int i = 0; i < 20; ++i) {
    pass(1h);
    CAF_CHECK(open("b.example") == line);
  }
  // Another client is another person.
  std::set<device_id> lines;
  for (auto client : {"x", "y", "z"})
    lines.insert(open(wish("b.example", client)));
  CAF_CHECK(lines.size() > 1);
}

CAF_TEST(a site that nobody has used for a day is a new one) {
  open("a.example");
  auto line = open("b.example");
  CAF_CHECK(line != self);
  pass(24h + 1s);
  // Nothing is in use any more: the own line is the first choice.
  CAF_CHECK(open("b.example") == self);
}

CAF_TEST(a successor knows the lines of sites) {
  std::map<std::string, device_id> before;
  for (auto site : {"a.example", "b.example", "c.example", "d.example"})
    before[site] = open(site);
  auto kept = core->memory();
  CAF_CHECK_EQUAL(kept.entries.size(), 4u);
  auto changes = core->changes();
  open("a.example");
  CAF_CHECK(core->changes() > changes);
  pass(1h);
  restart({}, kept);
  CAF_CHECK(core->memory() == kept);
  for (auto& [site, line] : before)
    CAF_CHECK(core->choose(wish(site), now) == line);
  // It is the client and the site together that are remembered.
  CAF_CHECK_EQUAL(core->sites(), 4u);
  core->choose(wish("a.example", "other"), now);
  CAF_CHECK_EQUAL(core->sites(), 5u);
}

CAF_TEST(what is kept of sites does not tell their names) {
  site_salt salt{};
  salt.fill(1);
  auto key = make_site_key(salt, "me", "a.example");
  CAF_CHECK(key == make_site_key(salt, "me", "a.example"));
  CAF_CHECK(key != make_site_key(salt, "me", "b.example"));
  CAF_CHECK(key != make_site_key(salt, "you", "a.example"));
  CAF_CHECK(make_site_key(salt, "me", "xa.example")
            != make_site_key(salt, "mex", "a.example"));
  salt.fill(2);
  CAF_CHECK(key != make_site_key(salt, "me", "a.example"));
}

CAF_TEST(plain requests leave only if the user lets them) {
  open("a.example"); // the own line is taken
  tunnel_wish plain{"me", {"www.b.example", 80}, "b.example", {}, true};
  CAF_CHECK(core->choose(plain, now) == self);
  auto tls = plain;
  tls.plain = false;
  CAF_CHECK(core->choose(tls, now) == self);
  tunnel_rules rules;
  rules.plain = true;
  restart(rules);
  open("a.example");
  auto line = core->choose(plain, now);
  CAF_CHECK(line != self);
  // A site is one, over TLS or not.
  CAF_CHECK(core->choose(wish("b.example"), now) == line);
  plain.target.port = 8080;
  CAF_CHECK(core->choose(plain, now) == self);
}

CAF_TEST(the patience with a peer follows its connects) {
  CAF_CHECK(core->patience(first) == exit_choice::most_patience);
  for (int i = 0; i < 8; ++i)
    core->connected(first, 20ms);
  CAF_CHECK(core->patience(first) == exit_choice::least_patience);
  CAF_CHECK(core->patience(second) == exit_choice::most_patience);
  for (int i = 0; i < 8; ++i)
    core->connected(second, i % 2 == 0 ? 200ms : 300ms);
  auto usual = core->patience(second);
  CAF_CHECK(usual > 400ms);
  CAF_CHECK(usual < exit_choice::most_patience);
  // Who was not waited for is waited for longer the next time.
  for (int i = 0; i < 2; ++i)
    core->failed(wish("x.example"), first, tunnel_failure::peer, now);
  CAF_CHECK(core->patience(first) > exit_choice::least_patience);
}

CAF_TEST(in mode spread each tunnel takes the line with most room) {
  tunnel_rules rules;
  rules.mode = tunnel_mode::spread;
  restart(rules);
  std::multiset<device_id> used;
  for (int i = 0; i < 6; ++i)
    used.insert(open("a.example"));
  CAF_CHECK_EQUAL(used.count(self), 2u);
  CAF_CHECK_EQUAL(used.count(first), 2u);
}

CAF_TEST(what is not for others stays at home) {
  tunnel_rules rules;
  rules.home_hosts = {*parse_host_pattern("bank.example")};
  restart(rules);
  open("a.example"); // the own line is taken: others would go elsewhere
  open(wish("a.example", "other"));
  auto stays = [&](const std::string& host, uint16_t port) {
    return core->choose({"me", {host, port}, host, {}, false}, now) == self;
  };
  CAF_CHECK(!stays("www.example", 443));
  CAF_CHECK(stays("www.bank.example", 443));
  CAF_CHECK(stays("mail.example", 25));
  CAF_CHECK(stays("router", 443));
  CAF_CHECK(stays("nas.local", 443));
  CAF_CHECK(stays("box.home.arpa.", 443));
  CAF_CHECK(stays("10.1.2.3", 443));
  CAF_CHECK(stays("fe80::1", 443));
  CAF_CHECK(!stays("93.184.216.34", 443));
  rules.mode = tunnel_mode::off;
  restart(rules);
  open("a.example");
  CAF_CHECK(stays("www.example", 443));
}

CAF_TEST(a peer that pauses or is silent or gone is not chosen) {
  auto lines = [&] {
    std::set<device_id> out;
    for (int i = 0; i < 6; ++i)
      out.insert(open("s" + std::to_string(++tunnels) + ".example"));
    return out;
  };
  core->stands(first, false, now);
  CAF_CHECK(!lines().contains(first));
  CAF_CHECK(core->has_peers(now));
  core->lost(second);
  CAF_CHECK_EQUAL(lines().size(), 1u);
  CAF_CHECK(!core->has_peers(now));
  tell();
  auto both = lines();
  CAF_CHECK(both.contains(first) && both.contains(second));
  now += exit_choice::line_lifetime + 1s;
  CAF_CHECK_EQUAL(lines().size(), 1u);
  CAF_CHECK(!core->has_peers(now));
}

CAF_TEST(a site moves when its line goes and does not move back) {
  open("a.example");
  auto line = open("b.example");
  core->lost(line);
  auto other = open("b.example");
  CAF_CHECK(other != line);
  pass(1s);
  CAF_CHECK(open("b.example") == other);
}

CAF_TEST(sites signed in together keep one line) {
  open("a.example");
  auto shop = open("shop.example");
  pass(5s);
  tunnel_wish login{
      "me", {"accounts.id.example", 443}, "id.example", {}, false};
  CAF_CHECK(open(login) == shop);
  // Where it leads back to, too.
  pass(5s);
  CAF_CHECK(open("pay.example") == shop);
  // Much later it is a site like any other, but for those that have a line.
  pass(1min);
  CAF_CHECK(open("news.example") != shop || open("mail.example") != shop);
  CAF_CHECK(open(login) == shop);
}

CAF_TEST(a site that does not like a foreign address stays at home) {
  open("a.example");
  auto x = wish("b.example");
  auto line = open(x);
  core->failed(x, line, tunnel_failure::rejected, now);
  CAF_CHECK(open(x) == self);
  CAF_CHECK_EQUAL(core->kept_home(now).size(), 1u);
  pass(59min);
  CAF_CHECK(open(x) == self);
  pass(2min);
  CAF_CHECK(core->kept_home(now).empty());
  CAF_CHECK(open("c.example") == self);
  CAF_CHECK(open(x) != self);
  // The second time it is for a day.
  core->failed(x, line, tunnel_failure::rejected, now);
  pass(23h);
  CAF_CHECK_EQUAL(core->kept_home(now).size(), 1u);
  pass(2h);
  CAF_CHECK(core->kept_home(now).empty());
}

CAF_TEST(a peer that fails three times in a row rests) {
  for (int i = 0; i < 3; ++i)
    core->failed(wish("x.example"), first, tunnel_failure::peer, now);
  std::set<device_id> lines;
  for (int i = 0; i < 6; ++i)
    lines.insert(open("s" + std::to_string(i) + ".example"));
  CAF_CHECK(!lines.contains(first));
  pass(31s);
  for (int i = 0; i < 6; ++i)
    lines.insert(open("t" + std::to_string(i) + ".example"));
  CAF_CHECK(lines.contains(first));
}

CAF_TEST(what was tried is not chosen again) {
  auto x = wish("a.example");
  x.tried = {self};
  auto line = core->choose(x, now);
  CAF_CHECK(line != self);
  x.tried.push_back(line);
  auto other = core->choose(x, now);
  CAF_CHECK(other != self);
  CAF_CHECK(other != line);
  // Nobody is left.
  x.tried.push_back(other);
  CAF_CHECK(core->choose(x, now) == self);
}

CAF_TEST(memory is bounded) {
  for (int i = 0; i < 10'000; ++i) {
    auto site = "s" + std::to_string(i) + ".example";
    core->choose(wish(site, "client" + std::to_string(i)), now);
    core->failed(wish(site), first, tunnel_failure::rejected, now);
    pass(1ms);
  }
  CAF_CHECK(core->sites() <= 4096);
  CAF_CHECK(core->kept_home(now).size() <= 1024);
}

CAF_TEST_FIXTURE_SCOPE_END()

#define CAF_SUITE firewall_rules

#include "hosts/common/firewall_rules.hpp"

#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

using kind = filter_verdict::kind;

constexpr auto accepts = R"("accept":null)";
constexpr auto drops = R"("drop":null)";

/// A list of a base chain of the input hook and of what else is given.
std::string ruleset(const std::string& policy, const std::string& more) {
  return R"({"nftables":[{"metainfo":{"version":"1.0.6"}},
    {"table":{"family":"inet","name":"filter","handle":1}},
    {"chain":{"family":"inet","table":"filter","name":"input","handle":1,
     "type":"filter","hook":"input","prio":0,"policy":")"
         + policy + "\"}}" + more + "]}";
}

std::string rule(const std::string& expressions, const char* chain = "input") {
  return std::string{R"(,{"rule":{"family":"inet","table":"filter","chain":")"}
         + chain + R"(","handle":2,"expr":[)" + expressions + "]}}";
}

std::string match(const std::string& left, const std::string& right,
                  const char* op = "==") {
  return std::string{R"({"match":{"op":")"} + op + R"(","left":)" + left
         + R"(,"right":)" + right + "}},";
}

std::string dport(const char* protocol) {
  return std::string{R"({"payload":{"protocol":")"} + protocol
         + R"(","field":"dport"}})";
}

std::string verdict(const char* what) {
  return std::string{"{"} + what + "}";
}

kind judged(const std::string& json, const incoming_packet& x) {
  auto rules = firewall_rules::parse(json);
  CAF_REQUIRE(rules);
  return rules->judge(x).what;
}

const incoming_packet connection{false, 45679, "10.0.0.1", "10.0.0.7", "eth0"};
const incoming_packet announced{true, 45678, "239.255.60.60", "10.0.0.7",
                                "eth0"};

} // namespace

CAF_TEST(without rules everything passes) {
  CAF_CHECK_EQUAL(judged(R"({"nftables":[]})", connection), kind::passes);
  CAF_CHECK_EQUAL(judged(ruleset("accept", ""), connection), kind::passes);
}

CAF_TEST(what no rule accepts falls to the policy of the chain) {
  CAF_CHECK_EQUAL(judged(ruleset("drop", ""), connection), kind::dropped);
  auto ssh = rule(match(dport("tcp"), "22") + verdict(accepts));
  CAF_CHECK_EQUAL(judged(ruleset("drop", ssh), connection), kind::dropped);
}

CAF_TEST(an accepted port passes whether alone or in a set or in a range) {
  for (auto* ports :
       {"45679", R"({"set":[22,45679]})", R"({"range":[45000,46000]})",
        R"({"set":[22,{"range":[45670,45680]}]})"}) {
    auto rules =
        ruleset("drop", rule(match(dport("tcp"), ports) + verdict(accepts)));
    CAF_CHECK_EQUAL(judged(rules, connection), kind::passes);
    // A port of TCP says nothing of UDP.
    CAF_CHECK_EQUAL(judged(rules, announced), kind::dropped);
  }
}

CAF_TEST(a rule that drops the port names its chain) {
  auto rules = firewall_rules::parse(
      ruleset("accept", rule(match(dport("udp"), "45678") + verdict(drops))));
  CAF_REQUIRE(rules);
  filter_verdict expected{kind::dropped, "a rule of chain filter input"};
  CAF_CHECK(rules->judge(announced) == expected);
  CAF_CHECK_EQUAL(rules->judge(connection).what, kind::passes);
}

CAF_TEST(networks interfaces and kinds of packets are understood) {
  struct row {
    std::string condition;
    kind to_port;
    kind to_group;
  };
  auto payload = [](const char* field) {
    return std::string{R"({"payload":{"protocol":"ip","field":")"} + field
           + R"("}})";
  };
  auto meta = [](const char* key) {
    return std::string{R"({"meta":{"key":")"} + key + R"("}})";
  };
  const std::vector<row> rows{
      {match(payload("daddr"), R"({"prefix":{"addr":"224.0.0.0","len":4}})"),
       kind::passes, kind::dropped},
      {match(payload("saddr"), R"("10.0.0.7")"), kind::dropped, kind::dropped},
      {match(payload("saddr"), R"({"range":["10.0.0.8","10.0.0.9"]})"),
       kind::passes, kind::passes},
      {match(meta("iifname"), R"("eth*")"), kind::dropped, kind::dropped},
      {match(meta("iifname"), R"("lo")", "!="), kind::dropped, kind::dropped},
      {match(meta("iifname"), R"("lo")"), kind::passes, kind::passes},
      {match(meta("pkttype"), R"("multicast")"), kind::passes, kind::dropped},
      {match(meta("l4proto"), R"("tcp")"), kind::dropped, kind::passes},
      {match(R"({"ct":{"key":"state"}})", R"(["established","related"])", "in"),
       kind::passes, kind::passes},
  };
  for (auto& x : rows) {
    auto rules = ruleset("accept", rule(x.condition + verdict(drops)));
    CAF_MESSAGE(x.condition);
    CAF_CHECK_EQUAL(judged(rules, connection), x.to_port);
    CAF_CHECK_EQUAL(judged(rules, announced), x.to_group);
  }
}

CAF_TEST(a packet goes through the chains that it is sent to) {
  auto chain = R"(,{"chain":{"family":"inet","table":"filter","name":"lan"}})";
  auto jump = R"({"jump":{"target":"lan"}})";
  auto back = rule(match(dport("tcp"), "45679") + R"({"return":null})", "lan")
              + rule(verdict(drops), "lan");
  auto rules = ruleset("accept", chain + rule(jump) + back);
  CAF_CHECK_EQUAL(judged(rules, connection), kind::passes);
  CAF_CHECK_EQUAL(judged(rules, announced), kind::dropped);
}

CAF_TEST(chains that send packets in a circle end) {
  auto chain = R"(,{"chain":{"family":"inet","table":"filter","name":"a"}})";
  auto jump = R"({"jump":{"target":"a"}})";
  auto rules =
      ruleset("drop", chain + rule(jump) + rule(jump, "a") + rule(jump, "a"));
  CAF_CHECK_EQUAL(judged(rules, connection), kind::dropped);
}

CAF_TEST(what is not understood leaves a doubt) {
  auto strange = match(R"({"socket":{"key":"mark"}})", "1");
  auto named = match(dport("tcp"), R"("@open")");
  CAF_CHECK_EQUAL(
      judged(ruleset("drop", rule(strange + verdict(accepts))), connection),
      kind::maybe_dropped);
  CAF_CHECK_EQUAL(
      judged(ruleset("drop", rule(named + verdict(accepts))), connection),
      kind::maybe_dropped);
  CAF_CHECK_EQUAL(
      judged(ruleset("accept", rule(strange + verdict(drops))), connection),
      kind::maybe_dropped);
  CAF_CHECK_EQUAL(
      judged(ruleset("accept", rule(strange + verdict(accepts))), connection),
      kind::passes);
}

CAF_TEST(other text is refused and odd rules are left out) {
  CAF_CHECK(!firewall_rules::parse(""));
  CAF_CHECK(!firewall_rules::parse("[]"));
  CAF_CHECK(!firewall_rules::parse(R"({"tables":[]})"));
  CAF_CHECK(firewall_rules::parse(
      R"({"nftables":[1,{},{"rule":7},{"rule":{"expr":[{},3,{"match":1}]}}]})"));
}

// -- iptables-legacy ----------------------------------------------------------

namespace {

std::string saved(const std::string& policy, const std::string& rules) {
  return "# Generated by iptables-save v1.8.9\n*filter\n:INPUT " + policy
         + " [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
           ":local - [0:0]\n"
         + rules + "COMMIT\n# Completed\n";
}

kind judged_legacy(const std::string& text, const incoming_packet& x) {
  auto rules = firewall_rules::parse_legacy(text);
  CAF_REQUIRE(rules);
  return rules->judge(x).what;
}

} // namespace

CAF_TEST(rules of the old packet filter are understood) {
  struct row {
    const char* conditions;
    kind to_port;
    kind to_group;
  };
  const std::vector<row> rows{
      {"", kind::dropped, kind::dropped},
      {"-p udp -m udp --dport 45678", kind::passes, kind::dropped},
      {"-p tcp -m tcp --dport 45000:46000", kind::dropped, kind::passes},
      {"-p tcp -m tcp ! --dport 22", kind::dropped, kind::passes},
      {"-p tcp -m multiport --dports 22,45679", kind::dropped, kind::passes},
      {"-s 10.0.0.0/8", kind::dropped, kind::dropped},
      {"! -s 10.0.0.0/8", kind::passes, kind::passes},
      {"-d 224.0.0.0/4", kind::passes, kind::dropped},
      {"-i eth+", kind::dropped, kind::dropped},
      {"-i lo", kind::passes, kind::passes},
      {"-m conntrack --ctstate RELATED,ESTABLISHED", kind::passes,
       kind::passes},
      {"-m state --state NEW", kind::dropped, kind::dropped},
      {"-m addrtype --dst-type MULTICAST", kind::passes, kind::dropped},
      {"-m pkttype --pkt-type multicast", kind::passes, kind::dropped},
      {"-m comment --comment \"not \\\"-i lo\\\" at all\"", kind::dropped,
       kind::dropped},
      {"-m limit --limit 3/min --limit-burst 10", kind::maybe_dropped,
       kind::maybe_dropped},
  };
  for (auto& x : rows) {
    auto text =
        saved("ACCEPT", "-A INPUT " + std::string{x.conditions} + " -j DROP\n");
    CAF_MESSAGE(x.conditions);
    CAF_CHECK_EQUAL(judged_legacy(text, connection), x.to_port);
    CAF_CHECK_EQUAL(judged_legacy(text, announced), x.to_group);
  }
}

CAF_TEST(policies targets and chains of the old packet filter are followed) {
  CAF_CHECK_EQUAL(judged_legacy(saved("DROP", ""), connection), kind::dropped);
  CAF_CHECK_EQUAL(judged_legacy(saved("ACCEPT", ""), connection), kind::passes);
  auto open = saved("DROP", "-A INPUT -j LOG --log-prefix \"in -j DROP \"\n"
                            "-A INPUT -p tcp -j local\n"
                            "-A local -p tcp -m tcp --dport 45679 -j ACCEPT\n"
                            "-A local -j RETURN\n");
  CAF_CHECK_EQUAL(judged_legacy(open, connection), kind::passes);
  CAF_CHECK_EQUAL(judged_legacy(open, announced), kind::dropped);
  auto refused = saved("ACCEPT", "-A INPUT -g local\n-A local -j REJECT "
                                 "--reject-with icmp-port-unreachable\n");
  auto rules = firewall_rules::parse_legacy(refused);
  CAF_REQUIRE(rules);
  filter_verdict expected{kind::dropped,
                          "a rule of chain iptables-legacy filter local"};
  CAF_CHECK(rules->judge(connection) == expected);
}

CAF_TEST(the kernel asks both packet filters) {
  auto open = R"({"nftables":[]})";
  auto rules = firewall_rules::parse(open);
  auto legacy = firewall_rules::parse_legacy(saved("DROP", ""));
  CAF_REQUIRE(rules && legacy);
  CAF_CHECK_EQUAL(rules->judge(connection).what, kind::passes);
  rules->add(*legacy);
  CAF_CHECK_EQUAL(rules->judge(connection).what, kind::dropped);
}

CAF_TEST(a list of the old packet filter that is cut off is none) {
  auto whole = saved("DROP", "-A INPUT -i lo -j ACCEPT\n");
  CAF_CHECK(firewall_rules::parse_legacy(whole));
  CAF_CHECK(firewall_rules::parse_legacy(""));
  for (auto* text : {"*filter\n:INPUT ACCEPT [0:0]\n", "what is this\n",
                     "-A INPUT -j DROP\n", "*filter\nnonsense\nCOMMIT\n"}) {
    auto rules = firewall_rules::parse_legacy(text);
    CAF_REQUIRE(!rules);
    CAF_CHECK_EQUAL(rules.error().code, errc::bad_config);
  }
}

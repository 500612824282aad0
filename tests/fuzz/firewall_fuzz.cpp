// Any text is a list of rules or none, and a packet's way through them ends.

#include "hosts/common/firewall_rules.hpp"
#include "tests/fuzz/check.hpp"

using namespace peapod;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view in{reinterpret_cast<const char*>(data), size};
  auto rules = firewall_rules::parse(in);
  auto legacy = firewall_rules::parse_legacy(in);
  for (auto* x : {&rules, &legacy})
    check(*x || x->error().code == errc::bad_config, "another code");
  if (!rules)
    rules = firewall_rules{};
  if (legacy)
    rules->add(*legacy);
  rules->mentions("ufw");
  for (auto udp : {true, false}) {
    auto x = rules->judge(
        {udp, 45678, udp ? "239.255.60.60" : "10.0.0.1", "10.0.0.7", "eth0"});
    check((x.what == filter_verdict::passes) == x.rule.empty(),
          "a verdict without its rule");
  }
  return 0;
}

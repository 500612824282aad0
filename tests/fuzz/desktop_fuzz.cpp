// The files in which desktops and earlier runs say how a proxy is set: a change
// is in force afterwards, and can be taken back.

#include "hosts/common/desktop_setting.hpp"
#include "hosts/common/kde_config.hpp"
#include "tests/fuzz/check.hpp"

#include <cstdint>
#include <string_view>

using namespace peapod;

namespace {

constexpr auto group = "Proxy Settings";
constexpr auto key = "ProxyType";

void check_kde(std::string_view text) {
  auto on = with_kde_entry(text, group, key, {"2"});
  if (!on)
    return;
  check(kde_entry(*on, group, key) == kde_value{"2"},
        "a change is not in force");
  auto off = with_kde_entry(*on, group, key, {});
  check(off && !kde_entry(*off, group, key), "a change cannot be taken back");
  check(with_kde_entry(*on, group, key, {"2"}) == on, "a change is made twice");
}

void check_record(std::string_view text) {
  auto record = parse_record(text);
  if (!record)
    return;
  auto again = parse_record(record_text(*record));
  check(again && *again == *record, "a record does not survive its file");
  for (auto& each : *record)
    plan_restore(each.before, each, {"auto", "none"}, false);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  check_kde(text);
  check_record(text);
  is_pod_script(text);
  return 0;
}

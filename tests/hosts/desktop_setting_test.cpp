#include "hosts/common/desktop_setting.hpp"

#define CAF_SUITE desktop_setting
#include <caf/test/unit_test.hpp>

using namespace peapod;

namespace {

const proxy_modes modes{"auto", "none"};
const std::string url = "http://127.0.0.1:3128/proxy.pac";
const std::string other_url = "http://127.0.0.1:4000/proxy.pac";
const proxy_setting ours{"auto", url};
const proxy_setting switched_off{"none", ""};
const proxy_setting manual{"manual", ""};

saved_setting saved(proxy_setting before = switched_off) {
  return {"GNOME", std::move(before), {ours}};
}

saved_setting switched(const proxy_setting& now,
                       const std::optional<saved_setting>& record = {},
                       bool answers = false) {
  auto plan = plan_switch_on(now, record, modes, url, answers);
  CAF_REQUIRE(plan);
  return *plan;
}

} // namespace

// -- the record ---------------------------------------------------------------

CAF_TEST(a record survives its file) {
  proxy_record x{saved({"manual", "http://wpad/\"x\".pac"})};
  x.front().ours.push_back({"auto", other_url});
  auto back = parse_record(record_text(x));
  CAF_REQUIRE(back);
  CAF_CHECK(*back == x);
}

CAF_TEST(how a desktop reads a value is kept in the record) {
  proxy_record x{saved({"2", "file://$HOME/x.pac", "", "[$e]"})};
  auto back = parse_record(record_text(x));
  CAF_REQUIRE(back);
  CAF_CHECK(*back == x);
  CAF_CHECK_EQUAL(back->front().before.script_options, "[$e]");
  auto plan = plan_restore(ours, back->front(), modes, false);
  CAF_CHECK(plan.write == x.front().before);
}

CAF_TEST(that putting back has begun is kept in the record) {
  proxy_record x{saved(manual)};
  auto earlier = record_text(x);
  CAF_CHECK(earlier.find("restoring") == std::string::npos);
  x.front().restoring = true;
  auto back = parse_record(record_text(x));
  CAF_REQUIRE(back);
  CAF_CHECK(*back == x);
}

CAF_TEST(a record that somebody edited is refused) {
  for (auto text :
       {"", "{}", "[]", "{\"version\":1}", "{\"version\":2,\"desktops\":[]}",
        "{\"version\":1,\"desktops\":[{\"desktop\":1}]}"})
    CAF_CHECK(!parse_record(text));
}

CAF_TEST(only a script on this machine is a pods) {
  CAF_CHECK(is_pod_script(url));
  CAF_CHECK(is_pod_script("http://[::1]:3128/proxy.pac"));
  CAF_CHECK(!is_pod_script("http://wpad.example.org/proxy.pac"));
  CAF_CHECK(!is_pod_script("https://127.0.0.1:3128/proxy.pac"));
  CAF_CHECK(!is_pod_script("http://127.0.0.1:3128/other.pac"));
  CAF_CHECK(!is_pod_script(""));
}

// -- on -----------------------------------------------------------------------

CAF_TEST(what stood there is kept) {
  auto plan = switched(manual);
  CAF_CHECK(plan.before == manual);
  CAF_CHECK(plan.ours == std::vector{ours});
}

CAF_TEST(after a crash what stood there first is still kept) {
  CAF_CHECK(switched(ours, saved(manual)).before == manual);
}

CAF_TEST(after a crash on another port both scripts count as ours) {
  auto plan = plan_switch_on(ours, saved(manual), modes, other_url, false);
  CAF_REQUIRE(plan);
  CAF_CHECK(plan->before == manual);
  CAF_CHECK_EQUAL(plan->ours.size(), 2u);
  CAF_CHECK(is_held(ours, *plan));
  CAF_CHECK(is_held({"auto", other_url}, *plan));
}

CAF_TEST(a crash between the two keys changes nothing of what is kept) {
  CAF_CHECK(switched({"none", url}, saved()).before == switched_off);
}

CAF_TEST(what the user set after a crash is what is kept) {
  CAF_CHECK(switched(manual, saved()).before == manual);
}

CAF_TEST(what a cut while putting back has left is never kept) {
  auto begun = saved(manual);
  begun.restoring = true;
  auto plan = switched({"none", url}, begun);
  CAF_CHECK(plan.before == manual);
  CAF_CHECK(plan.restoring); // until ours is known to be in place
}

CAF_TEST(a dead script without a record is never kept) {
  CAF_CHECK(switched({"auto", other_url}).before == switched_off);
}

CAF_TEST(a living pod keeps the proxy) {
  auto plan =
      plan_switch_on({"auto", other_url}, std::nullopt, modes, url, true);
  CAF_REQUIRE(!plan);
  CAF_CHECK(plan.error().code == errc::not_allowed);
  CAF_CHECK(plan.error().detail.find(other_url) != std::string::npos);
}

// -- off ----------------------------------------------------------------------

CAF_TEST(what was kept is put back) {
  restore_plan expected{restoration::put_back, manual};
  CAF_CHECK(plan_restore(ours, saved(manual), modes, false) == expected);
}

CAF_TEST(half a change is put back) {
  restore_plan expected{restoration::put_back, switched_off};
  CAF_CHECK(plan_restore({"none", url}, saved(), modes, false) == expected);
  CAF_CHECK(plan_restore({"auto", ""}, saved(), modes, false) == expected);
}

CAF_TEST(what a cut while putting back has left is put back) {
  auto begun = saved({"manual", "http://corp/a.pac"});
  begun.restoring = true;
  restore_plan expected{restoration::put_back, begun.before};
  CAF_CHECK(plan_restore({"none", url}, begun, modes, false) == expected);
  CAF_CHECK(plan_restore({"none", ""}, begun, modes, false) == expected);
}

CAF_TEST(what is back already is left alone) {
  restore_plan expected{restoration::already_back, {}};
  CAF_CHECK(plan_restore(switched_off, saved(), modes, false) == expected);
}

CAF_TEST(another script of the users stays in use) {
  restore_plan expected{restoration::changed, {}};
  proxy_setting theirs{"auto", "http://wpad.example.org/x.pac"};
  CAF_CHECK(plan_restore(theirs, saved(), modes, false) == expected);
}

CAF_TEST(another mode of the users stays but our unused script goes) {
  restore_plan expected{restoration::changed, manual};
  CAF_CHECK(plan_restore({"manual", url}, saved(), modes, false) == expected);
}

CAF_TEST(without a record and without our script there is nothing to do) {
  CAF_CHECK(plan_restore(manual, {}, modes, false) == restore_plan{});
  CAF_CHECK(plan_restore({"none", url}, {}, modes, false) == restore_plan{});
}

CAF_TEST(a dead script without a record is switched off) {
  restore_plan expected{restoration::orphaned, switched_off};
  CAF_CHECK(plan_restore(ours, {}, modes, false) == expected);
}

CAF_TEST(the script of a living pod with another record is left to it) {
  restore_plan expected{restoration::other_pod, {}};
  CAF_CHECK(plan_restore(ours, {}, modes, true) == expected);
}

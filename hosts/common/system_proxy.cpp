#include "hosts/common/system_proxy.hpp"

#include "hosts/common/state_file.hpp"

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

proxy_modes modes_of(const desktop& x) {
  return {x.script_mode(), x.direct_mode()};
}

std::optional<saved_setting> saved_for(const proxy_record& record,
                                       const std::string& name) {
  auto i = std::ranges::find(record, name, &saved_setting::desktop);
  return i != record.end() ? std::optional{*i} : std::nullopt;
}

void forget(proxy_record& record, const std::string& name) {
  std::erase_if(record, [&](auto& x) { return x.desktop == name; });
}

/// The one whose script a daemon has set last.
bool is_of(const saved_setting& saved, const std::string& url) {
  return !saved.ours.empty() && saved.ours.front().script == url;
}

desktop_report failure(const desktop& of, const error& why) {
  return {of.name(), why.detail.empty() ? to_string(why) : why.detail, true};
}

/// What a user reads as the former setting.
std::string words_for(const desktop& of, const proxy_setting& x) {
  if (x.mode.empty() || x.mode == of.direct_mode())
    return "no proxy";
  if (x.mode == of.script_mode())
    return "the script at " + x.script;
  return "mode " + x.mode;
}

std::string words_for(const desktop& of, const restore_plan& plan,
                      const proxy_setting& now) {
  switch (plan.what) {
    case restoration::nothing:
      return "was not set by PeaPod";
    case restoration::already_back:
      return "has its former setting already";
    case restoration::put_back:
      return "put back: " + words_for(of, *plan.write);
    case restoration::changed:
      return "was changed meanwhile to " + words_for(of, now)
             + ": left as it is";
    case restoration::orphaned:
      return "switched off; what was set before is not known";
    case restoration::other_pod:
      return "belongs to the PeaPod that serves " + now.script
             + ", which was started with another configuration: name it with "
               "--actor-config FILE, or end that daemon";
  }
  return "";
}

/// Whether a desktop that could not be put back may yet hold, because of that,
/// what looks like the user's will. What timed out may be done later.
bool may_have_begun(desktop& of, const saved_setting& saved, const error& why) {
  if (why.code == errc::timed_out)
    return true;
  auto now = of.read();
  return !now || !is_held(*now, saved);
}

} // namespace

std::string upstream_hint(const desktop_report& x) {
  return x.had_proxy ? x.desktop
                           + ": PeaPod does not use what was set before: if "
                             "this network lets nothing out without that "
                             "proxy, name it in [wan] upstream"
                     : "";
}

system_proxy::system_proxy(finder find, std::filesystem::path state_dir,
                           probe answers)
  : find_(std::move(find)),
    file_(std::move(state_dir) / "system-proxy.json"),
    answers_(std::move(answers)) {}

result<std::vector<desktop_report>>
system_proxy::switch_on(const std::string& url) {
  handed_over_.clear();
  return switch_on_rest(url);
}

result<std::vector<desktop_report>>
system_proxy::switch_on_rest(const std::string& url) {
  if (look().all.empty())
    return make_error(errc::not_found, why_none());
  bool is_any_left = std::ranges::any_of(desktops_->all, [&](auto& x) {
    return !handed_over_.contains(x->name());
  });
  if (!is_any_left)
    return std::vector<desktop_report>{};
  auto lock = file_lock::take(file_.string() + ".lock");
  if (!lock)
    return lock.error();
  auto record = load();
  if (!record)
    return record.error();
  std::vector<desktop_report> out;
  for (auto& each : desktops_->all) {
    if (handed_over_.contains(each->name()))
      continue;
    auto report = switch_one(*each, *record, url);
    if (!report)
      return report.error();
    if (!report->failed)
      handed_over_.insert(each->name());
    out.push_back(std::move(*report));
  }
  return out;
}

/// The record is on the disk before the desktop changes.
result<desktop_report> system_proxy::switch_one(desktop& on,
                                                proxy_record& record,
                                                const std::string& url) {
  auto now = on.read();
  if (!now)
    return failure(on, now.error());
  bool alive =
      now->script != url && is_pod_script(now->script) && answers_(now->script);
  auto former = saved_for(record, on.name());
  auto plan = plan_switch_on(*now, former, modes_of(on), url, alive);
  if (!plan)
    return failure(on, plan.error());
  plan->desktop = on.name();
  forget(record, on.name());
  record.push_back(*plan);
  if (auto stored = store(record); !stored)
    return stored.error();
  if (auto written = on.write(plan->ours.front()); !written) {
    // Perhaps one of the two keys was taken.
    if (on.write(*now)) {
      forget(record, on.name());
      if (former)
        record.push_back(*former);
      static_cast<void>(store(record));
    }
    return failure(on, written.error());
  }
  record.back().ours.resize(1);
  record.back().restoring = false;
  if (auto stored = store(record); !stored)
    return stored.error();
  auto& before = plan->before;
  return desktop_report{
      on.name(), "uses " + url + "; before: " + words_for(on, before), false,
      !before.mode.empty() && before.mode != on.direct_mode()};
}

result<std::vector<desktop_report>> system_proxy::switch_off() {
  return put_back([](auto&) { return true; }, true);
}

result<std::vector<desktop_report>>
system_proxy::give_back(const std::string& url) {
  return put_back([&](auto& x) { return is_of(x, url); }, false);
}

result<std::vector<desktop_report>>
system_proxy::recover(const std::string& url) {
  return put_back(
      [&](auto& x) {
        return is_of(x, url) || x.ours.empty()
               || !answers_(x.ours.front().script);
      },
      false);
}

/// With `strays` also what uses our script without a record.
result<std::vector<desktop_report>>
system_proxy::put_back(const filter& concerns, bool strays) {
  if (!strays && !has_record())
    return std::vector<desktop_report>{};
  auto lock = file_lock::take(file_.string() + ".lock");
  if (!lock)
    return lock.error();
  auto record = load();
  if (!record)
    return record.error();
  std::vector<desktop_report> out;
  for (auto& each : look().all) {
    auto saved = saved_for(*record, each->name());
    if (saved ? !concerns(*saved) : !strays)
      continue;
    auto report = restore_one(*each, *record);
    if (saved || !report.text.empty())
      out.push_back(std::move(report));
  }
  for (auto& each : *record)
    if (!has_desktop(each.desktop) && concerns(each))
      out.push_back({each.desktop,
                     "cannot be reached from here, so it keeps PeaPod's "
                     "setting: run peapod proxy off in its session",
                     true});
  if (auto stored = store(*record); !stored)
    return stored.error();
  return out;
}

/// An empty text: there was nothing of ours.
desktop_report system_proxy::restore_one(desktop& on, proxy_record& record) {
  auto now = on.read();
  if (!now)
    return failure(on, now.error());
  auto saved = saved_for(record, on.name());
  bool alive = !saved && is_pod_script(now->script) && answers_(now->script);
  auto plan = plan_restore(*now, saved, modes_of(on), alive);
  if (plan.what == restoration::nothing)
    return {on.name(), "", false};
  if (plan.write)
    if (auto done = carry_out(on, record, plan); !done)
      return failure(on, done.error());
  forget(record, on.name());
  return {on.name(), words_for(on, plan, *now),
          plan.what == restoration::other_pod};
}

/// That putting back has begun is on the disk before the desktop changes. A
/// full disk is no reason to leave the proxy in place, so it does not matter
/// whether that succeeds.
result<void> system_proxy::carry_out(desktop& on, proxy_record& record,
                                     const restore_plan& plan) {
  // A mode that the user has chosen is not touched even for a moment.
  if (plan.what == restoration::changed)
    return on.write(*plan.write);
  auto saved = std::ranges::find(record, on.name(), &saved_setting::desktop);
  if (saved != record.end()) {
    saved->restoring = true;
    static_cast<void>(store(record));
  }
  auto done = on.put_back(*plan.write);
  if (!done && saved != record.end())
    saved->restoring = may_have_begun(on, *saved, done.error());
  return done;
}

std::vector<desktop_state> system_proxy::state() {
  std::vector<desktop_state> out;
  auto record = load();
  for (auto& each : look().all) {
    desktop_state x;
    x.desktop = each->name();
    auto saved = record ? saved_for(*record, each->name()) : std::nullopt;
    x.saved = saved.has_value();
    x.restoring = saved && saved->restoring;
    if (auto now = each->read()) {
      x.now = *now;
      x.on = now->mode == each->script_mode()
             && (is_pod_script(now->script)
                 || (saved && is_of(*saved, now->script)));
      x.answers = x.on && answers_(now->script);
    } else {
      x.error = failure(*each, now.error()).text;
    }
    out.push_back(std::move(x));
  }
  return out;
}

const std::string& system_proxy::why_none() {
  return desktops_ ? desktops_->why_none : look().why_none;
}

session_desktops& system_proxy::look() {
  return desktops_.emplace(find_());
}

bool system_proxy::has_desktop(const std::string& name) {
  return std::ranges::any_of(desktops_->all,
                             [&](auto& x) { return x->name() == name; });
}

// -- the record ---------------------------------------------------------------

bool system_proxy::has_record() const {
  std::error_code ec;
  return std::filesystem::exists(file_, ec);
}

result<proxy_record> system_proxy::load() const {
  auto text = read_state_file(file_);
  if (!text)
    return text.error();
  if (!*text)
    return proxy_record{};
  auto out = parse_record(**text);
  if (!out)
    return make_error(errc::bad_config,
                      file_.string() + ": " + out.error().detail
                          + ": remove it, and set your proxy by hand");
  return out;
}

result<void> system_proxy::store(const proxy_record& x) const {
  return x.empty() ? remove_state_file(file_)
                   : write_state_file(file_, record_text(x));
}

} // namespace peapod

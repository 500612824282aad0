#include "hosts/common/desktop_setting.hpp"

#include "core/http_message.hpp"
#include "core/pac_script.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace peapod {

namespace json = boost::json;

// -- the record ---------------------------------------------------------------

namespace {

constexpr int record_version = 1;

json::object setting_json(const proxy_setting& x) {
  json::object out{{"mode", x.mode}, {"script", x.script}};
  if (!x.mode_options.empty())
    out["mode_options"] = x.mode_options;
  if (!x.script_options.empty())
    out["script_options"] = x.script_options;
  return out;
}

/// Records of earlier versions have none.
std::string options_of(const json::object& in, std::string_view name) {
  auto* found = in.if_contains(name);
  return found ? json::value_to<std::string>(*found) : "";
}

proxy_setting setting_of(const json::value& x) {
  auto& members = x.as_object();
  return {json::value_to<std::string>(members.at("mode")),
          json::value_to<std::string>(members.at("script")),
          options_of(members, "mode_options"),
          options_of(members, "script_options")};
}

saved_setting saved_of(const json::value& x) {
  auto& members = x.as_object();
  saved_setting out;
  out.desktop = json::value_to<std::string>(members.at("desktop"));
  out.before = setting_of(members.at("before"));
  for (auto& each : members.at("ours").as_array())
    out.ours.push_back(setting_of(each));
  // Records of earlier versions do not say.
  auto* restoring = members.if_contains("restoring");
  out.restoring = restoring && restoring->as_bool();
  return out;
}

json::object saved_json(const saved_setting& x) {
  json::array ours;
  for (auto& each : x.ours)
    ours.push_back(setting_json(each));
  json::object out{{"desktop", x.desktop},
                   {"before", setting_json(x.before)},
                   {"ours", std::move(ours)}};
  if (x.restoring)
    out["restoring"] = true;
  return out;
}

} // namespace

std::string record_text(const proxy_record& x) {
  json::array desktops;
  for (auto& each : x)
    desktops.push_back(saved_json(each));
  json::object all{{"version", record_version},
                   {"desktops", std::move(desktops)}};
  return json::serialize(all) + "\n";
}

result<proxy_record> parse_record(std::string_view text) {
  // Boost.JSON throws at a member of another type: here that is the remote
  // party's doing, an edited file.
  try {
    auto parsed = json::parse({text.data(), text.size()});
    auto& all = parsed.as_object();
    if (all.at("version").to_number<int>() != record_version)
      return make_error(errc::bad_config, "written by another version");
    proxy_record out;
    for (auto& each : all.at("desktops").as_array())
      out.push_back(saved_of(each));
    return out;
  } catch (const std::exception&) {
    return make_error(errc::bad_config, "not what PeaPod writes");
  }
}

// -- whose it is --------------------------------------------------------------

namespace {

bool contains(const std::vector<proxy_setting>& in,
              std::string proxy_setting::*member, const std::string& value) {
  return std::ranges::any_of(in, [&](auto& x) { return x.*member == value; });
}

/// Whether a key holds what stood there before, or what we wrote.
bool is_known(const proxy_setting& now, const saved_setting& saved,
              std::string proxy_setting::*member) {
  return now.*member == saved.before.*member
         || contains(saved.ours, member, now.*member);
}

/// Ours in use, whether or not there is a record of it.
bool uses_pod_script(const proxy_setting& now, const proxy_modes& modes) {
  return now.mode == modes.script && is_pod_script(now.script);
}

} // namespace

bool is_pod_script(std::string_view text) {
  auto url = parse_url(text);
  if (!url || url->scheme != "http" || url->target != pac_path)
    return false;
  return url->host.starts_with("127.") || url->host == "::1";
}

bool is_held(const proxy_setting& now, const saved_setting& saved) {
  return now != saved.before && is_known(now, saved, &proxy_setting::mode)
         && is_known(now, saved, &proxy_setting::script);
}

// -- what to do ---------------------------------------------------------------

result<saved_setting> plan_switch_on(const proxy_setting& now,
                                     const std::optional<saved_setting>& saved,
                                     const proxy_modes& modes,
                                     const std::string& url, bool answers) {
  saved_setting out;
  proxy_setting target{modes.script, url};
  auto pods = uses_pod_script(now, modes);
  if (pods && now.script != url && answers)
    return make_error(errc::not_allowed,
                      "the PeaPod that serves " + now.script
                          + " has it already: end that one first");
  out.ours.push_back(target);
  if (saved
      && (saved->restoring || is_held(now, *saved) || now == saved->before)) {
    out.before = saved->before;
    out.restoring = saved->restoring;
    for (auto& each : saved->ours)
      if (each != target)
        out.ours.push_back(each);
  } else if (pods) {
    // Left behind, and nobody knows any more what stood there before.
    out.before = {modes.direct, {}};
  } else {
    out.before = now;
  }
  return out;
}

restore_plan plan_restore(const proxy_setting& now,
                          const std::optional<saved_setting>& saved,
                          const proxy_modes& modes, bool answers) {
  if (!saved) {
    if (!uses_pod_script(now, modes))
      return {};
    if (answers)
      return {restoration::other_pod, {}};
    return {restoration::orphaned, proxy_setting{modes.direct, {}}};
  }
  if (now == saved->before)
    return {restoration::already_back, {}};
  if (saved->restoring || is_held(now, *saved))
    return {restoration::put_back, saved->before};
  // The user's mode stays, and so does a script of theirs. Ours, which is not
  // in use, would only puzzle them later.
  restore_plan out{restoration::changed, {}};
  bool mode_is_theirs = !contains(saved->ours, &proxy_setting::mode, now.mode);
  bool script_is_ours =
      contains(saved->ours, &proxy_setting::script, now.script);
  if (mode_is_theirs && script_is_ours)
    out.write = proxy_setting{now.mode, saved->before.script, now.mode_options,
                              saved->before.script_options};
  return out;
}

} // namespace peapod

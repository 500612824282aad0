#include "hosts/common/doctor_text.hpp"

#include "hosts/common/doctor_rules.hpp"
#include "hosts/common/json_text.hpp"

namespace peapod {

namespace {

namespace json = boost::json;

tone tone_of(finding_severity x) {
  return x == finding_severity::problem   ? tone::bad
         : x == finding_severity::warning ? tone::warn
                                          : tone::dim;
}

void append(lines& out, const finding& x) {
  line head;
  head.add(std::string{to_string(x.severity)}, tone_of(x.severity));
  head.add(": " + printable(x.text), tone::strong);
  head.add(" [" + x.id + "]", tone::dim);
  out.push_back(std::move(head));
  for (auto& one : x.evidence)
    out.push_back(line{"  seen: " + printable(one)});
  line fix{"  fix:  "};
  out.push_back(std::move(fix.add(printable(x.fix), tone::good)));
  out.push_back({});
}

std::string counted(size_t number, const char* one, const char* many) {
  return std::to_string(number) + " " + (number == 1 ? one : many);
}

/// What was looked at, in a line each: also what was found to be well.
void append_summary(lines& out, const doctor_facts& x) {
  if (x.status)
    out.push_back(line{"daemon: peapod " + x.status->daemon.version + ", "
                       + counted(rules::connected_peers(x).size(),
                                 "device connected", "devices connected")});
  for (auto& one : x.multicast)
    out.push_back(line{one.interface + ": multicast from "
                       + printable(one.address)
                       + (one.heard ? " works" : " does not work")});
  if (x.options.discovery.enabled)
    out.push_back(
        line{"beacons: "
             + counted(x.heard.size(), "address heard", "addresses heard")});
  auto gateway = rules::gateway_of(x, x.way_out);
  if (!x.way_out.empty())
    out.push_back(line{"internet: by " + x.way_out
                       + (gateway.empty() ? "" : ", gateway " + gateway)});
  if (!x.system.no_rules.empty())
    out.push_back(line{"firewall: " + printable(x.system.no_rules)});
}

std::string verdict_text(const std::vector<finding>& all) {
  size_t problems = 0;
  for (auto& x : all)
    problems += x.severity == finding_severity::problem;
  if (all.empty())
    return "nothing is in the way of a pod here";
  if (problems == 0)
    return "no problem, but " + counted(all.size(), "thing", "things")
           + " worth knowing";
  return counted(problems, "problem", "problems") + " in the way";
}

json::array texts(const std::vector<std::string>& in) {
  json::array out;
  for (auto& x : in)
    out.emplace_back(clean_utf8(x));
  return out;
}

json::object to_json(const finding& x) {
  return {{"id", x.id},
          {"severity", std::string{to_string(x.severity)}},
          {"text", clean_utf8(x.text)},
          {"evidence", texts(x.evidence)},
          {"fix", clean_utf8(x.fix)}};
}

json::value text_or_null(const std::string& x) {
  return x.empty() ? json::value() : json::value(clean_utf8(x));
}

json::array multicast_json(const doctor_facts& x) {
  json::array out;
  for (auto& one : x.multicast)
    out.push_back(json::object{{"interface", one.interface},
                               {"address", one.address},
                               {"heard", one.heard}});
  return out;
}

json::array heard_json(const doctor_facts& x) {
  json::array out;
  for (auto& one : x.heard)
    out.push_back(json::object{{"id", to_string(one.id)},
                               {"address", to_string(one.at)},
                               {"protocol", one.protocol}});
  return out;
}

json::array dialled_json(const doctor_facts& x) {
  json::array out;
  for (auto& one : x.dialled)
    out.push_back(json::object{
        {"address", to_string(one.at)},
        {"error", one.failed ? json::value(clean_utf8(one.failed->detail))
                             : json::value()}});
  return out;
}

json::value clock_json(const doctor_facts& x) {
  return x.status && x.status->clock ? json::value(x.status->clock->behind)
                                     : json::value();
}

} // namespace

lines doctor_lines(const doctor_facts& facts,
                   const std::vector<finding>& findings) {
  lines out;
  append_summary(out, facts);
  out.push_back({});
  for (auto& x : findings)
    append(out, x);
  auto how = has_problem(findings) ? tone::bad
             : findings.empty()    ? tone::good
                                   : tone::strong;
  out.push_back(line{verdict_text(findings), how});
  return out;
}

json::object doctor_json(const doctor_facts& facts,
                         const std::vector<finding>& findings) {
  json::array all;
  for (auto& x : findings)
    all.push_back(to_json(x));
  json::value daemon;
  if (facts.status)
    daemon = json::object{{"version", facts.status->daemon.version},
                          {"id", facts.status->daemon.id}};
  return {{"ok", !has_problem(findings)},
          {"version", facts.version},
          {"daemon", std::move(daemon)},
          {"findings", std::move(all)},
          {"facts",
           {{"multicast", multicast_json(facts)},
            {"heard", heard_json(facts)},
            {"dialled", dialled_json(facts)},
            {"way_out", text_or_null(facts.way_out)},
            {"gateway", text_or_null(rules::gateway_of(facts, facts.way_out))},
            {"metered", or_null(facts.system.metered)},
            {"clock_set", or_null(facts.system.clock_set)},
            {"clock_behind", clock_json(facts)},
            {"firewall_readable", facts.system.rules.has_value()}}}};
}

} // namespace peapod

#include "hosts/common/actors_json.hpp"

#include "hosts/common/json_text.hpp"

#include <map>
#include <optional>
#include <utility>

namespace peapod {

namespace {

namespace json = boost::json;

json::string text(std::string_view x) {
  auto clean = clean_utf8(x);
  return json::string{json::string_view{clean.data(), clean.size()}};
}

json::array numbers(const std::vector<actor_number>& xs) {
  json::array out;
  for (auto x : xs)
    out.push_back(x);
  return out;
}

} // namespace

json::object to_json(const message_record& x) {
  return {
      {"time", rfc3339(x.time)},
      {"from", x.from == 0 ? json::value{} : json::value(x.from)},
      {"from_name", text(x.from_name)},
      {"to", x.to},
      {"type", text(x.type)},
      {"size", x.size},
      {"took", json_seconds(x.took)},
  };
}

json::object to_json(const actor_row& x) {
  return {
      {"id", x.id},
      {"name", text(x.name)},
      {"parent", or_null(x.parent)},
      {"about", text(x.about)},
      {"summary", text(x.summary)},
      {"restart", to_string(x.restart)},
      {"runs_on", x.on_io ? "io" : "worker"},
      {"state", to_string(x.state)},
      {"answered", x.answered},
      {"mailbox", x.mailbox},
      {"mailbox_peak", x.mailbox_peak},
      {"handled", x.handled},
      {"rate", json_number(x.rate)},
      {"load", json_number(x.load)},
      {"busy", json_seconds(x.busy)},
      {"longest", json_seconds(x.longest)},
      {"uptime", json_seconds(x.uptime)},
      {"restarts", x.restarts},
      {"links", numbers(x.links)},
  };
}

json::object to_json(const actor_page& x) {
  return {
      {"actor", to_json(x.row)},
      {"data", parsed_object(x.data)},
      {"recent", to_json(x.recent)},
      {"fault", text(x.fault)},
  };
}

json::object to_json(const crash_report& x) {
  return {
      {"seq", x.seq},
      {"time", rfc3339(x.time)},
      {"actor", x.id},
      {"name", text(x.name)},
      {"parent", or_null(x.parent)},
      {"about", text(x.about)},
      {"reason", text(x.reason)},
      {"uptime", json_seconds(x.uptime)},
      {"handled", x.handled},
      {"recent", to_json(x.recent)},
      {"data", parsed_object(x.data)},
  };
}

json::object to_json(const pod_event& x) {
  json::object out{
      {"seq", x.seq},
      {"time", rfc3339(x.time)},
      {"kind", to_string(x.kind)},
      {"actor", or_null(x.actor)},
      {"name", text(x.name)},
      {"about", text(x.about)},
      {"text", text(x.text)},
  };
  if (!x.peer.empty())
    out["peer"] = text(x.peer);
  if (!x.transfer.empty())
    out["transfer"] = text(x.transfer);
  return out;
}

json::object to_json(const pod_member& x) {
  return {
      {"id", to_string(x.id)},
      {"name", text(x.name)},
      {"self", x.self},
      {"error", x.error ? json::value(text(*x.error)) : json::value{}},
      {"actors", to_json(x.actors)},
  };
}

// -- the tree -----------------------------------------------------------------

namespace {

/// Who hangs below whom.
using offspring = std::map<actor_number, std::vector<const actor_row*>>;

using parents = std::map<actor_number, std::optional<actor_number>>;

/// Whether the way up from `x` leads back to it: nothing would end then.
bool is_circular(const actor_row& x, const parents& known) {
  auto at = x.parent;
  for (size_t steps = 0; at && steps < known.size(); ++steps) {
    if (*at == x.id)
      return true;
    auto up = known.find(*at);
    at = up == known.end() ? std::nullopt : up->second;
  }
  return false;
}

const actor_row& root_of(const std::vector<actor_row>& rows) {
  const actor_row* first = nullptr;
  for (auto& x : rows) {
    if (x.parent)
      continue;
    if (x.strategy)
      return x;
    first = first ? first : &x;
  }
  return first ? *first : rows.front();
}

json::object node_json(const actor_row& x, const offspring& below) {
  json::array children;
  if (auto found = below.find(x.id); found != below.end())
    for (auto* child : found->second)
      children.push_back(node_json(*child, below));
  return {
      {"id", x.id},
      {"name", text(x.name)},
      {"about", text(x.about)},
      {"restart", to_string(x.restart)},
      {"restarts", x.restarts},
      {"strategy",
       x.strategy ? json::value(to_string(*x.strategy)) : json::value{}},
      {"children", std::move(children)},
  };
}

} // namespace

json::value tree_json(const std::vector<actor_row>& rows) {
  if (rows.empty())
    return {};
  auto& root = root_of(rows);
  parents known;
  for (auto& x : rows)
    known[x.id] = x.parent;
  offspring below;
  for (auto& x : rows) {
    if (&x == &root)
      continue;
    bool hangs =
        x.parent && known.contains(*x.parent) && !is_circular(x, known);
    below[hangs ? *x.parent : root.id].push_back(&x);
  }
  return node_json(root, below);
}

} // namespace peapod

#include "hosts/common/control_data.hpp"

#include "hosts/common/json_members.hpp"

namespace peapod::control {

namespace {

namespace json = boost::json;

/// Outlines end here: more is not for people.
constexpr size_t max_outline = 2000;

void outline(const json::value& x, std::string key, unsigned depth,
             std::vector<outline_line>& out);

template <class Children, class Key>
void outline_all(const Children& children, unsigned depth,
                 std::vector<outline_line>& out, Key key_of) {
  for (size_t i = 0; i < children.size() && out.size() < max_outline; ++i) {
    auto [key, value] = key_of(i);
    outline(*value, std::move(key), depth, out);
  }
}

void outline_members(const json::value& x, unsigned depth,
                     std::vector<outline_line>& out) {
  using pair = std::pair<std::string, const json::value*>;
  if (auto* members = x.if_object())
    outline_all(*members, depth, out, [&](size_t i) {
      auto& entry = *(members->begin() + static_cast<std::ptrdiff_t>(i));
      return pair{text(json::value(entry.key())), &entry.value()};
    });
  else if (auto* items = x.if_array())
    outline_all(*items, depth, out, [&](size_t i) {
      return pair{std::to_string(i), &(*items)[i]};
    });
}

/// Lists of plain values stand in one line.
bool is_flat(const json::value& x) {
  if (auto* members = x.if_object())
    return members->empty();
  if (auto* items = x.if_array()) {
    for (auto& item : *items)
      if (item.is_structured())
        return false;
    return items->size() <= 16;
  }
  return true;
}

std::string flat_text(const json::value& x) {
  auto* items = x.if_array();
  if (items == nullptr)
    return x.is_null() ? "-" : x.is_object() ? "none" : text(x);
  std::string out;
  for (auto& item : *items)
    out += (out.empty() ? "" : ", ") + flat_text(item);
  return out.empty() ? "none" : out;
}

void outline(const json::value& x, std::string key, unsigned depth,
             std::vector<outline_line>& out) {
  if (is_flat(x)) {
    out.push_back({depth, std::move(key), flat_text(x)});
    return;
  }
  out.push_back({depth, std::move(key), ""});
  outline_members(x, depth + 1, out);
}

/// The outline of an object in a member that may be null.
bool read_data(const json::object& in, std::vector<outline_line>& out) {
  auto* x = in.if_contains("data");
  if (x == nullptr || !x->is_object())
    return false;
  outline_members(*x, 0, out);
  return true;
}

// -- objects ------------------------------------------------------------------

/// Every object of a list, read.
template <class Read>
auto each(const json::array& in, Read read) {
  std::vector<decltype(read(json::object{}))> out;
  for (auto& x : in)
    if (x.is_object())
      out.push_back(read(x.get_object()));
  return out;
}

message message_of(const json::object& in) {
  return {text_of(in, "time"), id_of(in, "from"),   text_of(in, "from_name"),
          number_of(in, "to"), text_of(in, "type"), number_of(in, "size"),
          real_of(in, "took")};
}

actor actor_of(const json::object& in) {
  actor out;
  out.id = number_of(in, "id");
  out.name = text_of(in, "name");
  out.parent = id_of(in, "parent");
  out.about = text_of(in, "about");
  out.summary = text_of(in, "summary");
  out.restart = text_of(in, "restart");
  out.runs_on = text_of(in, "runs_on");
  out.state = text_of(in, "state");
  out.answered = flag_of(in, "answered");
  out.mailbox = number_of(in, "mailbox");
  out.mailbox_peak = number_of(in, "mailbox_peak");
  out.handled = number_of(in, "handled");
  out.rate = real_of(in, "rate");
  out.load = real_of(in, "load");
  out.busy = real_of(in, "busy");
  out.longest = real_of(in, "longest");
  out.uptime = real_of(in, "uptime");
  out.restarts = number_of(in, "restarts");
  for (auto& x : array_of(in, "links"))
    out.links.push_back(number(x));
  return out;
}

/// A flag that may be null or not there.
std::optional<bool> known_flag_of(const json::object& in,
                                  std::string_view name) {
  auto* x = in.if_contains(name);
  return x && x->is_bool() ? std::optional{x->get_bool()} : std::nullopt;
}

daemon daemon_of(const json::object& in) {
  return {text_of(in, "id"),
          text_of(in, "name"),
          text_of(in, "version"),
          number_of(in, "pid"),
          real_of(in, "uptime"),
          flag_of(in, "fault_injection"),
          known_flag_of(in, "confined")};
}

std::vector<std::string> texts_of(const json::array& in) {
  std::vector<std::string> out;
  for (auto& x : in)
    out.push_back(text(x));
  return out;
}

/// An object that older daemons do not tell; of one of them it is empty.
const json::object& newer_object_of(const json::object& in,
                                    std::string_view name) {
  static const json::object none;
  auto* x = in.if_contains(name);
  return x && x->is_object() ? x->get_object() : none;
}

/// A text of an object that may have no such member.
std::string some_text_of(const json::object& in, std::string_view name) {
  auto* x = in.if_contains(name);
  return x ? text(*x) : std::string{};
}

line_label label_of(const json::object& in) {
  return {some_text_of(in, "label"), some_text_of(in, "as_name"),
          some_text_of(in, "evidence")};
}

own_line own_line_of(const json::object& in) {
  return {text_of(in, "id"),
          text_of(in, "name"),
          flag_of(in, "up"),
          text_of(in, "interface"),
          text_of(in, "gateway"),
          texts_of(array_of(in, "public_addresses")),
          number_of(in, "bytes_own"),
          number_of(in, "bytes_peers"),
          label_of(newer_object_of(in, "line"))};
}

peer peer_of(const json::object& in) {
  auto* same = in.if_contains("same_line"); // of newer daemons, now and then
  return {text_of(in, "id"),
          text_of(in, "name"),
          text_of(in, "address"),
          text_of(in, "state"),
          text_of(in, "protocol"),
          flag_of(in, "pauses"),
          real_of(in, "rate_down"),
          real_of(in, "rate_up"),
          number_of(in, "bytes_from"),
          number_of(in, "bytes_to"),
          same ? text(*same) : std::string{},
          text_of(in, "trust"),
          texts_of(array_of(in, "code")),
          flag_of(in, "secure"),
          label_of(newer_object_of(in, "line")),
          some_text_of(in, "why")};
}

/// Of newer daemons.
bool is_crowded(const json::object& in) {
  return in.contains("crowded") && flag_of(in, "crowded");
}

map_run run_of(const json::object& in) {
  auto* source = in.if_contains("source");
  map_run out{std::nullopt, number_of(in, "cells")};
  if (source != nullptr && !source->is_null())
    out.source = text(*source);
  return out;
}

std::map<std::string, uint64_t> counts_of(const json::object& in) {
  std::map<std::string, uint64_t> out;
  for (auto& x : in)
    out[text(json::value(x.key()))] = number(x.value());
  return out;
}

transfer transfer_of(const json::object& in) {
  transfer out;
  out.id = text_of(in, "id");
  out.url = text_of(in, "url");
  out.state = text_of(in, "state");
  out.total = number_of(in, "total");
  out.delivered = number_of(in, "delivered");
  out.bytes = counts_of(object_of(in, "bytes"));
  out.wasted = number_of(in, "wasted");
  out.hedged = number_of(in, "hedged");
  out.rechecked = number_of(in, "rechecked");
  if (in.contains("verified_by")) // of newer daemons
    out.verified_by = text_of(in, "verified_by");
  out.samples = number_of(in, "samples");
  out.lies = number_of(in, "lies");
  out.unchecked = number_of(in, "unchecked");
  out.map = each(array_of(in, "map"), run_of);
  return out;
}

node node_of(const json::object& in) {
  return {number_of(in, "id"),
          text_of(in, "name"),
          text_of(in, "about"),
          text_of(in, "restart"),
          number_of(in, "restarts"),
          text_of(in, "strategy"),
          each(array_of(in, "children"), node_of)};
}

crash crash_of(const json::object& in) {
  crash out;
  out.seq = number_of(in, "seq");
  out.time = text_of(in, "time");
  out.actor = number_of(in, "actor");
  out.name = text_of(in, "name");
  out.parent = id_of(in, "parent");
  out.about = text_of(in, "about");
  out.reason = text_of(in, "reason");
  out.uptime = real_of(in, "uptime");
  out.handled = number_of(in, "handled");
  out.recent = each(array_of(in, "recent"), message_of);
  out.has_data = read_data(in, out.data);
  return out;
}

event event_of(const json::object& in) {
  return {number_of(in, "seq"), text_of(in, "time"), text_of(in, "kind"),
          id_of(in, "actor"),   text_of(in, "name"), text_of(in, "about"),
          text_of(in, "text")};
}

member member_of(const json::object& in) {
  return {text_of(in, "id"), text_of(in, "name"), flag_of(in, "self"),
          text_of(in, "error"), each(array_of(in, "actors"), actor_of)};
}

quota quota_of(const json::object& in) {
  return {number_of(in, "used"), number_of(in, "limit")};
}

sharing sharing_of(const json::object& in) {
  return {text_of(in, "state"),
          text_of(in, "why"),
          quota_of(object_of(in, "today")),
          quota_of(object_of(in, "month")),
          known_flag_of(in, "metered"),
          known_flag_of(in, "on_battery"),
          id_of(in, "battery")};
}

// -- answers ------------------------------------------------------------------

/// An answer as an object, read; or what is wrong with it.
template <class Read>
auto with_object(std::string_view answer, Read read)
    -> result<decltype(read(json::object{}))> {
  auto parsed = parse_object(answer);
  if (!parsed)
    return make_error(errc::bad_http,
                      "the daemon's answer cannot be read: it is not JSON of "
                      "this version");
  return read(*parsed);
}

} // namespace

result<status> read_status(std::string_view answer) {
  return with_object(answer, [](const json::object& in) {
    status out;
    out.daemon = daemon_of(object_of(in, "daemon"));
    auto& device = object_of(in, "device");
    out.daemon.id = text_of(device, "id");
    out.daemon.name = text_of(device, "name");
    out.pod_size = number_of(in, "pod_size");
    out.peers = each(array_of(in, "peers"), peer_of);
    out.crowded = is_crowded(in);
    if (in.contains("lines")) // of newer daemons
      out.lines = each(array_of(in, "lines"), own_line_of);
    out.transfers = each(array_of(in, "transfers"), transfer_of);
    out.proxy = counts_of(object_of(in, "proxy"));
    auto& share = object_of(in, "share");
    out.served_bytes = number_of(share, "served_bytes");
    out.held_to = number_of(share, "held_to");
    out.sharing = sharing_of(share);
    if (auto& clock = newer_object_of(in, "clock"); !clock.empty())
      out.clock = {real_of(clock, "behind"), number_of(clock, "hosts")};
    return out;
  });
}

result<actor_list> read_actors(std::string_view answer) {
  return with_object(answer, [](const json::object& in) {
    return actor_list{daemon_of(object_of(in, "daemon")),
                      each(array_of(in, "actors"), actor_of)};
  });
}

result<actor_page> read_actor(std::string_view answer) {
  return with_object(answer, [](const json::object& in) {
    actor_page out;
    out.actor = actor_of(object_of(in, "actor"));
    out.has_data = read_data(in, out.data);
    out.recent = each(array_of(in, "recent"), message_of);
    out.fault = text_of(in, "fault");
    return out;
  });
}

result<node> read_tree(std::string_view answer) {
  return with_object(answer, [](const json::object& in) {
    return node_of(object_of(in, "tree"));
  });
}

result<crash_list> read_crashes(std::string_view answer) {
  return with_object(answer, [](const json::object& in) {
    return crash_list{number_of(in, "total"),
                      each(array_of(in, "crashes"), crash_of)};
  });
}

result<known_peers> read_peers(std::string_view answer) {
  return with_object(answer, [](const json::object& in) {
    return known_peers{each(array_of(in, "peers"), peer_of), is_crowded(in)};
  });
}

result<peer> read_peer(std::string_view answer) {
  return with_object(answer, [](const json::object& in) {
    return peer_of(object_of(in, "peer"));
  });
}

result<std::vector<transfer>> read_transfers(std::string_view answer) {
  return with_object(answer, [](const json::object& in) {
    return each(array_of(in, "transfers"), transfer_of);
  });
}

result<std::vector<member>> read_pod(std::string_view answer) {
  return with_object(answer, [](const json::object& in) {
    return each(array_of(in, "members"), member_of);
  });
}

result<event> read_event(std::string_view answer) {
  return with_object(answer, event_of);
}

result<message> read_message(std::string_view answer) {
  return with_object(answer, message_of);
}

std::string failure_text(unsigned status, std::string_view body) {
  auto parsed = parse_object(body);
  auto said = parsed ? text_of(*parsed, "error") : std::string{};
  return said.empty() ? "the daemon answered " + std::to_string(status) : said;
}

} // namespace peapod::control

#include "hosts/common/firewall_rules.hpp"

#include "hosts/common/json_members.hpp"

#include <algorithm>

namespace peapod {

namespace {

namespace json = boost::json;
using control::object_of;
using control::text;
using control::text_of;

/// The values of the right side of a match.
void append_values(const json::value& x, std::vector<std::string>& out) {
  if (auto* items = x.if_array()) {
    for (auto& item : *items)
      append_values(item, out);
    return;
  }
  auto* object = x.if_object();
  if (object == nullptr) {
    out.push_back(text(x));
    return;
  }
  if (auto* set = object->if_contains("set"))
    append_values(*set, out);
  else if (auto* range = object->if_contains("range");
           range && range->is_array() && range->get_array().size() == 2)
    out.push_back(text(range->get_array()[0]) + "-"
                  + text(range->get_array()[1]));
  else if (auto* prefix = object->if_contains("prefix");
           prefix && prefix->is_object())
    out.push_back(
        text_of(prefix->get_object(), "addr") + "/"
        + std::to_string(control::number_of(prefix->get_object(), "len")));
  else
    out.emplace_back("?");
}

} // namespace

/// Reads the objects of the list in their order.
struct firewall_rules::reader {
  firewall_rules out;

  void read(const json::object& in) {
    if (in.contains("chain"))
      add_chain(object_of(in, "chain"));
    else if (in.contains("rule"))
      add_rule(object_of(in, "rule"));
  }

  void add_chain(const json::object& in) {
    chain made;
    made.family = text_of(in, "family");
    made.table = text_of(in, "table");
    made.name = text_of(in, "name");
    made.input = text_of(in, "hook") == "input"
                 && (made.family == "ip" || made.family == "inet");
    if (auto* x = in.if_contains("prio"); x && x->is_int64())
      made.priority = x->get_int64();
    made.drops = text_of(in, "policy") == "drop";
    out.chains_.push_back(std::move(made));
  }

  void add_rule(const json::object& in) {
    chain key;
    key.family = text_of(in, "family");
    key.table = text_of(in, "table");
    auto* where = out.find(key, text_of(in, "chain"));
    if (where == nullptr)
      return;
    auto& to = out.chains_[static_cast<size_t>(where - out.chains_.data())];
    rule made;
    for (auto& x : control::array_of(in, "expr"))
      if (x.is_object() && !x.get_object().empty())
        add_expression(x.get_object(), made);
    to.rules.push_back(std::move(made));
  }

  static void add_expression(const json::object& in, rule& to) {
    using verdict = rule::verdict;
    auto name = in.begin()->key();
    if (name == "match")
      add_match(object_of(in, "match"), to);
    else if (name == "accept")
      to.ends = verdict::accept;
    else if (name == "drop" || name == "reject")
      to.ends = verdict::drop;
    else if (name == "return")
      to.ends = verdict::back;
    else if (name == "jump" || name == "goto") {
      to.ends = name == "jump" ? verdict::jump : verdict::go_to;
      to.target = text_of(in.begin()->value().is_object()
                              ? in.begin()->value().get_object()
                              : json::object{},
                          "target");
    } else if (name != "counter" && name != "log" && name != "comment") {
      to.conditions.push_back({});
    }
  }

  /// A port is one of a protocol, even where the rule says no more of it.
  static void add_match(const json::object& in, rule& to) {
    to.conditions.push_back(condition_of(in));
    if (to.conditions.back().about != condition::field::port)
      return;
    auto of = text_of(object_of(object_of(in, "left"), "payload"), "protocol");
    if (of != "th")
      to.conditions.push_back({condition::field::protocol, false, {of}});
  }

  static condition condition_of(const json::object& in) {
    condition made;
    auto op = text_of(in, "op");
    if (op != "==" && op != "!=" && op != "in")
      return made;
    made.negated = op == "!=";
    made.about = field_of(object_of(in, "left"));
    if (auto* right = in.if_contains("right"))
      append_values(*right, made.values);
    auto named = [](auto& x) { return x.starts_with('@') || x == "?"; };
    if (std::ranges::any_of(made.values, named))
      made.about = condition::field::unknown;
    return made;
  }

  static condition::field field_of(const json::object& left) {
    using field = condition::field;
    auto& payload = object_of(left, "payload");
    auto name = text_of(payload, "field");
    auto of = text_of(payload, "protocol");
    if (name == "dport" && (of == "tcp" || of == "udp" || of == "th"))
      return field::port;
    if (of == "ip" && name == "protocol")
      return field::protocol;
    if (of == "ip" && name == "saddr")
      return field::from;
    if (of == "ip" && name == "daddr")
      return field::to;
    auto meta = text_of(object_of(left, "meta"), "key");
    if (meta == "l4proto")
      return field::protocol;
    if (meta == "iifname" || meta == "iif")
      return field::interface;
    if (meta == "pkttype")
      return field::kind;
    if (text_of(object_of(left, "ct"), "key") == "state")
      return field::state;
    return text_of(object_of(left, "fib"), "result") == "type" ? field::kind
                                                               : field::unknown;
  }
};

result<firewall_rules> firewall_rules::parse(std::string_view text) {
  auto parsed = control::parse_object(text);
  if (!parsed || !parsed->contains("nftables"))
    return make_error(errc::bad_config, "not a list of rules");
  reader all;
  for (auto& x : control::array_of(*parsed, "nftables"))
    if (x.is_object())
      all.read(x.get_object());
  std::ranges::stable_sort(all.out.chains_, {}, &chain::priority);
  return std::move(all.out);
}

const firewall_rules::chain* firewall_rules::find(const chain& near,
                                                  std::string_view name) const {
  for (auto& x : chains_)
    if (x.name == name && x.table == near.table && x.family == near.family)
      return &x;
  return nullptr;
}

bool firewall_rules::mentions(std::string_view name) const {
  return std::ranges::any_of(chains_, [&](auto& x) {
    return x.name.find(name) != x.name.npos
           || x.table.find(name) != x.table.npos;
  });
}

} // namespace peapod

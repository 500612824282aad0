#include "hosts/common/control_text.hpp"

#include "hosts/common/text_table.hpp"

#include <map>
#include <set>

namespace peapod::control {

namespace {

void add_tree(const node& x, const std::string& stem, const std::string& branch,
              std::vector<table_row>& rows) {
  auto restarts = x.restarts == 0 ? "" : std::to_string(x.restarts);
  rows.push_back({{std::to_string(x.id)},
                  {branch + x.name},
                  {x.about},
                  {x.restart, tone::dim},
                  {x.strategy, tone::dim},
                  {restarts, tone::warn}});
  for (size_t i = 0; i < x.children.size(); ++i) {
    bool last = i + 1 == x.children.size();
    add_tree(x.children[i], stem + (last ? "  " : "│ "),
             stem + (last ? "└ " : "├ "), rows);
  }
}

/// The children of each actor, in order of ids; those without a living parent
/// are the children of 0.
using family = std::map<uint64_t, std::vector<const actor*>>;

void add_member_tree(const family& children, uint64_t parent, unsigned depth,
                     lines& out) {
  auto found = children.find(parent);
  if (found == children.end() || depth > 32)
    return;
  for (auto* x : found->second) {
    line entry{std::string(2 * depth + 2, ' ')};
    entry.add(x->name, tone_of_state(*x));
    entry.add(" ").add(std::to_string(x->id), tone::dim);
    if (!x->about.empty())
      entry.add(" ").add(x->about);
    if (!x->summary.empty())
      entry.add("  ").add(x->summary, tone::dim);
    out.push_back(std::move(entry));
    if (x->id != parent)
      add_member_tree(children, x->id, depth + 1, out);
  }
}

} // namespace

lines tree_text(const node& root) {
  std::vector<table_row> rows;
  add_tree(root, "", "", rows);
  return table({{"ID", true},
                {"NAME"},
                {"ABOUT"},
                {"RESTART"},
                {"STRATEGY"},
                {"RST", true}},
               rows);
}

lines pod_text(const std::vector<member>& members) {
  lines out;
  for (auto& x : members) {
    line title{x.name.empty() ? x.id.substr(0, 12) : x.name, tone::strong};
    title.add(" ").add(x.id.substr(0, 12), tone::dim);
    out.push_back(title.add(x.self ? " (this device)" : ""));
    if (!x.error.empty())
      out.push_back(line{"  "}.add(x.error, tone::warn));
    std::set<uint64_t> alive;
    for (auto& a : x.actors)
      alive.insert(a.id);
    family children;
    for (auto& a : x.actors)
      children[a.parent && alive.count(*a.parent) ? *a.parent : 0].push_back(
          &a);
    add_member_tree(children, 0, 0, out);
  }
  return out;
}

} // namespace peapod::control

#include "hosts/console/actor_tree.hpp"

#include <algorithm>
#include <map>

namespace peapod::console {

namespace {

/// Deeper trees are not ours; and a wrong answer may have a cycle.
constexpr size_t max_depth = 24;

class arranger {
public:
  arranger(const std::vector<seen_actor>& actors, const arrangement& how)
    : how_(how) {
    for (auto& x : actors)
      all_.push_back(&x);
    std::sort(all_.begin(), all_.end(),
              [this](auto* a, auto* b) { return before(*a, *b); });
  }

  std::vector<arranged_actor> list() {
    for (auto* x : all_)
      if (control::matches(x->actor, how_.filter))
        out_.push_back({x, "", 0, false});
    return std::move(out_);
  }

  std::vector<arranged_actor> tree() {
    std::set<uint64_t> ids;
    for (auto* x : all_)
      ids.insert(x->actor.id);
    // An actor whose supervisor is not there stands at the top.
    for (auto* x : all_) {
      bool has_parent = x->actor.parent && ids.count(*x->actor.parent) > 0
                        && *x->actor.parent != x->actor.id;
      if (has_parent)
        children_[*x->actor.parent].push_back(x);
      else
        roots_.push_back(x);
    }
    for (auto* x : roots_)
      add(*x, "", "", 0);
    return std::move(out_);
  }

private:
  bool before(const seen_actor& a, const seen_actor& b) const {
    auto& x = how_.reversed ? b : a;
    auto& y = how_.reversed ? a : b;
    return control::comes_before(x.actor, y.actor, how_.key);
  }

  bool is_wanted(const seen_actor& x) const {
    return control::matches(x.actor, how_.filter);
  }

  /// How many actors below this one the filter matches.
  size_t wanted_below(const seen_actor& x, size_t depth) const {
    auto found = children_.find(x.actor.id);
    if (found == children_.end() || depth > max_depth)
      return 0;
    size_t out = 0;
    for (auto* child : found->second)
      out += is_wanted(*child) + wanted_below(*child, depth + 1);
    return out;
  }

  void add(const seen_actor& x, const std::string& stem,
           const std::string& branch, size_t depth) {
    auto below = wanted_below(x, depth);
    if (depth > max_depth || (!is_wanted(x) && below == 0))
      return;
    bool folded = how_.folded.count(x.actor.id) > 0;
    out_.push_back({&x, branch, folded ? below : 0, !is_wanted(x)});
    if (folded || below == 0)
      return;
    std::vector<const seen_actor*> shown;
    for (auto* child : children_.at(x.actor.id))
      if (is_wanted(*child) || wanted_below(*child, depth + 1) > 0)
        shown.push_back(child);
    for (auto* child : shown) {
      bool last = child == shown.back();
      add(*child, stem + (last ? "  " : "│ "), stem + (last ? "└ " : "├ "),
          depth + 1);
    }
  }

  const arrangement& how_;
  std::vector<const seen_actor*> all_;
  std::vector<const seen_actor*> roots_;
  std::map<uint64_t, std::vector<const seen_actor*>> children_;
  std::vector<arranged_actor> out_;
};

} // namespace

std::vector<arranged_actor> arrange(const std::vector<seen_actor>& actors,
                                    const arrangement& how) {
  arranger all{actors, how};
  return how.as_tree ? all.tree() : all.list();
}

} // namespace peapod::console

#include "hosts/common/text_table.hpp"
#include "hosts/common/time_text.hpp"
#include "hosts/console/cursor.hpp"
#include "hosts/console/page.hpp"

#include <array>
#include <map>
#include <set>

namespace peapod::console {

namespace {

using namespace control;
using key = input::key;

/// An actor of a device; 0 is the device itself.
struct row_key {
  std::string member;
  uint64_t actor = 0;
  bool operator==(const row_key&) const = default;
};

struct row {
  row_key where;
  table_row cells;
  std::optional<control::actor> actor;
  line remark; ///< stands there instead of cells
};

/// Narrow screens give a branch of the tree one column instead of two.
constexpr size_t roomy = 100;

/// An actor is new for this long, in seconds, and a restart is news.
constexpr double is_new = 3;
constexpr double is_lately = 15;

std::string short_state(const seen_actor& x, bool crashed) {
  if (x.ended)
    return crashed ? "died" : "gone";
  return x.actor.state == "hanging" ? "hang" : x.actor.state;
}

tone tone_of(const arranged_actor& x, bool crashed) {
  auto& a = x.seen->actor;
  if (x.seen->ended)
    return crashed ? tone::bad : tone::dim;
  if (a.state == "hanging")
    return tone::bad;
  if (a.restarts > 0 && a.uptime < is_lately)
    return tone::warn;
  if (a.uptime < is_new)
    return tone::fresh;
  return x.on_path ? tone::dim : tone::plain;
}

/// Branches with one column for each level instead of two.
std::string narrowed(std::string_view guides) {
  std::string out;
  for (bool keep = true; !guides.empty(); keep = !keep) {
    auto sign = beginning_of(guides, 1);
    if (keep)
      out += sign;
    guides.remove_prefix(sign.size());
  }
  return out;
}

class actors_page : public page {
public:
  lines draw(const model& data, extent size, instant) override {
    auto rows = rows_of(data, size);
    std::vector<row_key> keys;
    std::vector<table_row> cells;
    for (auto& x : rows) {
      keys.push_back(x.where);
      cells.push_back(x.cells);
    }
    cursor_.settle(keys, size.rows - 1);
    chosen_ = rows.empty() ? std::nullopt : rows[cursor_.index()].actor;
    auto all = table(columns(), cells, size.columns);
    lines out{all.front()};
    for (size_t i = cursor_.top(); i < rows.size() && out.size() < size.rows;
         ++i) {
      out.push_back(rows[i].actor ? all[i + 1] : rows[i].remark);
      out.back().selected = i == cursor_.index();
    }
    if (rows.empty())
      out.push_back(line{how_.filter.empty()
                             ? "  nothing is known yet"
                             : "  no actor matches /" + how_.filter,
                         tone::dim});
    return out;
  }

  bool take(const input& x, desk& where) override {
    if (cursor_.take(x) || take_actor_key(x, chosen_, where))
      return true;
    if (x.what == key::enter)
      open(where);
    else if (x.is(' '))
      fold();
    else if (x.is('t'))
      how_.as_tree = !how_.as_tree;
    else if (x.is('s'))
      how_.key = next_key();
    else if (x.is('S'))
      how_.reversed = !how_.reversed;
    else if (x.is('/'))
      ask_filter(where, how_.filter,
                 [this](const std::string& text) { how_.filter = text; });
    else if (x.what == key::escape && !how_.filter.empty())
      how_.filter.clear();
    else
      return false;
    return true;
  }

  std::vector<std::string> hints() const override {
    std::vector<std::string> out{"Enter open"};
    if (!is_pod_)
      out.insert(out.end(), {"k kill", "r restart"});
    out.push_back(how_.filter.empty() ? "/ filter"
                                      : "/" + how_.filter + " (Esc: all)");
    out.insert(out.end(), {"s sort", how_.as_tree ? "t list" : "t tree"});
    if (how_.as_tree)
      out.push_back("Space fold");
    return out;
  }

private:
  // -- rows -------------------------------------------------------------------

  std::vector<row> rows_of(const model& data, extent size) {
    std::vector<row> out;
    is_pod_ = !data.members().empty();
    if (!is_pod_) {
      add_actors(data, "", data.actors(), size, out);
      return out;
    }
    for (auto& member : data.members())
      add_member(data, member, size, out);
    return out;
  }

  void add_member(const model& data, const member& x, extent size,
                  std::vector<row>& out) {
    auto& heading = out.emplace_back();
    heading.where = {x.id, 0};
    heading.remark = line{" "}
                         .add(x.name.empty() ? "?" : x.name, tone::strong)
                         .add(" ")
                         .add(x.id.substr(0, 8), tone::dim)
                         .add(x.self ? " (this device)" : "");
    if (!x.error.empty()) {
      auto& trouble = out.emplace_back();
      trouble.where = {x.id, UINT64_MAX};
      trouble.remark = line{"     "}.add(x.error, tone::warn);
    }
    std::vector<seen_actor> seen;
    for (auto& actor : x.actors)
      seen.push_back({actor, false, {}});
    add_actors(data, x.id, seen, size, out);
  }

  void add_actors(const model& data, const std::string& member,
                  const std::vector<seen_actor>& actors, extent size,
                  std::vector<row>& out) {
    auto how = how_;
    how.folded = folded_[member];
    for (auto& x : arrange(actors, how)) {
      auto& next = out.emplace_back();
      next.where = {member, x.seen->actor.id};
      next.cells = cells_of(x, data, size.columns < roomy);
      next.actor = x.seen->actor;
    }
  }

  static table_row cells_of(const arranged_actor& x, const model& data,
                            bool narrow) {
    auto& a = x.seen->actor;
    auto crashed = x.seen->ended && data.has_crashed(a.id);
    auto how = tone_of(x, crashed);
    auto name = (narrow ? narrowed(x.guides) : x.guides) + a.name;
    if (x.hidden > 0)
      name += " +" + std::to_string(x.hidden);
    auto figure = [how](std::string text, bool worth_reading) {
      return span{std::move(text),
                  worth_reading || how == tone::bad ? how : tone::dim};
    };
    auto mailbox = count_text(static_cast<double>(a.mailbox)) + "/"
                   + count_text(static_cast<double>(a.mailbox_peak));
    return {
        figure(std::to_string(a.id), true),
        {name, how},
        {a.about, how},
        {short_state(*x.seen, crashed), a.state == "busy" ? tone::active : how},
        figure(mailbox, a.mailbox > 0),
        figure(message_rate_text(a.rate), a.rate >= 0.05),
        figure(load_text(a.load), a.load >= 0.005),
        figure(span_text(a.busy), a.busy >= 1),
        figure(span_text(a.longest), a.longest >= 0.01),
        figure(std::to_string(a.restarts), a.restarts > 0),
        figure(age_text(a.uptime), true),
        {a.summary, a.answered ? tone::plain : tone::dim}};
  }

  std::vector<column> columns() const {
    std::vector<column> out{{"ID", true, 3},
                            {"NAME", false, 21, true},
                            {"ABOUT", false, 8, true},
                            {"STAT", false, 4},
                            {"MBOX", true, 4, false, 2},
                            {"MSG/S", true, 5},
                            {"LOAD", true, 4},
                            {"BUSY", true, 5, false, 4},
                            {"LONG", true, 5, false, 3},
                            {"RST", true, 3, false, 1},
                            {"UP", true, 5},
                            {"SUMMARY", false, 12, true, 5}};
    constexpr std::array<size_t, 12> place{0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10};
    auto& sorted = out[place[static_cast<size_t>(how_.key)]];
    // Names grow downwards, figures shrink.
    bool grows = how_.key <= sort_key::about;
    sorted.title = (grows != how_.reversed ? "↑" : "↓") + sorted.title;
    return out;
  }

  // -- keys -------------------------------------------------------------------

  sort_key next_key() const {
    auto next = static_cast<size_t>(how_.key) + 1;
    return static_cast<sort_key>(next % sort_keys().size());
  }

  void open(desk& where) {
    auto at = cursor_.chosen();
    if (!at || !chosen_)
      return;
    if (at->member.empty() || at->member == where.data().daemon().id)
      where.open_actor(chosen_->id);
    else
      where.data().tell("more of it is shown on its own device only",
                        tone::warn, where.now());
  }

  void fold() {
    auto where = cursor_.chosen();
    if (!where || !chosen_ || !how_.as_tree)
      return;
    auto& folded = folded_[where->member];
    if (folded.erase(where->actor) == 0)
      folded.insert(where->actor);
  }

  arrangement how_;
  bool is_pod_ = false;
  list_cursor<row_key> cursor_;
  std::optional<control::actor> chosen_;
  std::map<std::string, std::set<uint64_t>> folded_; ///< by member
};

} // namespace

std::unique_ptr<page> make_actors_page() {
  return std::make_unique<actors_page>();
}

} // namespace peapod::console

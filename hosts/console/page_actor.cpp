#include "hosts/console/cursor.hpp"
#include "hosts/console/page.hpp"

#include "hosts/common/control_text.hpp"

namespace peapod::console {

namespace {

using namespace control;
using key = input::key;

/// What the page gives its room to.
enum class focus { both, state, messages };

class one_actor : public actor_page {
public:
  one_actor() {
    messages_.follow();
  }

  void show(std::optional<uint64_t> id) override {
    id_ = id;
    actor_.reset();
    state_ = {};
    messages_ = {};
    messages_.follow();
  }

  std::optional<uint64_t> shown() const override {
    return id_;
  }

  lines draw(const model& data, extent size, instant) override {
    if (!id_)
      return {line{},
              line{"  No actor is open: choose one on page 1 and press Enter.",
                   tone::dim}};
    find_actor(data);
    auto upper = upper_part(data);
    auto heard = message_part(data);
    auto room = rooms(size.rows, upper.size(), heard.size());
    lines out;
    add_part(out, upper, state_, room.first);
    if (room.second > 1) {
      out.push_back(title_line(data, size.columns));
      add_part(out, heard, messages_, room.second - 1);
    }
    return out;
  }

  bool take(const input& x, desk& where) override {
    if (take_actor_key(x, actor_, where))
      return true;
    if (x.is('m'))
      focus_ = static_cast<focus>((static_cast<int>(focus_) + 1) % 3);
    else if (x.what == key::escape || x.what == key::backspace)
      where.go_back();
    else
      return focus_ == focus::messages ? messages_.take(x) : state_.take(x);
    return true;
  }

  std::vector<std::string> hints() const override {
    return {"Esc back", "k kill", "r restart", "m messages/state/both"};
  }

private:
  void find_actor(const model& data) {
    for (auto& x : data.actors())
      if (x.actor.id == *id_)
        actor_ = x.actor;
    if (data.page() && data.page()->actor.id == *id_)
      if (!actor_ || actor_->state != "ended")
        actor_ = data.page()->actor;
    for (auto& member : data.members())
      for (auto& x : member.actors)
        if (!actor_ && x.id == *id_)
          actor_ = x;
  }

  lines upper_part(const model& data) const {
    if (!actor_)
      return {line{"  waiting for actor " + std::to_string(*id_), tone::dim}};
    lines out{line{title_of(*actor_), tone::strong}};
    for (auto& x : figures_text(*actor_))
      out.push_back(x);
    auto& page = data.page();
    if (!data.page_trouble().empty())
      out.push_back(line{data.page_trouble(), tone::warn});
    if (page && !page->fault.empty())
      out.push_back(line{"disturbed: " + page->fault, tone::warn});
    out.push_back(line{"STATE", tone::heading});
    if (page && page->has_data)
      for (auto& x : outline_text(page->data))
        out.push_back(x);
    else
      out.push_back(
          line{page ? "  not known: it did not answer" : "  not known yet",
               tone::dim});
    return out;
  }

  lines message_part(const model& data) const {
    lines out;
    for (auto& x : data.messages())
      out.push_back(message_text(x, *id_));
    if (out.empty())
      out.push_back(line{"  none yet", tone::dim});
    return out;
  }

  line title_line(const model& data, size_t columns) const {
    line out{"MESSAGES", tone::heading};
    bool live = actor_ && actor_->state != "ended"
                && data.connection() == model::link::up && !data.is_paused();
    out.add(live ? "  live" : "", tone::good);
    if (!messages_.is_following())
      out.add("  " + std::to_string(messages_.below()) + " below", tone::warn);
    out.cut(columns);
    return out;
  }

  /// Rows for the state and for the messages with their title.
  std::pair<size_t, size_t> rooms(size_t rows, size_t upper,
                                  size_t heard) const {
    if (focus_ == focus::state)
      return {rows, 0};
    if (focus_ == focus::messages)
      return {0, rows};
    auto lower = std::min(heard + 1, std::max(rows / 3, size_t{4}));
    if (upper < rows - lower)
      return {upper, rows - upper};
    return {rows - lower, lower};
  }

  static void add_part(lines& out, const lines& part, scroller& where,
                       size_t room) {
    where.settle(part.size(), room);
    for (size_t i = where.top(); i < part.size() && i < where.top() + room; ++i)
      out.push_back(part[i]);
  }

  std::optional<uint64_t> id_;
  std::optional<control::actor> actor_;
  focus focus_ = focus::both;
  scroller state_;
  scroller messages_;
};

} // namespace

std::unique_ptr<actor_page> make_actor_page() {
  return std::make_unique<one_actor>();
}

} // namespace peapod::console

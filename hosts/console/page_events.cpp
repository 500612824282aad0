#include "hosts/console/cursor.hpp"
#include "hosts/console/page.hpp"

#include "hosts/common/control_text.hpp"

namespace peapod::console {

namespace {

using namespace control;
using key = input::key;

/// Columns that an arrow scrolls sideways: URLs are long.
constexpr size_t step = 20;

class events_page : public page {
public:
  events_page() {
    scroller_.follow();
  }

  lines draw(const model& data, extent size, instant) override {
    lines all;
    for (auto& x : data.events())
      if (is_wanted(x))
        all.push_back(event_text(x));
    if (all.empty())
      return {line{}, line{"  Nothing has happened yet.", tone::dim}};
    auto room = size.rows - 1;
    scroller_.settle(all.size(), room);
    lines out;
    for (auto i = scroller_.top(); i < all.size() && out.size() < room; ++i) {
      out.push_back(all[i]);
      out.back().drop(shift_);
      out.back().cut(size.columns);
    }
    out.resize(room);
    out.push_back(foot(all.size()));
    return out;
  }

  bool take(const input& x, desk& where) override {
    if (scroller_.take(x))
      return true;
    if (x.what == key::right)
      shift_ += step;
    else if (x.what == key::left)
      shift_ -= std::min(shift_, step);
    else if (x.is('v'))
      shows_progress_ = !shows_progress_;
    else if (x.is('/'))
      ask_filter(where, filter_,
                 [this](const std::string& text) { filter_ = text; });
    else if (x.what == key::escape && !filter_.empty())
      filter_.clear();
    else
      return false;
    return true;
  }

  std::vector<std::string> hints() const override {
    return {"End follow", "arrows scroll",
            filter_.empty() ? "/ filter" : "/" + filter_ + " (Esc: all)",
            shows_progress_ ? "v hide progress" : "v show progress"};
  }

private:
  bool is_wanted(const event& x) const {
    if (!shows_progress_ && x.kind == "transfer_progress")
      return false;
    return contains(x.kind, filter_) || contains(x.name, filter_)
           || contains(x.about, filter_) || contains(x.text, filter_)
           || (x.actor && std::to_string(*x.actor) == filter_);
  }

  line foot(size_t count) const {
    line out{std::to_string(count) + " events", tone::dim};
    if (scroller_.is_following())
      return out.add(", following", tone::dim);
    return out.add(", " + std::to_string(scroller_.below())
                       + " below: End follows again",
                   tone::warn);
  }

  scroller scroller_;
  size_t shift_ = 0; ///< columns that are scrolled out on the left
  std::string filter_;
  /// It comes many times a second and drowns the others.
  bool shows_progress_ = false;
};

} // namespace

std::unique_ptr<page> make_events_page() {
  return std::make_unique<events_page>();
}

} // namespace peapod::console

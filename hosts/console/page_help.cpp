#include "hosts/console/cursor.hpp"
#include "hosts/console/page.hpp"

#include <array>

namespace peapod::console {

namespace {

struct help_line {
  const char* keys;
  const char* meaning;
};

constexpr std::array help{
    help_line{"1 to 6, Tab", "go to a page"},
    help_line{"arrows, PgUp, PgDn", "move; Home and End go to the ends"},
    help_line{"Enter", "open the actor or the crash"},
    help_line{"Esc, Backspace", "back; Esc also ends a filter"},
    help_line{"/", "show only what contains a text (actors, events)"},
    help_line{"s, S", "sort by the next column; reverse"},
    help_line{"t, Space", "tree or list; fold what is below an actor"},
    help_line{"m", "one actor: its state, its messages, or both"},
    help_line{"v", "events: show the progress of transfers or not"},
    help_line{"p", "pause: what is shown stays as it is"},
    help_line{"k, r", "make an actor crash; restart it in order"},
    help_line{"f", "disturb it, if [debug] fault-injection allows it"},
    help_line{"t, u", "peers: let a device into the pod; let it out"},
    help_line{"?, q", "this help; quit"},
    help_line{"", ""},
    help_line{"green, yellow, red", "just begun; restarted lately; hanging or "
                                    "crashed"},
    help_line{"MBOX 3/41", "3 messages wait, 41 at the worst time"},
    help_line{"LOAD, BUSY, LONG", "time in handlers: share lately, in all, the "
                                  "longest"},
    help_line{"RST, UP", "restarts by its supervisor; how long it lives"},
};

class help_page : public page {
public:
  lines draw(const model&, extent size, instant) override {
    lines all;
    for (auto& x : help)
      all.push_back(
          line{"  "}.add(fit_to(x.keys, 20), tone::strong).add(x.meaning));
    scroller_.settle(all.size(), size.rows);
    lines out;
    for (auto i = scroller_.top(); i < all.size() && out.size() < size.rows;
         ++i) {
      out.push_back(all[i]);
      out.back().cut(size.columns);
    }
    return out;
  }

  bool take(const input& x, desk& where) override {
    if (scroller_.take(x))
      return true;
    where.go_back();
    return !x.is('q');
  }

  std::vector<std::string> hints() const override {
    return {"any key: back"};
  }

private:
  scroller scroller_;
};

} // namespace

std::unique_ptr<page> make_help_page() {
  return std::make_unique<help_page>();
}

} // namespace peapod::console

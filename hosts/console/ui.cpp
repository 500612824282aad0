#include "hosts/console/ui.hpp"

#include "hosts/common/control_text.hpp"
#include "hosts/common/size_text.hpp"
#include "hosts/common/time_text.hpp"

#include <algorithm>

namespace peapod::console {

namespace {

using key = input::key;
using namespace std::chrono_literals;

constexpr std::array<const char*, 6> names{"Actors", "Actor",     "Crashes",
                                           "Peers",  "Transfers", "Events"};

/// How long a notice stands in the bottom line.
constexpr duration notice_time = 6s;

/// UTF-8 of a code point that a keyboard gave.
std::string utf8_of(char32_t x) {
  std::string out;
  auto add = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (x < 0x80) {
    add(x);
  } else if (x < 0x800) {
    add(0xc0 | x >> 6);
    add(0x80 | (x & 0x3f));
  } else if (x < 0x10000) {
    add(0xe0 | x >> 12);
    add(0x80 | (x >> 6 & 0x3f));
    add(0x80 | (x & 0x3f));
  } else {
    add(0xf0 | x >> 18);
    add(0x80 | (x >> 12 & 0x3f));
    add(0x80 | (x >> 6 & 0x3f));
    add(0x80 | (x & 0x3f));
  }
  return printable(out);
}

void remove_last_sign(std::string& text) {
  while (!text.empty() && (text.back() & 0xc0) == 0x80)
    text.pop_back();
  if (!text.empty())
    text.pop_back();
}

std::string plural(size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

} // namespace

ui::ui(wishes& daemon, bool pod_view) : daemon_(daemon), pod_view_(pod_view) {
  auto actor = make_actor_page();
  actor_ = actor.get();
  pages_ = {make_actors_page(), std::move(actor),      make_crashes_page(),
            make_peers_page(),  make_transfers_page(), make_events_page(),
            make_help_page()};
}

ui::~ui() = default;

void ui::apply(update x, instant now) {
  now_ = now;
  model_.apply(std::move(x), now);
}

// -- keys ---------------------------------------------------------------------

bool ui::take(const input& x, instant now) {
  now_ = now;
  if (question_) {
    take_answer(x);
    return true;
  }
  if (pages_[current_]->take(x, *this))
    return true;
  return take_common(x);
}

bool ui::take_common(const input& x) {
  if (x.is('q'))
    return false;
  if (x.what == key::character && x.character >= '1' && x.character <= '6')
    go_to(x.character - '1');
  else if (x.what == key::tab)
    go_to((current_ + 1) % names.size());
  else if (x.what == key::back_tab)
    go_to((current_ + names.size() - 1) % names.size());
  else if (x.is('?'))
    go_to(help);
  else if (x.is('p'))
    model_.pause(!model_.is_paused(), now_);
  else if (x.what == key::escape || x.what == key::backspace)
    go_to(0);
  return true;
}

void ui::go_to(size_t number) {
  if (number == current_)
    return;
  if (current_ != help)
    before_ = current_;
  current_ = number;
}

void ui::go_back() {
  auto to = before_ == current_ ? 0 : before_;
  current_ = to;
  before_ = 0;
}

void ui::open_actor(uint64_t id) {
  if (actor_->shown() != id) {
    actor_->show(id);
    model_.forget_page();
    daemon_.watch(id);
  }
  go_to(one_actor);
}

// -- questions ----------------------------------------------------------------

void ui::ask(question x) {
  question_ = std::move(x);
}

void ui::take_answer(const input& x) {
  switch (question_->what) {
    case question::kind::yes_no:
      return answer(x.is('y') || x.is('Y') ? "y" : "n");
    case question::kind::choice:
      if (x.what == key::character && x.character < 0x80
          && question_->choices.find(static_cast<char>(x.character))
                 != std::string::npos)
        answer(std::string(1, static_cast<char>(x.character)));
      else
        question_.reset();
      return;
    case question::kind::text:
      return take_text(x);
  }
}

void ui::take_text(const input& x) {
  auto& text = question_->answer;
  if (x.what == key::enter)
    return answer(text);
  if (x.what == key::escape) {
    // What a filter was before has been forgotten: none is left.
    auto changed = std::move(question_->changed);
    question_.reset();
    if (changed)
      changed("");
    return;
  }
  if (x.what == key::backspace)
    remove_last_sign(text);
  else if (x.what == key::character && text.size() < 100)
    text += utf8_of(x.character);
  if (question_->changed)
    question_->changed(text);
}

void ui::answer(std::string text) {
  // It may ask the next question.
  auto asked = std::move(*question_);
  question_.reset();
  if (asked.answered)
    asked.answered(text);
}

// -- lines --------------------------------------------------------------------

lines ui::draw(extent size, instant now) {
  now_ = now;
  if (size.rows < least_extent.rows || size.columns < least_extent.columns) {
    lines out{line{"too small: 60x15 is needed", tone::warn}};
    out.resize(std::max<size_t>(size.rows, 1));
    out.front().cut(size.columns);
    return out;
  }
  lines out{header(size.columns), tabs(size.columns, now)};
  extent room{size.rows - 3, size.columns};
  auto content = pages_[current_]->draw(model_, room, now);
  content.resize(room.rows);
  for (auto& x : content)
    out.push_back(std::move(x));
  out.push_back(bottom(size.columns, now));
  for (auto& x : out)
    x.cut(size.columns);
  return out;
}

line ui::header(size_t columns) const {
  auto& daemon = model_.daemon();
  auto crashes = model_.crashes().total;
  line facts;
  facts.add("  " + daemon.version)
      .add("  up " + age_text(daemon.uptime))
      .add("  pod of " + std::to_string(model_.status().pod_size))
      .add("  " + plural(model_.live_actors(), "actor", "actors"))
      .add("  " + plural(crashes, "crash", "crashes"),
           crashes > 0 ? tone::bad : tone::plain);
  line state;
  if (model_.connection() == model::link::down)
    state.add("○ no answer", tone::bad);
  else if (model_.connection() == model::link::connecting)
    state.add("○ connecting", tone::warn);
  else if (model_.is_paused())
    state.add("○ paused", tone::warn);
  else
    state.add("● connected", tone::good);
  auto title = (daemon.name.empty() ? "peapod" : daemon.name) + " "
               + daemon.id.substr(0, 8);
  auto rest = facts.width() + state.width() + 3;
  line out{" ", tone::strong};
  out.add(cut_to(title, columns > rest + 8 ? columns - rest : 8), tone::strong);
  for (auto& x : facts.spans)
    out.add(x.text, x.how);
  out.cut(columns - state.width() - 2);
  out.pad_to(columns - state.width() - 1);
  return out.add(state.spans.front().text, state.spans.front().how);
}

line ui::tabs(size_t columns, instant now) const {
  line out{" "};
  for (size_t i = 0; i < names.size(); ++i)
    out.add(i == 0 ? "" : "  ")
        .add(std::to_string(i + 1) + " " + names[i],
             i == current_ ? tone::tab : tone::dim);
  line right;
  auto& rate = model_.message_rate();
  right.add(rate.sparkline(now, columns < 90 ? 6 : 15), tone::active)
      .add(" ")
      .add(control::message_rate_text(rate.last()) + " msg/s", tone::dim);
  auto& down = model_.down_rate();
  if (columns >= 110)
    right.add("  ")
        .add(down.sparkline(now, 15), tone::good)
        .add(" ")
        .add(rate_text(static_cast<uint64_t>(down.last())), tone::dim);
  if (out.width() + right.width() < columns)
    out.pad_to(columns - right.width() - 1);
  for (auto& x : right.spans)
    out.add(x.text, x.how);
  return out;
}

line ui::bottom(size_t columns, instant now) const {
  line out{" "};
  if (question_) {
    auto typed =
        question_->what == question::kind::text ? question_->answer + "_" : "";
    return out.add(question_->text + typed, tone::strong);
  }
  auto& notice = model_.last_notice();
  if (!notice.text.empty() && now - notice.since < notice_time)
    return out.add(notice.text, notice.how);
  if (model_.connection() == model::link::down)
    return out.add(model_.trouble() + "; asking again every second",
                   tone::warn);
  constexpr std::string_view common = "? help  q quit";
  auto hints = pages_[current_]->hints();
  hints.push_back(model_.is_paused() ? "p go on" : "p pause");
  for (auto& x : hints)
    if (out.width() + x.size() + common.size() + 3 <= columns)
      out.add(x, tone::dim).add("  ");
  return out.add(std::string{common}, tone::dim);
}

} // namespace peapod::console

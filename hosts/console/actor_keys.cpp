#include "hosts/console/page.hpp"

#include "hosts/common/control_text.hpp"

#include <charconv>
#include <memory>

namespace peapod::console {

namespace {

using control::title_of;

uint64_t number_or(const std::string& text, uint64_t otherwise) {
  uint64_t out = 0;
  auto end = text.data() + text.size();
  auto [rest, ec] = std::from_chars(text.data(), end, out);
  return ec == std::errc{} && rest == end && out > 0 ? out : otherwise;
}

void confirm(desk& where, std::string text, std::function<void()> then) {
  question x;
  x.text = std::move(text) + " y/n ";
  x.answered = [then = std::move(then)](const std::string& answer) {
    if (answer == "y")
      then();
  };
  where.ask(std::move(x));
}

/// Asks for the numbers of a fault one after the other, then for the fault.
class fault_dialogue : public std::enable_shared_from_this<fault_dialogue> {
public:
  fault_dialogue(desk& where, const control::actor& x)
    : where_(where), id_(x.id), title_(title_of(x)) {}

  void begin() {
    question x;
    x.what = question::kind::choice;
    x.text = title_ + ": c crash  d drop  l delay  u duplicate  x clear ";
    x.choices = "cdlux";
    x.answered = [self = shared_from_this()](const std::string& answer) {
      self->choose(answer.front());
    };
    where_.ask(std::move(x));
  }

private:
  void choose(char what) {
    how_.action = what == 'c'   ? "crash"
                  : what == 'd' ? "drop"
                  : what == 'l' ? "delay"
                  : what == 'u' ? "duplicate"
                                : "clear";
    if (how_.action == "clear")
      return where_.daemon().disturb(id_, how_);
    ask("of how many messages one", how_.every, [this] {
      if (how_.action == "crash")
        return finish();
      ask("how often in all", how_.times, [this] {
        if (how_.action != "delay")
          return finish();
        ask("for how many milliseconds", delay_, [this] { finish(); });
      });
    });
  }

  void ask(const std::string& text, uint64_t& number,
           std::function<void()> then) {
    question x;
    x.what = question::kind::text;
    x.text = how_.action + " " + title_ + ": " + text + "? ";
    x.answer = std::to_string(number);
    x.answered = [self = shared_from_this(), &number,
                  then](const std::string& answer) {
      number = number_or(answer, number);
      then();
    };
    where_.ask(std::move(x));
  }

  void finish() {
    how_.delay = static_cast<double>(delay_) / 1000;
    where_.daemon().disturb(id_, how_);
  }

  desk& where_;
  uint64_t id_;
  std::string title_;
  disturbance how_;
  uint64_t delay_ = 100;
};

} // namespace

bool take_actor_key(const input& x, const std::optional<control::actor>& chosen,
                    desk& where) {
  if (!x.is('k') && !x.is('r') && !x.is('f'))
    return false;
  auto refuse = [&](std::string why) {
    where.data().tell(std::move(why), tone::warn, where.now());
    return true;
  };
  if (where.is_pod_view())
    return refuse("the pod can only be looked at; without --pod the actors of "
                  "this device can be touched");
  if (!chosen)
    return refuse("no actor is chosen");
  if (chosen->state == "ended")
    return refuse(title_of(*chosen) + " has ended");
  auto id = chosen->id;
  if (x.is('k'))
    confirm(where, "Kill " + title_of(*chosen) + "?",
            [&where, id] { where.daemon().kill(id); });
  else if (x.is('r'))
    confirm(where, "Restart " + title_of(*chosen) + "?",
            [&where, id] { where.daemon().restart(id); });
  else if (!where.data().daemon().fault_injection)
    return refuse("this daemon does not allow faults: [debug] "
                  "fault-injection=true does");
  else
    std::make_shared<fault_dialogue>(where, *chosen)->begin();
  return true;
}

void ask_filter(desk& where, const std::string& before,
                std::function<void(const std::string&)> changed) {
  question x;
  x.what = question::kind::text;
  x.text = "/";
  x.answer = before;
  x.answered = changed;
  x.changed = std::move(changed);
  where.ask(std::move(x));
}

} // namespace peapod::console

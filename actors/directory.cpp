#include "actors/directory.hpp"

#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

#include <algorithm>
#include <utility>

namespace peapod {

bool is_failure(const caf::error& reason) {
  return reason && reason != caf::exit_reason::normal
         && reason != caf::exit_reason::user_shutdown;
}

std::string reason_text(const caf::error& reason) {
  if (!reason)
    return "normal";
  if (reason.category() == caf::atom("exit"))
    return to_string(static_cast<caf::exit_reason>(reason.code()));
  // Errors of ours carry their words.
  auto words = reason.context();
  if (words.size() == 1 && words.match_elements<std::string>())
    return words.get_as<std::string>(0);
  return to_string(reason);
}

// -- by actors ----------------------------------------------------------------

record_ptr directory::add(const caf::strong_actor_ptr& actor, std::string name,
                          bool on_io) {
  auto out = std::make_shared<actor_record>(
      actor, std::move(name), on_io,
      [this](actor_number other) { return name_of(other); });
  std::lock_guard guard{mutex_};
  live_.emplace(out->id, out);
  return out;
}

void directory::adopt(actor_number id, upbringing x) {
  auto who = find(id);
  if (!who)
    return;
  auto restarts = x.restarts;
  if (restarts > 0) {
    std::lock_guard guard{mutex_};
    ++restarts_[x.name];
  }
  auto by = x.parent ? name_of(*x.parent) : std::string{"the program"};
  who->set_upbringing(std::move(x));
  if (restarts == 0)
    publish(event_kind::spawned, *who, "started by " + by);
  else
    publish(event_kind::restarted, *who,
            "restarted by " + by + ", for the "
                + (restarts == 1 ? "first time"
                                 : std::to_string(restarts) + "th time"));
}

void directory::crashed(actor_record& who, std::string reason,
                        self_description state) {
  auto row = who.row();
  crash_report out;
  out.time = std::chrono::system_clock::now();
  out.id = row.id;
  out.name = row.name;
  out.parent = row.parent;
  out.about = state.about.empty() ? row.about : state.about;
  out.reason = std::move(reason);
  out.uptime = row.uptime;
  out.handled = row.handled;
  out.recent = who.recent();
  out.data = std::move(state.data);
  who.set_description(out.about, state.summary);
  {
    std::lock_guard guard{mutex_};
    out.seq = ++crash_count_;
    crashes_.push_back(out);
    if (crashes_.size() > max_crashes)
      crashes_.pop_front();
  }
  publish(event_kind::crashed, who, "crashed: " + out.reason);
  if (on_crash_)
    on_crash_(out);
}

void directory::remove(const record_ptr& who, const caf::error& reason) {
  {
    std::lock_guard guard{mutex_};
    if (live_.erase(who->id) == 0)
      return;
    if (gone_.size() == max_gone)
      gone_.pop_front();
    gone_.emplace_back(who->id, who->name());
  }
  who->end_traces();
  publish(event_kind::down, *who, "ended: " + reason_text(reason));
}

// -- by those who look --------------------------------------------------------

std::vector<record_ptr> directory::records() const {
  std::lock_guard guard{mutex_};
  std::vector<record_ptr> out;
  out.reserve(live_.size());
  for (auto& [id, x] : live_)
    out.push_back(x);
  return out;
}

record_ptr directory::find(actor_number id) const {
  std::lock_guard guard{mutex_};
  auto i = live_.find(id);
  return i == live_.end() ? nullptr : i->second;
}

bool directory::is_gone(actor_number id) const {
  std::lock_guard guard{mutex_};
  return name_of_gone(id) != nullptr;
}

bool directory::has_children(actor_number id) const {
  auto all = records();
  return std::ranges::any_of(all, [id](auto& x) { return x->parent() == id; });
}

std::string directory::name_of(actor_number id) const {
  if (id == 0)
    return "io";
  std::lock_guard guard{mutex_};
  if (auto i = live_.find(id); i != live_.end())
    return i->second->name();
  auto* gone = name_of_gone(id);
  return gone ? *gone : "unknown";
}

const std::string* directory::name_of_gone(actor_number id) const {
  auto i = std::find_if(gone_.rbegin(), gone_.rend(),
                        [id](auto& x) { return x.first == id; });
  return i == gone_.rend() ? nullptr : &i->second;
}

std::vector<crash_report> directory::crashes() const {
  std::lock_guard guard{mutex_};
  return {crashes_.begin(), crashes_.end()};
}

uint64_t directory::crash_count() const {
  std::lock_guard guard{mutex_};
  return crash_count_;
}

std::map<std::string, uint64_t> directory::restarts() const {
  std::lock_guard guard{mutex_};
  return restarts_;
}

void directory::publish(event_kind kind, const actor_record& who,
                        std::string text) {
  pod_event x;
  x.kind = kind;
  x.actor = who.id;
  x.name = who.name();
  x.about = who.about();
  x.text = std::move(text);
  events_.publish(std::move(x));
}

void directory::sample() {
  auto now = std::chrono::steady_clock::now();
  for (auto& x : records())
    x->sample(now);
}

} // namespace peapod

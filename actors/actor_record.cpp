#include "actors/actor_record.hpp"

#include "actors/message_info.hpp"

#include <caf/actor_cast.hpp>

#include <algorithm>
#include <utility>

namespace peapod {

namespace {

using std::chrono::steady_clock;

/// In a handler for longer than this an actor counts as hanging.
constexpr duration hanging_after = std::chrono::seconds(5);

/// What the actors handle of which there are many.
constexpr size_t few_recent = 4;

int64_t to_count(steady_clock::time_point x) {
  return std::chrono::nanoseconds(x.time_since_epoch()).count();
}

template <class T>
void raise(std::atomic<T>& to, T value) {
  auto seen = to.load(std::memory_order_relaxed);
  while (seen < value
         && !to.compare_exchange_weak(seen, value, std::memory_order_relaxed))
    ;
}

} // namespace

actor_record::actor_record(const caf::strong_actor_ptr& actor, std::string name,
                           bool io, name_source name_of)
  : id(actor->id()),
    on_io(io),
    handle(caf::actor_cast<caf::weak_actor_ptr>(actor)),
    name_of_(std::move(name_of)) {
  upbringing_.name = std::move(name);
}

// -- by the actor -------------------------------------------------------------

void actor_record::begin(actor_number from, const std::type_info* type,
                         uint64_t size) {
  auto now = steady_clock::now();
  handled_message fresh{now, from, type, size, {}};
  if (recent_.empty())
    recent_.reserve(few_recent);
  if (recent_.size() < max_recent)
    recent_.push_back(fresh);
  else
    recent_[next_recent_ % max_recent] = fresh;
  ++next_recent_;
  type_.store(type, std::memory_order_relaxed);
  since_.store(to_count(now), std::memory_order_relaxed);
}

void actor_record::finish(bool threw) {
  auto& last = recent_[(next_recent_ - 1) % max_recent];
  auto took = steady_clock::now() - last.at;
  since_.store(0, std::memory_order_relaxed);
  handled_.fetch_add(1, std::memory_order_relaxed);
  busy_.fetch_add(took.count(), std::memory_order_relaxed);
  raise(longest_, int64_t{took.count()});
  if (!threw)
    last.took = took;
  if (traced_.load(std::memory_order_relaxed))
    show(last);
}

std::vector<message_record> actor_record::recent() const {
  std::vector<message_record> out;
  auto first = next_recent_ - std::min<uint64_t>(next_recent_, max_recent);
  for (auto i = first; i < next_recent_; ++i)
    out.push_back(record_of(recent_[i % max_recent]));
  return out;
}

fault actor_record::next_fault() {
  if (!disturbed_.load(std::memory_order_relaxed))
    return {};
  std::lock_guard guard{mutex_};
  auto out = faults_.plan();
  out.what = faults_.next();
  disturbed_ = faults_.plan().what != fault::kind::none;
  return out;
}

message_record actor_record::record_of(const handled_message& x) const {
  message_record out;
  out.time =
      born_at_ + std::chrono::duration_cast<wall_time::duration>(x.at - born_);
  out.from = x.from;
  out.from_name = name_of_(x.from);
  out.to = id;
  out.type = type_name(x.type);
  out.size = x.size;
  out.took = x.took;
  return out;
}

void actor_record::show(const handled_message& x) {
  auto record = record_of(x);
  std::lock_guard guard{mutex_};
  std::erase_if(traces_, [&](auto& entry) {
    auto feed = entry.lock();
    if (feed)
      feed->put(record);
    return feed == nullptr;
  });
  traced_ = !traces_.empty();
}

// -- by everybody -------------------------------------------------------------

void actor_record::count_enqueued() {
  auto count = enqueued_.fetch_add(1, std::memory_order_relaxed) + 1;
  auto handled = handled_.load(std::memory_order_relaxed);
  raise(peak_, count > handled ? count - handled : 0);
}

void actor_record::set_upbringing(upbringing x) {
  std::lock_guard guard{mutex_};
  upbringing_ = std::move(x);
}

void actor_record::set_description(std::string about, std::string summary) {
  std::lock_guard guard{mutex_};
  about_ = std::move(about);
  summary_ = std::move(summary);
}

void actor_record::set_fault(const fault& x) {
  std::lock_guard guard{mutex_};
  faults_ = fault_plan{x};
  disturbed_ = x.what != fault::kind::none;
}

void actor_record::add_link(actor_number other) {
  std::lock_guard guard{mutex_};
  links_.insert(other);
}

void actor_record::remove_link(actor_number other) {
  std::lock_guard guard{mutex_};
  links_.erase(other);
}

feed_ptr<message_record> actor_record::trace() {
  auto out = std::make_shared<feed<message_record>>();
  std::lock_guard guard{mutex_};
  traces_.push_back(out);
  traced_ = true;
  return out;
}

void actor_record::end_traces() {
  std::lock_guard guard{mutex_};
  for (auto& entry : traces_)
    if (auto feed = entry.lock())
      feed->end();
  traces_.clear();
}

actor_row actor_record::row() const {
  actor_row out;
  out.id = id;
  out.on_io = on_io;
  auto inside = in_handler();
  out.state = inside >= hanging_after     ? activity::hanging
              : inside > duration::zero() ? activity::busy
                                          : activity::idle;
  out.mailbox = waiting();
  out.mailbox_peak = peak_;
  out.handled = handled_;
  out.busy = duration{busy_.load()} + inside;
  out.longest = std::max(duration{longest_.load()}, inside);
  out.uptime = steady_clock::now() - born_;
  std::lock_guard guard{mutex_};
  out.name = upbringing_.name;
  out.parent = upbringing_.parent;
  out.restart = upbringing_.restart;
  out.strategy = upbringing_.strategy;
  out.restarts = upbringing_.restarts;
  out.about = about_;
  out.summary = summary_;
  out.rate = rate_;
  out.load = load_;
  out.links.assign(links_.begin(), links_.end());
  return out;
}

std::string actor_record::name() const {
  std::lock_guard guard{mutex_};
  return upbringing_.name;
}

std::string actor_record::about() const {
  std::lock_guard guard{mutex_};
  return about_;
}

std::optional<actor_number> actor_record::parent() const {
  std::lock_guard guard{mutex_};
  return upbringing_.parent;
}

std::string actor_record::fault_text() const {
  std::lock_guard guard{mutex_};
  return to_string(faults_.plan());
}

duration actor_record::in_handler() const {
  auto since = since_.load(std::memory_order_relaxed);
  if (since == 0)
    return duration::zero();
  return std::max(duration{1}, duration{to_count(steady_clock::now()) - since});
}

std::string actor_record::handling() const {
  return since_.load() == 0 ? "nothing" : type_name(type_.load());
}

void actor_record::sample(steady_time now) {
  constexpr double weight = 0.3;
  auto handled = handled_.load();
  auto busy = busy_.load() + in_handler().count();
  std::lock_guard guard{mutex_};
  auto seconds = std::chrono::duration<double>(now - sampled_).count();
  if (seconds <= 0)
    return;
  auto rate = static_cast<double>(handled - sampled_handled_) / seconds;
  auto load = static_cast<double>(std::max<int64_t>(busy - sampled_busy_, 0))
              / 1e9 / seconds;
  rate_ += weight * (rate - rate_);
  load_ += weight * (std::min(load, 1.0) - load_);
  sampled_ = now;
  sampled_handled_ = handled;
  sampled_busy_ = busy;
}

uint64_t actor_record::waiting() const {
  auto handled = handled_.load(std::memory_order_relaxed);
  auto enqueued = enqueued_.load(std::memory_order_relaxed);
  auto out = enqueued > handled ? enqueued - handled : 0;
  // The one that is being handled does not wait.
  return out > 0 && since_.load(std::memory_order_relaxed) != 0 ? out - 1 : out;
}

} // namespace peapod
